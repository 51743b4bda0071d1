"""Kaleido patches to tokens, against the formula of section 3.5 and the released code."""

import pytest
import torch

from fashionvl.data.records import Patches
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.embeddings import PatchEmbeddings
from fashionvl.patches.grid import KaleidoGrid

GENERATOR = torch.Generator().manual_seed(3)
PATCHES = Patches(torch.randn(2, 13, 6, generator=GENERATOR), torch.rand(2, 13, 5, generator=GENERATOR))


def build(types: int = 6, dropout: float = 0.0, levels: tuple[int, ...] = (2, 3)) -> PatchEmbeddings:
    torch.manual_seed(0)
    embeddings = PatchEmbeddings(KaleidoGrid(levels), 6, 8, types, dropout, blank_level=3).eval()
    for parameter in embeddings.parameters():
        torch.nn.init.normal_(parameter)
    return embeddings


def by_formula(
    embeddings: PatchEmbeddings, patches: Patches, pair: int, patch: int, kind: int
) -> torch.Tensor:
    """LN(f W_l + type_l + p W_p) of one patch."""
    level = embeddings.levels["2" if patch < 4 else "3"]
    total = level.projector.weight @ patches.features[pair, patch].float()
    total = total + embeddings.position.weight @ patches.boxes[pair, patch]
    if kind < len(level.types):
        total = total + level.types[kind]
    normed = (total - total.mean()) / torch.sqrt(total.var(unbiased=False) + 1e-12)
    return normed * level.norm.weight + level.norm.bias


@pytest.mark.parametrize("types", [2, 3, 6])
def test_a_patch_is_the_normalised_sum_of_feature_type_and_position(types: int) -> None:
    embeddings = build(types)
    embedded = embeddings(PATCHES)
    for patch in range(13):
        expected = by_formula(embeddings, PATCHES, 1, patch, kind=2 if patch < 4 else 3)
        torch.testing.assert_close(embedded[1, patch], expected, rtol=1e-4, atol=1e-5)


def test_given_types_are_looked_up_and_those_beyond_the_table_are_nothing() -> None:
    embeddings = build(types=3)
    kinds = torch.arange(26).view(2, 13) % 5
    embedded = embeddings(PATCHES, types=kinds)
    for patch in range(13):
        expected = by_formula(embeddings, PATCHES, 1, patch, kind=int(kinds[1, patch]))
        torch.testing.assert_close(embedded[1, patch], expected, rtol=1e-4, atol=1e-5)


def test_blanks_lose_their_feature_and_keep_position_and_type() -> None:
    embeddings = build()
    blank = torch.tensor([[0, 8], [3, 3]])
    emptied = PATCHES.features.clone()
    emptied[0, [4, 12]] = 0
    emptied[1, 7] = 0
    torch.testing.assert_close(embeddings(PATCHES, blank=blank), embeddings(Patches(emptied, PATCHES.boxes)))


def test_half_precision_features_are_widened() -> None:
    embeddings = build()
    half = Patches(PATCHES.features.half(), PATCHES.boxes)
    assert torch.equal(embeddings(half), embeddings(Patches(half.features.float(), half.boxes)))


def test_dropout_acts_on_raw_features_and_on_embeddings() -> None:
    embeddings = build(dropout=0.5).train()
    for level in embeddings.levels.values():
        torch.nn.init.zeros_(level.norm.weight)
        torch.nn.init.ones_(level.norm.bias)
    assert set(embeddings(PATCHES).unique().tolist()) == {0.0, 2.0}
    seen: list[torch.Tensor] = []
    embeddings.levels["3"].projector.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    embeddings(PATCHES)
    ratio = seen[0] / PATCHES.features[:, 4:]
    assert set(ratio.unique().round(decimals=3).tolist()) == {0.0, 2.0}


def test_patches_of_another_kind_are_named() -> None:
    with pytest.raises(InputError, match=r"patches.features: \[13, 6\] .* has 4 patches \(levels\) of .* 6"):
        build(levels=(2,))(PATCHES)
    with pytest.raises(InputError, match="level 3 is asked for"):
        build(levels=(2,))(
            Patches(PATCHES.features[:, :4], PATCHES.boxes[:, :4]), blank=torch.zeros(2, 1).long()
        )


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_pixel_boxes_of_a_whole_frame_survive_half_precision(kind: torch.dtype) -> None:
    """The area of a frame of 256 x 256 is beyond float16, and 255 and 256 are one number in bfloat16."""
    embeddings = build()
    seen: list[torch.Tensor] = []
    embeddings.position.register_forward_hook(lambda _, __, output: seen.append(output))
    boxes = torch.tensor([0.0, 256.0, 0.0, 256.0, 65536.0]).expand(2, 13, 5)
    with torch.autocast("cpu", kind):
        embeddings(Patches(PATCHES.features, boxes))
    assert seen[0].dtype == torch.float32
    torch.testing.assert_close(seen[0], boxes @ embeddings.position.weight.T)
