"""Attention against loops, positions, shapes, and sizes that do not fit."""

import pytest
import torch
from torch.nn import functional as F

from fashionvl.errors import InputError
from fashionvl.models.mvlt.encoder import Stage, check_pyramid, resize_positions
from fashionvl.models.mvlt.layers import DropPath, SpatialReductionAttention


def attention_by_loops(layer: SpatialReductionAttention, tokens: torch.Tensor, cells: int) -> torch.Tensor:
    """The textbook sum over keys, one head and one query at a time; 4x4 grid, reduction 2."""
    width = tokens.shape[2]
    visual = tokens[:, :cells].transpose(1, 2).reshape(len(tokens), width, 4, 4)
    reduced = F.conv2d(visual, layer.reduction.weight, layer.reduction.bias, stride=2)
    reduced = F.layer_norm(
        reduced.flatten(2).transpose(1, 2), [width], layer.reduction_norm.weight, layer.reduction_norm.bias
    )
    sources = torch.cat([reduced, tokens[:, cells:]], dim=1)
    key, value = layer.key_value(sources).split(width, dim=2)
    query = layer.query(tokens)
    mixed = torch.zeros_like(tokens)
    size = width // layer.heads
    for head in range(layer.heads):
        part = slice(head * size, (head + 1) * size)
        for place in range(tokens.shape[1]):
            scores = (query[:, place, None, part] * key[:, :, part]).sum(-1) / size**0.5
            mixed[:, place, part] = (scores.softmax(1)[..., None] * value[:, :, part]).sum(1)
    return layer.output(mixed)


def test_attention_reduces_visual_keys_and_keeps_text_keys() -> None:
    torch.manual_seed(0)
    layer = SpatialReductionAttention(width=12, heads=3, reduction=2).double()
    tokens = torch.randn(2, 16 + 5, 12, dtype=torch.float64)
    torch.testing.assert_close(layer(tokens, (4, 4), None), attention_by_loops(layer, tokens, 16))


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    branch = torch.ones(4000, 3, 2)
    dropped = DropPath(0.25).train()(branch)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (dropped.flatten(1).std(dim=1) == 0).all()
    assert abs(dropped.mean() - 1) < 0.05
    assert DropPath(0.25).eval()(branch) is branch


def test_drop_path_grows_linearly_with_depth(build) -> None:
    model = build(depths=[1, 2, 1, 1], drop_path=0.2)
    rates = [block.drop_path.rate for stage in model.encoder.levels for block in stage.blocks]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])


def stage(index: int = 1, side: int = 4) -> Stage:
    return Stage(index, 3, 6, 8, 2, 2, 1, [0.0], patch=2, side=side, max_tokens=5)


def test_positions_of_the_own_grid_are_the_table() -> None:
    level = stage()
    assert torch.equal(level.positions((4, 4)), level.visual_positions)
    last = stage(index=3)
    assert last.visual_positions.shape == (1, 17, 8)
    assert torch.equal(last.positions((4, 4)), last.visual_positions[:, 1:])


def test_positions_of_another_grid_are_interpolated() -> None:
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
    table = torch.stack([rows.flatten(), columns.flatten()], dim=-1)[None]
    doubled = resize_positions(table, (8, 4)).unflatten(1, (8, 4))[0]
    expected_rows = torch.tensor([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0])
    torch.testing.assert_close(doubled[..., 0], expected_rows[:, None].expand(8, 4))
    torch.testing.assert_close(doubled[..., 1], torch.arange(4.0).expand(8, 4))
    assert torch.equal(resize_positions(table, (4, 4)), table)


def test_only_stage_1_reads_its_table_row_by_row_when_the_cells_agree() -> None:
    first, second = stage(index=0), stage(index=1)
    assert torch.equal(first.positions((2, 8)), first.visual_positions)
    assert not torch.allclose(second.positions((2, 8)), second.visual_positions)


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (32, 160)])
def test_shapes_at_any_size(build, size: tuple[int, int]) -> None:
    model = build()
    encoded = model.encode(torch.rand(2, 3, *size), torch.randint(0, 50, (2, 6)))
    strides, widths = [4, 8, 16, 32], [16, 16, 24, 32]
    for k in range(4):
        assert encoded.visual[k].shape == (2, widths[k], size[0] // strides[k], size[1] // strides[k])
        assert encoded.textual[k].shape == (2, 6, widths[k])
    assert torch.equal(encoded.pooled, encoded.textual[3][:, 0])
    assert [level.shape for level in model.encoder(torch.rand(2, 3, *size), None)[0]] == [
        level.shape for level in encoded.visual
    ]


def test_text_reaches_the_image_and_the_image_reaches_the_text(build) -> None:
    model = build()
    image, other = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    ids, others = torch.tensor([[1, 2, 3]]), torch.tensor([[1, 2, 4]])
    base = model.encode(image, ids)
    assert not torch.allclose(base.visual[0], model.encode(image, others).visual[0])
    assert not torch.allclose(base.pooled, model.encode(other, ids).pooled)
    assert not torch.allclose(base.visual[3], model.encoder(image, None)[0][3])


def test_too_small_an_image_is_named(build) -> None:
    with pytest.raises(InputError, match=r"pixel_values: an image of 16x64 .* 32 px"):
        build().encoder(torch.rand(1, 3, 16, 64), None)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embed_dims": [16, 16, 24]}, r"embed_dims: \[16, 16, 24\]"),
        ({"depths": [1, 2, 0, 1]}, r"depths: \[1, 2, 0, 1\]"),
        ({"num_heads": [1, 3, 3, 4]}, "num_heads: 3 does not divide .* 16"),
        ({"image_size": 60}, "image_size: 60 is not a multiple of 32"),
        ({"sr_ratios": [4, 2, 8, 1]}, "sr_ratios: 8 exceeds the 4x4 grid of stage 3"),
        ({"max_tokens": 13}, "max_tokens: 13 exceeds text_positions, 12"),
        ({"decoder": "vae"}, "decoder: 'vae' is unknown"),
        ({"decoder_width": [8, 8]}, r"decoder_width: \[8, 8\]"),
        ({"decoder": "partial", "decoder_width": [8, 8, 8, 8]}, "the partial decoder has one width"),
    ],
)
def test_sizes_that_do_not_fit_are_named_in_one_line(build, change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        build(**change)
    assert "\n" not in str(caught.value)


def test_published_pyramid_passes() -> None:
    check_pyramid(
        256,
        4,
        [8, 4, 2, 1],
        embed_dims=[64, 128, 320, 512],
        depths=[2, 2, 2, 2],
        num_heads=[1, 2, 5, 8],
        mlp_ratios=[8, 8, 4, 4],
    )
