"""Names of our parameters in other code bases: the released MVLT, the original PVT, `transformers`' PVT."""

import re

_STAGE = re.compile(r"encoder\.stages\.(\d+)\.(.+)")
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")

# In the released names a stage counts from 1 and follows the module's name.
_RELEASED_STAGE = {
    "visual_positions": "pos_embed{}",
    "text_positions": "text_pos_embed{}",
    "patch_embedding.projection": "patch_embed{}.proj",
    "patch_embedding.norm": "patch_embed{}.norm",
    "text_projection.0": "text_embed{}.0",
    "text_projection.1": "text_embed{}.1",
}
_RELEASED_BLOCK = {
    "norm1": "norm1",
    "attention.query": "attn.q",
    "attention.key_value": "attn.kv",
    "attention.output": "attn.proj",
    "attention.reduction": "attn.sr",
    "attention.reduction_norm": "attn.norm",
    "norm2": "norm2",
    "mlp.0": "mlp.fc1",
    "mlp.2": "mlp.fc2",
}
_RELEASED_REST = {
    "text_embeddings.word": "text_embeddings.word_embeddings",
    "text_embeddings.position": "text_embeddings.position_embeddings",
    "text_embeddings.token_type": "text_embeddings.token_type_embeddings",
    "text_embeddings.norm": "text_embeddings.LayerNorm",
    "language.projection": "mlm_head_embed.0",
    "language.norm": "mlm_head_embed.1",
    "language.prediction.dense": "mlm_head.transform.dense",
    "language.prediction.norm": "mlm_head.transform.LayerNorm",
    "language.prediction.bias": "mlm_head.bias",
    "decoder.reduce2": "t2i_head.reduction1",
    "decoder.reduce3": "t2i_head.reduction2",
    "decoder.reduce4": "t2i_head.reduction3",
    "decoder.gate4_on_3": "t2i_head.conv_upsample1",
    "decoder.gate3_on_2": "t2i_head.conv_upsample2",
    "decoder.gate43_on_2": "t2i_head.conv_upsample3",
    "decoder.carry4_to_3": "t2i_head.conv_upsample4",
    "decoder.carry43_to_2": "t2i_head.conv_upsample5",
    "decoder.merge3": "t2i_head.conv_concat2",
    "decoder.merge2": "t2i_head.conv_concat3",
    "decoder.refine": "t2i_head.conv4",
    "decoder.to_rgb": "t2i_head.score.0",
} | {
    f"{ours}.{part}": f"{released}_head{suffix}"
    for ours, released in (("matching", "itm"), ("category", "sup_cls"), ("subcategory", "sub_cls"))
    for part, suffix in (
        ("projection", "_embed.0"),
        ("norm", "_embed.1"),
        ("classifier", ".linear"),
        ("extra_bias", ".linear_bias"),
    )
}
# `transformers` splits keys and values; concatenated in this order they are our fused projection.
_PVT_BLOCK = {
    "norm1": ["layer_norm_1"],
    "attention.query": ["attention.self.query"],
    "attention.key_value": ["attention.self.key", "attention.self.value"],
    "attention.output": ["attention.output.dense"],
    "attention.reduction": ["attention.self.sequence_reduction"],
    "attention.reduction_norm": ["attention.self.layer_norm"],
    "norm2": ["layer_norm_2"],
    "mlp.0": ["mlp.dense1"],
    "mlp.2": ["mlp.dense2"],
}
_PVT_STAGE = {
    "visual_positions": "position_embeddings",
    "patch_embedding.projection": "projection",
    "patch_embedding.norm": "layer_norm",
}


def _split(name: str, table: dict[str, str] | dict[str, list[str]]) -> tuple[str, str] | None:
    """The longest head of a dotted name that the table knows, and the tail with its dot."""
    head, tail = name, ""
    while head:
        if head in table:
            return head, tail
        head, _, last = head.rpartition(".")
        tail = f".{last}{tail}"
    return None


def is_visual(key: str) -> bool:
    """Return whether a parameter belongs to the visual path, the part MVLT shares with PVT."""
    return key.startswith("encoder.") and ".text_" not in key


def position_table(index: int) -> str:
    """The key of a stage's visual position table; stages count from 0."""
    return f"encoder.stages.{index}.visual_positions"


def released_name(key: str) -> str | None:
    """The released MVLT's name of one of our state-dict keys; None for what it lacks, the U-Net.

    For the visual path these are also the names of the original PVT-v1 checkpoints.
    """
    stage = _STAGE.fullmatch(key)
    if stage is None:
        found = _split(key, _RELEASED_REST)
        return found and _RELEASED_REST[found[0]] + found[1]
    number, name = int(stage[1]) + 1, stage[2]
    if block := _BLOCK.fullmatch(name):
        head, tail = _split(block[2], _RELEASED_BLOCK) or ("", "")
        return f"block{number}.{block[1]}.{_RELEASED_BLOCK[head]}{tail}"
    head, tail = _split(name, _RELEASED_STAGE) or ("", "")
    return _RELEASED_STAGE[head].format(number) + tail


def transformers_names(key: str) -> list[str]:
    """The names `transformers`' PvtModel has for one of our visual keys: one, or key and value apart."""
    stage = _STAGE.fullmatch(key)
    if stage is None or not is_visual(key):
        raise KeyError(key)
    index, name = stage[1], stage[2]
    if block := _BLOCK.fullmatch(name):
        head, tail = _split(block[2], _PVT_BLOCK) or ("", "")
        return [f"encoder.block.{index}.{block[1]}.{part}{tail}" for part in _PVT_BLOCK[head]]
    head, tail = _split(name, _PVT_STAGE) or ("", "")
    return [f"encoder.patch_embeddings.{index}.{_PVT_STAGE[head]}{tail}"]
