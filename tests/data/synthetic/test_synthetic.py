"""The synthetic catalogue: exact schema, exact bytes, true ground truth."""

import pickle
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from fashionvl.data.index.labels import CATEGORIES, SUBCATEGORIES
from fashionvl.data.synthetic import GroundTruth, synthesize
from fashionvl.data.synthetic.attributes import ATTRIBUTES, COLOURS, WORDS
from fashionvl.data.synthetic.captions import describe
from fashionvl.data.synthetic.kinds import KINDS
from fashionvl.data.synthetic.manifest import MANIFEST
from fashionvl.data.synthetic.plan import Plan, Product
from fashionvl.data.synthetic.render import Photograph, photograph
from fashionvl.errors import InputError

SPLITS = ("train", "validation")
FILES = {
    f"{stem}_{split}.h5" for stem in ("fashiongen_256_256", "ground_truth") for split in SPLITS
}  # fmt: skip
STRINGS = {
    "input_name",
    "input_description",
    "input_concat_description",
    "input_category",
    "input_subcategory",
    "input_brand",
    "input_composition",
    "input_department",
    "input_gender",
    "input_pose",
    "input_season",
}
PLAN = Plan(products=3_000, seed=0, validation_share=0.2)


def column(catalogue: Path, split: str, name: str) -> np.ndarray:
    with h5py.File(catalogue / f"fashiongen_256_256_{split}.h5") as file:
        return file[name][:]


def texts(catalogue: Path, split: str, name: str) -> list[str]:
    return [value.decode("iso8859-9") for value in column(catalogue, split, name)[:, 0]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def draw(folder: Path, **options: object) -> dict[str, bytes]:
    settings = {"products": 40, "seed": 3, "validation_share": 0.3, "workers": 1, "progress": False}
    synthesize(folder, **{**settings, **options})
    return contents(folder)


@pytest.mark.parametrize("split", SPLITS)
def test_schema_is_fashion_gens(catalogue: Path, split: str) -> None:
    with h5py.File(catalogue / f"fashiongen_256_256_{split}.h5") as file:
        rows = len(file["input_image"])
        assert rows > 0
        shapes = {name: dataset.shape for name, dataset in file.items()}
        types = {name: dataset.dtype for name, dataset in file.items()}
        assert file["input_image"].chunks == (1, 256, 256, 3)
    columns = STRINGS | {"index", "input_productID", "input_msrpUSD"}
    assert shapes == {
        "input_image": (rows, 256, 256, 3),
        "index_2": (rows,),
        **dict.fromkeys(columns, (rows, 1)),
    }
    assert {types[name].kind for name in STRINGS} == {"S"}
    assert types["input_image"] == np.uint8
    assert types["input_productID"] == np.int32
    assert types["input_msrpUSD"] == np.float32


def test_same_seed_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    first = draw(tmp_path / "first")
    assert set(first) == FILES | {MANIFEST}
    assert draw(tmp_path / "second", workers=2) == first


def test_another_seed_is_another_catalogue(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "first", products=20), draw(tmp_path / "second", products=20, seed=4)
    assert all(first[name] != second[name] for name in FILES)


def test_a_product_does_not_depend_on_how_many_follow() -> None:
    longer = Plan(products=9_000, seed=0, validation_share=0.2)
    assert all(longer[index] == PLAN[index] for index in range(0, 3_000, 37))


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_real_and_consistent(catalogue: Path, split: str) -> None:
    of = {kind.subcategory: kind.category for kind in KINDS}
    pairs = zip(
        texts(catalogue, split, "input_category"), texts(catalogue, split, "input_subcategory"), strict=True
    )
    assert all(of[sub] == main for main, sub in pairs)
    assert set(of) <= set(SUBCATEGORIES)
    assert set(of.values()) <= set(CATEGORIES)


def test_rows_of_a_product_are_contiguous_and_in_one_file(catalogue: Path) -> None:
    runs = []
    for split in SPLITS:
        ids = column(catalogue, split, "input_productID")[:, 0]
        changes = np.flatnonzero(np.diff(ids, prepend=-1))
        runs += ids[changes].tolist()
        assert np.diff(np.append(changes, len(ids))).max() <= 6
    assert len(runs) == len(set(runs)) == 120


@pytest.mark.parametrize("split", SPLITS)
def test_a_product_has_one_caption_and_numbered_poses(catalogue: Path, split: str) -> None:
    ids = column(catalogue, split, "input_productID")[:, 0].tolist()
    captions = texts(catalogue, split, "input_description")
    assert len(set(zip(ids, captions, strict=True))) == len(set(ids))
    seen: Counter[int] = Counter()
    for product, pose in zip(ids, texts(catalogue, split, "input_pose"), strict=True):
        seen[product] += 1
        assert pose == f"id_gridfs_{seen[product]}"


def test_some_strings_are_not_ascii(catalogue: Path) -> None:
    brands = set(texts(catalogue, "train", "input_brand"))
    assert any(not brand.isascii() for brand in brands)


@pytest.mark.parametrize(("products", "share"), [(10_000, 0.2), (6_000, 0.32)])
def test_sixteen_subcategories_have_over_a_hundred_and_one_test_products(products: int, share: float) -> None:
    plan = Plan(products, 0, share)
    counts = Counter(index % len(KINDS) for index in range(products) if plan.is_validation(index))
    assert sum(count > 101 for count in counts.values()) >= 16
    assert max(counts.values()) - min(counts.values()) <= 2
    assert sum(counts.values()) == pytest.approx(products * share, abs=len(KINDS))


def test_views_are_one_to_six_and_two_and_a_half_in_the_mean() -> None:
    counts = [len(PLAN[index].views) for index in range(1_500)]
    assert {min(counts), max(counts)} == {1, 6}
    assert np.mean(counts) == pytest.approx(2.5, abs=0.1)


def test_a_third_of_the_products_differ_from_another_in_exactly_one_attribute() -> None:
    products = [PLAN[index] for index in range(2_000)]
    twins = [product for product in products if product.twin_of is not None]
    assert 0.28 < len(twins) / len(products) < 0.35
    for twin in twins:
        other = PLAN[twin.twin_of]
        assert (twin.kind, twin.validation) == (other.kind, other.validation)
        assert twin.attributes.keys() == other.attributes.keys()
        assert sum(twin.attributes[name] != other.attributes[name] for name in other.attributes) == 1
    assert len({name for twin in twins for name in twin.attributes if differs(twin, name)}) == len(ATTRIBUTES)


def differs(twin: Product, name: str) -> bool:
    return twin.attributes[name] != PLAN[twin.twin_of].attributes[name]


def test_attributes_are_those_the_subcategory_allows() -> None:
    for index in range(0, 3_000, 7):
        product = PLAN[index]
        allowed = {**product.kind.choices, "colour": COLOURS, "secondary": COLOURS}
        assert all(value in allowed[name] for name, value in product.attributes.items())
        assert all(value in WORDS[name] for name, value in product.attributes.items())


def test_captions_say_what_they_claim_to_say_and_no_more() -> None:
    for index in range(0, 3_000, 3):
        product = PLAN[index]
        caption = describe(product, seed=0)
        text = caption.text.lower()
        assert {"colour"} <= caption.mentioned <= product.attributes.keys()
        for name, value in product.attributes.items():
            phrase = WORDS[name][value]
            said = bool(phrase) and re.search(rf"\b{re.escape(phrase)}\b", text) is not None
            assert said == (name in caption.mentioned) or (name == "secondary" and not said), (
                name,
                caption.text,
            )


def test_captions_have_twelve_to_thirty_words() -> None:
    words = [len(describe(PLAN[index], seed=0).text.split()) for index in range(0, 3_000, 3)]
    assert min(words) >= 12
    assert max(words) <= 30


STEMS = {
    "T-SHIRTS": ("t-shirt", "tee"), "SHIRTS": ("shirt", "button-up"), "POLOS": ("polo",),
    "TANK TOPS": ("tank", "top"), "HOODIES & ZIPUPS": ("hoodie", "zipup"),
    "CREWNECKS": ("crewneck", "sweater", "pullover"), "CARDIGANS": ("cardigan",),
    "BOMBERS": ("bomber", "jacket"), "BLAZERS": ("blazer",), "JEANS": ("jean",), "TROUSERS": ("trouser",),
    "SHORTS": ("short",), "SHORT DRESSES": ("dress",), "MID LENGTH SKIRTS": ("skirt",),
    "TOTE BAGS": ("tote", "bag"), "LOW TOP SNEAKERS": ("sneaker", "top"),
    "CHELSEA BOOTS": ("chelsea", "boot"), "BEANIES": ("beanie",),
}  # fmt: skip
"""Names of each sub-category in captions."""


def test_unnamed_captions_do_not_say_what_it_is_but_what_it_is_like() -> None:
    for index in range(0, 3_000, 3):
        product = PLAN[index]
        caption, named = describe(product, 0, unnamed_share=1.0), describe(product, 0)
        said = f"{caption.title} {caption.text}".lower()
        assert not [stem for stem in STEMS[product.kind.subcategory] if stem in said], said
        assert [stem for stem in STEMS[product.kind.subcategory] if stem in named.title.lower()]
        assert 12 <= len(caption.text.split()) <= 30
        assert (caption.unnamed, named.unnamed) == (True, False)
        # Only a collar can be called as the garment is.
        assert named.mentioned - caption.mentioned <= {"collar"}
        for name in product.attributes:
            phrase = WORDS[name][product.attributes[name]]
            told = bool(phrase) and re.search(rf"\b{re.escape(phrase)}\b", said) is not None
            assert told == (name in caption.mentioned) or (name == "secondary" and not told), said


def test_a_share_of_the_captions_is_unnamed_and_a_greater_one_only_adds_to_it() -> None:
    def unnamed(share: float) -> set[int]:
        return {i for i in range(0, 3_000, 3) if describe(PLAN[i], 0, share).unnamed}

    third, half = unnamed(0.3), unnamed(0.5)
    assert third < half
    assert (len(third) / 1_000, len(half) / 1_000) == pytest.approx((0.3, 0.5), abs=0.05)
    assert all(describe(PLAN[i], 0, 0.5) == describe(PLAN[i], 0) for i in set(range(0, 3_000, 3)) - half)


def test_unnamed_captions_change_nothing_else_of_a_catalogue(tmp_path: Path) -> None:
    draw(tmp_path / "named")
    draw(tmp_path / "half", unnamed_share=0.5)
    for split in SPLITS:
        truth = GroundTruth(tmp_path / "half" / f"ground_truth_{split}.h5")
        rows = truth.unnamed()
        assert 0 < rows.sum() < len(rows)
        assert not GroundTruth(tmp_path / "named" / f"ground_truth_{split}.h5").unnamed().any()
        for name in STRINGS | {"input_image", "input_productID", "input_msrpUSD"}:
            named, half = (column(tmp_path / folder, split, name) for folder in ("named", "half"))
            changed = (named != half).reshape(len(rows), -1).any(1)
            told = name in ("input_name", "input_description", "input_concat_description")
            assert (changed == (rows & told)).all(), name
        subcategories = texts(tmp_path / "half", split, "input_subcategory")
        whole = texts(tmp_path / "half", split, "input_concat_description")
        named_too = [sub.lower() in text.lower() for sub, text in zip(subcategories, whole, strict=True)]
        assert (~rows <= np.array(named_too)).all()
        assert not (rows & named_too).any()


@pytest.mark.parametrize("split", SPLITS)
def test_sidecar_is_aligned_with_the_catalogue(catalogue: Path, split: str) -> None:
    truth = GroundTruth(catalogue / f"ground_truth_{split}.h5")
    captions = texts(catalogue, split, "input_description")
    assert len(truth) == len(captions)
    assert tuple(truth.attributes()) == tuple(sorted(ATTRIBUTES))
    for name, ids in truth.attributes().items():
        words = truth.words(name)
        assert truth.values(name) == list(WORDS[name])
        assert ids.min() >= -1
        assert not truth.mentioned(name)[ids < 0].any()
        for row in np.flatnonzero(truth.mentioned(name)):
            assert words[ids[row]] in captions[row].lower()


def test_foreground_is_what_is_not_white(catalogue: Path) -> None:
    truth = GroundTruth(catalogue / "ground_truth_validation.h5")
    images = column(catalogue, "validation", "input_image")
    for row, image in enumerate(images):
        mask = truth.foreground(row)
        assert (image[mask] < 255).any(axis=1).all()
        near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert (image[~near] == 255).all()


def test_regions_lie_inside_the_image_and_on_the_product(catalogue: Path) -> None:
    truth = GroundTruth(catalogue / "ground_truth_train.h5")
    seen: Counter[str] = Counter()
    for name in ATTRIBUTES:
        applies = truth.attributes()[name] >= 0
        for row, (x0, y0, x1, y1) in enumerate(truth.region(name)):
            if x0 < 0:
                assert (x0, y0, x1, y1) == (-1, -1, -1, -1)
                continue
            assert applies[row]
            assert 0 <= x0 < x1 <= 256
            assert 0 <= y0 < y1 <= 256
            assert truth.foreground(row)[y0:y1, x0:x1].mean() > 0.1
            seen[name] += 1
    assert set(seen) == set(ATTRIBUTES)
    assert seen["colour"] == len(truth)


def views_of(product: Product, *views: str) -> list[Photograph]:
    return photograph(replace(product, views=views), seed=0)


def test_the_back_hides_collar_and_closure_of_clothes() -> None:
    rows = [ATTRIBUTES.index("collar"), ATTRIBUTES.index("closure")]
    for index in range(3 * len(KINDS)):
        if PLAN[index].kind.department == "CLOTHING":
            (back,) = views_of(PLAN[index], "back")
            assert (back.regions[rows] == -1).all()


def test_a_close_up_fills_the_frame_and_loses_the_hem() -> None:
    product = next(PLAN[i] for i in range(0, 3_000, len(KINDS)) if PLAN[i].attributes["length"] == "long")
    front, detail = views_of(product, "front", "detail")
    hem = ATTRIBUTES.index("length")
    assert (front.regions[hem] >= 0).all()
    assert (detail.regions[hem] == -1).all()
    assert detail.foreground[128].mean() > front.foreground[128].mean()


def test_solid_garments_have_their_nominal_colour() -> None:
    products = [PLAN[index] for index in range(600)]
    plain = [p for p in products if p.attributes["pattern"] == "solid" and p.attributes["trim"] == "plain"]
    assert {p.attributes["colour"] for p in plain} == set(COLOURS)
    for product in plain:
        shot = views_of(product, "front")[0]
        x0, y0, x1, y1 = shot.regions[ATTRIBUTES.index("colour")]
        pixels = shot.image[y0:y1, x0:x1][shot.foreground[y0:y1, x0:x1]].astype(float)
        nominal = np.array(COLOURS[product.attributes["colour"]])
        assert np.abs(np.median(pixels, axis=0) - nominal).max() < 40, (
            product.kind.subcategory,
            product.attributes,
        )


@pytest.mark.parametrize("pattern", ["checked", "camouflage"])
def test_patterned_cloth_shows_its_two_colours_only(pattern: str) -> None:
    kind = next(number for number, kind in enumerate(KINDS) if kind.subcategory == "MID LENGTH SKIRTS")
    for material in KINDS[kind].choices["material"]:
        attributes = {
            **plain(kind),
            "colour": "yellow",
            "secondary": "pink",
            "pattern": pattern,
            "material": material,
        }
        back = views_of(replace(PLAN[kind], attributes=attributes), "back")[0]
        inside = cv2.erode(back.foreground.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        assert (back.image[inside][:, 0] > 120).mean() > 0.98, material


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[kind.subcategory for kind in KINDS])
def test_every_attribute_value_can_be_seen_at_64_pixels(kind: int) -> None:
    def thumbnail(**changes: str) -> np.ndarray:
        changed = replace(product, attributes={**product.attributes, **changes}, views=("front",))
        return cv2.resize(photograph(changed, 0)[0].image, (64, 64), interpolation=cv2.INTER_AREA).astype(int)

    product = replace(PLAN[kind], attributes={"colour": "green", "secondary": "white", **plain(kind)})
    for name, values in KINDS[kind].choices.items():
        thumbnails = {value: thumbnail(**{name: value}) for value in sorted(set(values))}
        for first in thumbnails:
            for second in thumbnails:
                changed = (np.abs(thumbnails[first] - thumbnails[second]).max(axis=2) > 10).sum()
                assert first == second or changed >= 6, (name, first, second, changed)


def plain(kind: int) -> dict[str, str]:
    values = {
        name: options[-1] if name == "sleeve" else options[0] for name, options in KINDS[kind].choices.items()
    }
    return {**values, "pattern": "solid", "trim": "plain"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"products": 0}, "products: 0"),
        ({"products": 1}, "leave one split empty"),
        ({"validation_share": 0.0}, "validation_share: 0.0 is outside"),
        ({"validation_share": 1.0}, "validation_share: 1.0 is outside"),
        ({"seed": -1}, "seed: -1"),
        ({"workers": 0}, "workers: 0"),
        ({"unnamed_share": 1.5}, "unnamed_share: 1.5 is outside [0, 1]"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        draw(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="not a folder"):
        draw(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_interrupted_catalogue_leaves_the_old_one_alone(tmp_path: Path) -> None:
    old = draw(tmp_path, products=20)

    def interrupt(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path, progress=interrupt, overwrite=True)
    assert contents(tmp_path) == old


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(InputError, match="cannot be written") as caught:
            draw(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_progress_is_reported_product_by_product(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    draw(tmp_path, products=20, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 20) for done in range(1, 21)]


def test_ground_truth_travels_to_workers(catalogue: Path) -> None:
    truth = GroundTruth(catalogue / "ground_truth_train.h5")
    mask = truth.foreground(5)
    assert (pickle.loads(pickle.dumps(truth)).foreground(5) == mask).all()


def test_ground_truth_refuses_other_files(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        GroundTruth(tmp_path / "ground_truth_train.h5")
    with pytest.raises(InputError, match="not a ground-truth file"):
        GroundTruth(catalogue / "fashiongen_256_256_train.h5")
    with pytest.raises(InputError, match="no attribute 'size'"):
        GroundTruth(catalogue / "ground_truth_train.h5").region("size")
