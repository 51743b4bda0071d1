"""Both MIR decoders: what they read, what they give, what the U-Net costs."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT
from fashionvl.models.mvlt.decoders import PartialDecoder, UNetDecoder

DIMS = [8, 12, 16, 20]


def maps(height: int, width: int, batch: int = 2) -> list[Tensor]:
    return [torch.randn(batch, DIMS[k], height >> k, width >> k) for k in range(4)]


@pytest.mark.parametrize(
    "decoder", [UNetDecoder(DIMS, [8, 6, 5, 4], 4), PartialDecoder(DIMS, 6)], ids=["unet", "partial"]
)
@pytest.mark.parametrize("grid", [(16, 16), (24, 8)])
def test_both_give_an_image_of_four_times_the_first_grid(decoder: nn.Module, grid: tuple[int, int]) -> None:
    assert decoder(maps(*grid)).shape == (2, 3, 4 * grid[0], 4 * grid[1])


def test_unet_reads_all_four_maps_and_partial_leaves_the_first() -> None:
    for decoder, read in (
        (UNetDecoder(DIMS, [8] * 4, 4), [0, 1, 2, 3]),
        (PartialDecoder(DIMS, 6), [1, 2, 3]),
    ):
        levels = [level.requires_grad_() for level in maps(16, 16)]
        decoder(levels).square().sum().backward()
        assert [k for k, level in enumerate(levels) if level.grad is not None and level.grad.any()] == read


def test_unet_follows_grids_that_do_not_halve() -> None:
    levels = [torch.randn(1, DIMS[k], *grid) for k, grid in enumerate([(18, 22), (9, 11), (4, 5), (2, 2)])]
    assert UNetDecoder(DIMS, [8] * 4, 4)(levels).shape == (1, 3, 72, 88)
    with pytest.raises(InputError, match=r"multiples of 8 patches.*9x11, 4x5, 2x2"):
        PartialDecoder(DIMS, 6)(levels)


def test_unet_treats_each_sample_alone() -> None:
    decoder = UNetDecoder(DIMS, [8] * 4, 4).train()
    levels = maps(8, 8, batch=3)
    torch.testing.assert_close(decoder(levels)[:1], decoder([level[:1] for level in levels]))


def test_reconstruct_resizes_to_an_image_that_patches_do_not_tile(build) -> None:
    model = build()
    pixel_values = torch.rand(1, 3, 66, 70)
    assert model.reconstruct(model.encoder(pixel_values, None)[0]).shape == (1, 3, 64, 68)
    assert model.reconstruct(model.encoder(pixel_values, None)[0], size=(66, 70)).shape == pixel_values.shape


def test_default_unet_costs_what_its_docstring_says_and_less_than_the_encoder() -> None:
    with torch.device("meta"):
        model = MVLT()
        pixel_values, input_ids = torch.empty(1, 3, 256, 256), torch.zeros(1, 128, dtype=torch.long)
        with FlopCounterMode(display=False) as encoder:
            encoded = model.encode(pixel_values, input_ids)
        with FlopCounterMode(display=False) as decoder:
            model.reconstruct(encoded.visual)
    widths, dims, deeper = [64, 64, 64], [320, 128, 64], [512, 64, 64]
    cells = [16 * 16, 32 * 32, 64 * 64]
    formula = 9 * sum(
        n * ((u + d) * w + w * w) for n, u, d, w in zip(cells, deeper, dims, widths, strict=True)
    )
    formula += 9 * 256 * 256 * (64 * 16 // 4 + 3 * 16)
    assert decoder.get_total_flops() == 2 * formula
    assert formula == pytest.approx(0.92e9, rel=0.01)
    assert encoder.get_total_flops() == pytest.approx(2 * 4.2e9, rel=0.02)
