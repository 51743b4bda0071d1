"""Our keys beside the released TensorFlow variables' names and `transformers`' BERT keys."""

import re

SCOPE = "kaleido_bert_pre_trained_model/"

# Our linear layers and norms in a layer, and their scopes under `bert/encoder/layer_<i>`, in both formats.
LAYER_LINEARS = {
    "attention.query": "attention/self/query",
    "attention.key": "attention/self/key",
    "attention.value": "attention/self/value",
    "attention.output": "attention/output/dense",
    "widen": "intermediate/dense",
    "narrow": "output/dense",
}
LAYER_NORMS = {"attention_norm": "attention/output/LayerNorm", "output_norm": "output/LayerNorm"}
WORD_TABLES = {
    "word": "word_embeddings",
    "position": "position_embeddings",
    "token_type": "token_type_embeddings",
}

# Scope, stem of the projector's and table's names, and the norm's name of each level.
LEVELS = {
    1: ("rotation_embeddings", "rotation"),
    2: ("jigsaw_embeddings", "jigsaw"),
    3: ("camouflage_embeddings", "camouflage"),
    4: ("greymask_embeddings", "greymask"),
    5: ("blank_embeddings", "blankmask"),
}
# Variables stored [out, in]; two names carry typing errors of the released code.
HEADS = {
    "matching.weight": "seq_relationship/output_weights",
    "matching.bias": "seq_relationship/output_bias",
    "akpm.rotation.classifier.weight": "img_rotation/rotation_output_weights",
    "akpm.rotation.classifier.bias": "img_rotation/rotation_output_bias",
    "akpm.jigsaw.classifier.weight": "img_jigsaw/jiasaw_output_weights",
    "akpm.jigsaw.classifier.bias": "img_jigsaw/jigsaw_output_bias",
    "akpm.camouflage.classifier.weight": "img_camouflage/camouflage_output_weights",
    "akpm.camouflage.classifier.bias": "img_camouflage/camouflage_output_bias",
    "language.bias": "predictions/output_bias",
}
# Variables stored [in, out].
KERNEL_HEADS = {
    "akpm.grey.weight": "img_greymask/greymask_output_weights",
    "akpm.blank.weight": "img_blankmask/blanmask_output_weights",
}


def released_names(layers: int) -> dict[str, tuple[str, bool]]:
    """The variables of a released checkpoint with so many layers.

    Returns:
        By our key: the variable's name without `SCOPE`, and whether it is stored transposed, `[in, out]`.
    """
    names: dict[str, tuple[str, bool]] = {}

    def add_linear(ours: str, scope: str) -> None:
        names[f"{ours}.weight"] = (f"{scope}/kernel", True)
        names[f"{ours}.bias"] = (f"{scope}/bias", False)

    def add_norm(ours: str, scope: str) -> None:
        names[f"{ours}.weight"] = (f"{scope}/gamma", False)
        names[f"{ours}.bias"] = (f"{scope}/beta", False)

    for ours, theirs in WORD_TABLES.items():
        names[f"text_embeddings.{ours}.weight"] = (f"bert/embeddings/{theirs}", False)
    add_norm("text_embeddings.norm", "bert/embeddings/LayerNorm")
    names["patch_embeddings.position.weight"] = ("bert/position_dense", True)
    for level, (scope, stem) in LEVELS.items():
        ours = f"patch_embeddings.levels.{level}"
        names[f"{ours}.projector.weight"] = (f"bert/{scope}/{stem}_projector", True)
        names[f"{ours}.types"] = (f"bert/{scope}/{stem}_type_embeddings", False)
        add_norm(f"{ours}.norm", f"bert/{scope}/{stem}EmbLayerNorm")
    for index in range(layers):
        for ours, scope in LAYER_LINEARS.items():
            add_linear(f"encoder.layers.{index}.{ours}", f"bert/encoder/layer_{index}/{scope}")
        for ours, scope in LAYER_NORMS.items():
            add_norm(f"encoder.layers.{index}.{ours}", f"bert/encoder/layer_{index}/{scope}")
    add_linear("pooler", "bert/pooler/dense")
    add_linear("language.dense", "cls/predictions/transform/dense")
    add_norm("language.norm", "cls/predictions/transform/LayerNorm")
    names |= {ours: (f"cls/{theirs}", False) for ours, theirs in HEADS.items()}
    return names | {ours: (f"cls/{theirs}", True) for ours, theirs in KERNEL_HEADS.items()}


def transformers_name(released: str) -> str | None:
    """`transformers`' key of a released variable of the text model; None for what BERT does not have.

    BERT's sentence-pair head is left out: its first class is "follows", Kaleido-BERT's second is "matches".
    """
    if re.search(
        r"position_dense|(rotation|jigsaw|camouflage|greymask|blank)_embeddings|seq_rel|img_", released
    ):
        return None
    key = released.replace("/", ".").replace("layer_", "layer.").replace("output_bias", "bias")
    key = key.replace("_embeddings", "_embeddings.weight")
    return re.sub(r"\.(kernel|gamma)$", ".weight", re.sub(r"\.beta$", ".bias", key))
