"""Scaled dot-product attention, in the precision that is fast on the machine at hand."""

import torch
from torch import Tensor
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float = 0.0) -> Tensor:
    """Scaled dot-product attention over `[B, heads, tokens, D]`; bfloat16 is widened to float32 on a CPU.

    There torch's bfloat16 kernel has a backward pass seven times slower than float32's, which cost more than
    all the linear layers together gained.

    Args:
        query: `[B, heads, queries, D]`.
        key: `[B, heads, keys, D]`.
        value: `[B, heads, keys, D]`.
        mask: bool, broadcast to `[B, heads, queries, keys]`, True where a query reads a key; None reads all.
        dropout: on the attention probabilities.
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    with torch.autocast("cpu", enabled=False):
        mixed = F.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=mask, dropout_p=dropout
        )
    return mixed.to(query.dtype)
