"""Scaled dot-product attention, by the fastest implementation for the device."""

import torch
from torch import Tensor
from torch.nn import functional as F


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
    fused: bool = True,
) -> Tensor:
    """Scaled dot-product attention over `[B, heads, tokens, D]`.

    In bfloat16 on a CPU the scores are written out: with the few keys there are here, products in bfloat16
    beat torch's fused kernel for it, whose backward pass is slower than float32's (docs/performance.md).

    Args:
        query: `[B, heads, queries, D]`.
        key: `[B, heads, keys, D]`.
        value: `[B, heads, keys, D]`.
        mask: bool, broadcast to `[B, heads, queries, keys]`, True where a query reads a key; None reads all.
        dropout: on the attention probabilities.
        fused: in torch's fused kernels; False writes the scores out, as both released codes do.
    """
    if fused and (query.device.type != "cpu" or query.dtype != torch.bfloat16):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill_(~mask, float("-inf"))
    return F.dropout(scores.softmax(-1), dropout) @ value
