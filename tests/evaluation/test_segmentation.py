"""IoU of masks and boxes, beside scikit-learn and beside each other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score

from fashionvl.errors import InputError
from fashionvl.evaluation.segmentation import SegmentationScores, Segmented, box_iou, mask_iou


def _masks(seed, count=3, side=9):
    return torch.from_numpy(np.random.default_rng(seed).random((count, side, side)) < 0.4)


def _filled(boxes, side=16):
    masks = torch.zeros(len(boxes), side, side, dtype=torch.bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.tolist(), strict=True):
        mask[y0:y1, x0:x1] = True
    return masks


def _segmented(seed, count=3):
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 6, (count, 2))
    boxes = np.concatenate([start, start + rng.integers(1, 9, (count, 2))], axis=1)
    return Segmented(_masks(seed, count), torch.from_numpy(boxes))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_mask_iou_is_scikit_learn_s(seed):
    predicted, truth = _masks(seed), _masks(seed + 1)
    expected = [
        jaccard_score(t.flatten().numpy(), p.flatten().numpy()) for p, t in zip(predicted, truth, strict=True)
    ]
    assert mask_iou(predicted, truth).tolist() == pytest.approx(expected, abs=1e-6)


def test_empty_masks_agree_and_an_empty_one_with_another_does_not():
    empty, full = torch.zeros(1, 4, 4, dtype=torch.bool), torch.ones(1, 4, 4, dtype=torch.bool)
    assert mask_iou(empty, empty).tolist() == [1]
    assert mask_iou(empty, full).tolist() == [0]
    assert mask_iou(full, full).tolist() == [1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_box_iou_is_the_iou_of_the_filled_boxes(seed):
    one, other = _segmented(seed).boxes, _segmented(seed + 1).boxes
    expected = mask_iou(_filled(one), _filled(other)).tolist()
    assert box_iou(one, other).tolist() == pytest.approx(expected, abs=1e-6)


def test_scores_are_means_over_photographs_each_counted_once():
    scores = SegmentationScores(("unet", "threshold"))
    truth = _segmented(0)
    found = {"unet": truth, "threshold": _segmented(1)}
    scores.update(found, truth, torch.tensor([7, 3, 5]))
    scores.update(found, truth, torch.tensor([7, 3, 5]))
    result = scores.compute()
    assert result["n"] == 3
    assert result["unet_iou"] == result["unet_box_iou"] == 1
    expected = mask_iou(found["threshold"].masks, truth.masks)
    assert result["threshold_iou"] == pytest.approx(float(expected.mean()))
    rows = scores.per_query()
    assert rows["id"].tolist() == [3, 5, 7]
    assert rows["threshold_iou"].tolist() == expected[[1, 2, 0]].tolist()
    assert rows["threshold_box_iou"].mean() == pytest.approx(result["threshold_box_iou"])


def test_a_method_that_is_missing_is_named():
    scores = SegmentationScores(("unet", "grabcut"))
    with pytest.raises(InputError, match=r"predicted: \['unet'\]; use \['grabcut', 'unet'\]"):
        scores.update({"unet": _segmented(0)}, _segmented(0))


@pytest.mark.parametrize(
    ("predicted", "truth"),
    [
        (_masks(0), _masks(0, side=8)),
        (_masks(0), _masks(0, count=2)),
        (_masks(0), _masks(0).float()),
        (_masks(0)[0], _masks(0)[0]),
    ],
    ids=["size", "count", "type", "no batch"],
)
def test_masks_that_do_not_fit_are_refused(predicted, truth):
    with pytest.raises(InputError, match=r"masks: .*use \[B, H, W\] bool twice"):
        mask_iou(predicted, truth)


def test_boxes_that_do_not_fit_are_refused():
    box = torch.tensor([[0, 0, 4, 4]])
    with pytest.raises(InputError, match=r"boxes: .*use \[B, 4\] twice"):
        box_iou(box, box[:, :3])
    with pytest.raises(InputError, match="boxes: one is empty"):
        box_iou(box, torch.tensor([[3, 0, 3, 4]]))
