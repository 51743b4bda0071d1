"""Pre-trained text encoders by name: a BERT whose states are averaged into one vector a text."""

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from fashionvl.data.records import Texts
from fashionvl.errors import InputError
from fashionvl.files.packaged import is_packaged
from fashionvl.models.blocks.checkpoints import locate_weights, read_state, reason
from fashionvl.models.blocks.loading import LoadReport, check_weights, shapes_of

# BERT's heads, and a constant that earlier `transformers` saved.
_SURPLUS = re.compile(r"cls\..+|pooler\..+|embeddings\.position_ids")


class TextEncoder(nn.Module):
    """A BERT whose last states are averaged over a text's tokens, [CLS] and [SEP] among them.

    `sentence-transformers` pools all-MiniLM-L6-v2 so, and divides the mean by its L2 norm.

    Attributes:
        width: D, length of a vector; 384 of MiniLM.
        vocab_size: word pieces.
        max_tokens: longest text.
    """

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert
        self.width = int(bert.config.hidden_size)
        self.vocab_size = int(bert.config.vocab_size)
        self.max_tokens = int(bert.config.max_position_embeddings)

    def forward(self, texts: Texts) -> Tensor:
        """Embed B texts.

        Args:
            texts: ids of the encoder's own tokenizer, padded on the right.

        Returns:
            `[B, D]`, at least float32, of L2 norm one.
        """
        states = self.bert(texts.input_ids, texts.attention_mask).last_hidden_state
        shown = texts.attention_mask[..., None].to(states.dtype)
        mean = ((states * shown).sum(1) / shown.sum(1)).to(torch.promote_types(states.dtype, torch.float32))
        return nn.functional.normalize(mean, dim=1)


def text_encoder(name: str) -> TextEncoder:
    """Load a text encoder, in evaluation mode; `load_tokenizer` loads its tokenizer by the same name.

    Args:
        name: `package:minilm` for MiniLM from the installed package, or the id or folder of a BERT in
            `transformers`' format: `sentence-transformers/all-MiniLM-L6-v2` is the same on the hub.

    Raises:
        InputError: there is no such encoder, or it is no BERT.
    """
    file = locate_weights(name)
    here = is_packaged(name) or Path(name).exists()
    try:
        config = BertConfig.from_pretrained(file.parent if here else name)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: no readable config.json of a BERT ({reason(error)})") from error
    bert = BertModel(config, add_pooling_layer=False)
    state = {key.removeprefix("bert."): value for key, value in read_state(file).items()}
    shapes = shapes_of(bert)
    found = {key: value for key, value in state.items() if key in shapes}
    report = LoadReport(unexpected=[key for key in state if key not in shapes])
    check_weights(shapes, found, report, name, _SURPLUS)
    bert.load_state_dict(found)
    return TextEncoder(bert).eval()
