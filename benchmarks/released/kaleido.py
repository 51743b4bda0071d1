"""A pre-training step of Kaleido-BERT as the released code computes it (https://github.com/mczhuge/Kaleido-BERT).

The weights and the losses are those of a `KaleidoPretraining`; what differs is the way to them.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fashionvl.data.records import KaleidoTargets, PairBatch, Patches
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.blocks.bert import MaskedLanguageHead
from fashionvl.models.blocks.transformer import Activation, BertAttention
from fashionvl.models.kaleido_bert.model import Encoded, KaleidoBERT
from fashionvl.objectives.kaleido import GreyTarget, blank_loss, choice_loss, grey_loss
from fashionvl.objectives.matching import itm_loss
from fashionvl.tasks import KaleidoPretraining

MASKED_POSITIONS = 10
"""Masked positions of every caption; the MLM head runs on all, asked or not (`masked_lm_positions`)."""


def released_losses(task: KaleidoPretraining, batch: PairBatch) -> dict[str, Tensor]:
    """The seven losses of B pairs.

    Attention scores are written out and masked by an adder of shape `[B, 1, S, S]`, GELU is six element-wise
    operations, all states of the last layer are computed, and words are decoded at ten gathered positions of
    each caption, weighted (`layers/attention.py`, `layers/activations.py`, `modeling_kaleidobert.py`).

    Args:
        task: every objective on, every pair kept.
        batch: with features of patches and everything that the objectives ask for.

    Raises:
        InputError: an objective is off, or the batch lacks what one asks for.
    """
    patches, targets = batch.patches, batch.kaleido
    if patches is None or targets is None or batch.mlm_labels is None or task.grey is None:
        raise InputError(
            "the released code computes all seven losses; give a task and a batch with all of them"
        )
    network = task.network
    encoded = _encode(network, batch, patches, targets.blank)
    return {
        "itm": itm_loss(network.itm_logits(encoded.pooled), batch.itm_labels),
        "mlm": _mlm_loss(network, encoded.text, batch.mlm_labels),
        **_patch_losses(network, encoded, patches, targets, task.grey.target),
    }


def released_optimizer(task: KaleidoPretraining, lr: float) -> torch.optim.Optimizer:
    """AdamW, one loop a parameter."""
    learning = [weight for weight in task.parameters() if weight.requires_grad]
    return torch.optim.AdamW(learning, lr=lr, foreach=False, fused=False)


def _encode(network: KaleidoBERT, batch: PairBatch, patches: Patches, blank: Tensor | None) -> Encoded:
    text, seen = network.text_embeddings(batch.input_ids), network.patch_embeddings(patches, None, blank)
    states, length = torch.cat([text, seen], dim=1), text.shape[1]
    read = torch.cat([batch.attention_mask, batch.attention_mask.new_ones(seen.shape[:2])], dim=1)
    everyone = torch.ones(*states.shape[:2], 1, device=states.device)
    adder = (1.0 - everyone * read[:, None]) * -10000.0
    for layer in network.encoder.layers:
        states = _layer(layer, states, adder[:, None])
    spans = {level: states[:, length:][:, network.grid.span(level)] for level in network.grid.levels}
    return Encoded(states, states[:, :length], spans, torch.tanh(network.pooler(states[:, 0])))


def _layer(layer: Any, states: Tensor, adder: Tensor) -> Tensor:
    mixed = layer.dropout(_attend(layer.attention, states, adder))
    states = layer.attention_norm(states + mixed)
    hidden = layer.narrow(_gelu(layer.widen(states), layer.activation))
    return layer.output_norm(states + layer.dropout(hidden))


def _attend(attention: BertAttention, states: Tensor, adder: Tensor) -> Tensor:
    query, key, value = (
        project(states).unflatten(2, (attention.heads, -1)).transpose(1, 2)
        for project in (attention.query, attention.key, attention.value)
    )
    scores = query @ key.transpose(2, 3) * query.shape[3] ** -0.5 + adder
    chances = F.dropout(scores.softmax(-1), attention.dropout, attention.training)
    return attention.output((chances @ value).transpose(1, 2).flatten(2))


def _gelu(hidden: Tensor, activation: Activation) -> Tensor:
    if activation == "gelu":
        return hidden * (0.5 * (1.0 + torch.erf(hidden / math.sqrt(2.0))))
    return hidden * (0.5 * (1.0 + torch.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3))))


def _mlm_loss(network: KaleidoBERT, text: Tensor, labels: Tensor) -> Tensor:
    asked = (labels != IGNORED_LABEL).float()
    weights, positions = asked.topk(min(MASKED_POSITIONS, labels.shape[1]), dim=1)
    states = text.gather(1, positions[..., None].expand(-1, -1, text.shape[2])).flatten(0, 1)
    logits = _words(network.language, states, network.text_embeddings.word.weight)
    targets = labels.gather(1, positions).flatten().clamp(min=0)
    losses = F.cross_entropy(logits, targets, reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def _words(head: MaskedLanguageHead, states: Tensor, words: Tensor) -> Tensor:
    return head.norm(_gelu(head.dense(states), head.activation)) @ words.T + head.bias


def _patch_losses(
    network: KaleidoBERT, encoded: Encoded, patches: Patches, targets: KaleidoTargets, grey: GreyTarget
) -> dict[str, Tensor]:
    asked = (
        targets.rotation,
        targets.jigsaw,
        targets.camouflage,
        targets.grey,
        targets.grey_target,
        targets.blank,
    )
    if any(target is None for target in asked):
        raise InputError("batch.kaleido: a target is missing; the released code asks all five sub-tasks")
    rotation, jigsaw, camouflage, greyed, colour, blank = (target for target in asked if target is not None)
    whole = patches.features[:, network.grid.span(network.blank_level)]
    hidden = whole.gather(1, blank[..., None].expand(-1, -1, whole.shape[2]))
    return {
        "rotation": choice_loss(network.rotation_logits(encoded), rotation),
        "jigsaw": choice_loss(network.jigsaw_logits(encoded), jigsaw),
        "camouflage": choice_loss(network.camouflage_logits(encoded), camouflage),
        "grey": grey_loss(network.grey_prediction(encoded.chosen(4, greyed)), colour, grey),
        "blank": blank_loss(network.blank_prediction(encoded.chosen(network.blank_level, blank)), hidden),
    }
