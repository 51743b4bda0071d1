"""Fashion captioning (FC): Kaleido-BERT fine-tuned to describe a photograph from its patches."""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch, Patches, Texts
from fashionvl.data.text.loading import require_bert_marks
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.kaleido_bert.decoding import (
    CausalDecoding,
    Marks,
    MaskedDecoding,
    write_causal,
    write_masked,
)
from fashionvl.models.kaleido_bert.model import KaleidoBERT
from fashionvl.objectives.language import mlm_loss
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.initialization import check_input, load_weights, train_heads
from fashionvl.tasks.kaleido.caption_test import CaptionTest
from fashionvl.tasks.kaleido.pretraining import crop_features
from fashionvl.tasks.optimization import Optimization


class Captioning(PairTask):
    """Kaleido-BERT writes captions with its MLM head (section 4.2, task 4; Table 3).

    Neither the paper nor the released code says how. Asked, the author answers that the encoder is used
    alone, on "[Mask] all then predict them", without the losses of pre-training (issues 6 and 8 of the
    original's repository): mode `masked`. Mode `causal` is the usual alternative.
    """

    network: KaleidoBERT

    def __init__(
        self,
        network: KaleidoBERT,
        weights: str | None = None,
        mode: Literal["masked", "causal"] = "masked",
        hidden: Literal["random", "all"] = "random",
        masked: MaskedDecoding = MaskedDecoding(),  # noqa: B008 - frozen
        causal: CausalDecoding = CausalDecoding(),  # noqa: B008 - frozen
        backbone: PatchBackbone | None = None,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model; its language head is trained, its other heads rest.
            weights: the pre-trained model: a run folder, a folder written by `save_pretrained`, or a released
                checkpoint. None trains from the network's own initialisation.
            mode: `masked`: hidden words are predicted from the rest and the patches. `causal`: every word is
                predicted from those before it and the patches.
            hidden: words hidden in training in mode `masked`; in testing, all are at first. `random`: any
                share of them, drawn evenly for each caption (after Ghazvininejad et al. 2019), so that the
                network also learns to go on from words that it has written. `all`, as the author says.
            masked: how captions are written in mode `masked`.
            causal: how captions are written in mode `causal`.
            backbone: computes the features of patches that the data cut online; None: they come from a cache.
            optimization: optimiser and schedule.
        """
        super().__init__(optimization)
        self.network, self.pretrained, self.backbone = network, weights, backbone
        self.mode, self.hidden, self.masked, self.causal = mode, hidden, masked, causal
        train_heads(network, ("mlm",))
        network.pooler.requires_grad_(False)
        self.test_with([CaptionTest(self.write)])

    def check_data(self) -> None:
        """Check tokens and patches."""
        check_input(self.network, self.data, self.backbone)
        self.prepare(self.data)

    def prepare_network(self, stage: str) -> None:
        """Load the pre-trained weights before fine-tuning.

        Raises:
            InputError: the weights do not fit.
        """
        if stage == "fit" and self.pretrained:
            load_weights(self.network, self.pretrained)

    def prepare(self, data: FashionGenDataModule) -> None:
        """Take from the data how captions are spelled, and how long they can be.

        Raises:
            InputError: captions are longer than the network's texts, or the tokenizer is not BERT-like.
        """
        if data.max_tokens > self.network.text_positions:
            raise InputError(
                f"data.init_args.max_tokens: {data.max_tokens}, but the network has text_positions "
                f"{self.network.text_positions}"
            )
        tokenizer = data.tokenizer
        require_bert_marks(tokenizer, data.tokenizer_name, ("cls", "sep", "pad", "mask"), "captioning")
        self.marks = Marks(
            cls=int(tokenizer.cls_token_id),
            sep=int(tokenizer.sep_token_id),
            pad=int(tokenizer.pad_token_id),
            mask=int(tokenizer.mask_token_id),
        )
        self.length = data.max_tokens

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the cross-entropy of the hidden words, or of every next word.

        On the dev split in mode `masked` every word is hidden, as testing begins.
        """
        loss, accuracy = self._loss(batch)
        return {"loss": loss}, {"caption_accuracy": accuracy}

    def _loss(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Mean loss of the words asked for, [SEP] among them, and the share of them that is right."""
        patches = self._patches(batch)
        if self.mode == "masked":
            every = torch.ones(len(batch), device=batch.input_ids.device)
            # 1 - [0, 1) is (0, 1].
            share = 1 - torch.rand_like(every) if self.training and self.hidden == "random" else every
            canvas, labels = hide_words(batch.texts, self.marks, self.length, share)
            states = self.network.encode(canvas, torch.ones_like(canvas), patches).text
        else:
            text = self.network.encode(batch.input_ids, batch.attention_mask, patches, causal_text=True).text
            states = text[:, :-1]
            labels = batch.input_ids[:, 1:].masked_fill(batch.attention_mask[:, 1:] == 0, IGNORED_LABEL)
        words = mlm_loss(states, labels, self.network.mlm_logits)
        return words.loss * self.share(words.asked), words.accuracy

    def _patches(self, batch: PairBatch) -> Patches:
        if batch.patches is None:
            raise InputError("data.init_args.kaleido: null; Kaleido-BERT sees photographs as kaleido patches")
        if self.backbone is None:
            return batch.patches
        return Patches(crop_features(self.backbone, batch.patches.features), batch.patches.boxes)

    def write(self, patches: Patches) -> Tensor:
        """Captions `[B, T]` of photographs: token ids behind [CLS], padded behind [SEP]."""
        if self.mode == "masked":
            return write_masked(self.network, patches, self.marks, self.length, self.masked).tokens
        return write_causal(self.network, patches, self.marks, self.length, self.causal).tokens

    def seen(self, batch: Any) -> Any:
        """Return a test batch with features for crops."""
        batch.patches = self._patches(batch)
        return batch


def hide_words(texts: Texts, marks: Marks, length: int, share: Tensor) -> tuple[Tensor, Tensor]:
    """Captions of unknown length with some of their words hidden.

    All places behind the caption are [MASK] too, are read, and nothing is asked of them: when captions are
    written, no one knows yet where they end, and the network says so by [SEP], which is a word here.

    Args:
        texts: `[B, L]`, [CLS] caption [SEP] [PAD]...
        marks: ids.
        length: places, at least L.
        share: `[B]` in (0, 1], of the words to hide; at least one is.

    Returns:
        `[B, length]` ids, and labels: the id at hidden words, -100 elsewhere.
    """
    behind = (0, length - texts.input_ids.shape[1])
    whole = F.pad(texts.input_ids, behind, value=marks.pad)
    there = F.pad(texts.attention_mask, behind).bool()
    words = there.clone()
    words[:, 0] = False
    count = (share * words.sum(1)).ceil().clamp(min=1)
    order = torch.rand(whole.shape, device=whole.device).masked_fill(~words, 2.0)
    hidden = (order.argsort(1).argsort(1) < count[:, None]) & words
    canvas = whole.masked_fill(hidden | ~there, marks.mask)
    return canvas, whole.masked_fill(~hidden, IGNORED_LABEL)
