"""Scaled dot-product attention, in the kernel and the precision that are fast on the machine at hand."""

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
    """Scaled dot-product attention over `[B, heads, tokens, D]`; bfloat16 is widened to float32 on a CPU.

    There torch's bfloat16 kernel has a backward pass seven times slower than float32's, which cost more than
    all the linear layers together gained (docs/performance.md).

    Args:
        query: `[B, heads, queries, D]`.
        key: `[B, heads, keys, D]`.
        value: `[B, heads, keys, D]`.
        mask: bool, broadcast to `[B, heads, queries, keys]`, True where a query reads a key; None reads all.
        dropout: on the attention probabilities.
        fused: in torch's fused kernels; False writes the scores out, as both released codes do.
    """
    if not fused:
        return _written_out(query, key, value, mask, dropout)
    if query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    with torch.autocast("cpu", enabled=False):
        mixed = F.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=mask, dropout_p=dropout
        )
    return mixed.to(query.dtype)


def _written_out(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return F.dropout(scores.softmax(-1), dropout) @ value
