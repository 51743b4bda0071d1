"""The label tables are those of the released MVLT code."""

from fashionvl.data.index.labels import CATEGORIES, SUBCATEGORIES


def test_sizes_are_those_of_fashion_gen() -> None:
    assert len(CATEGORIES) == 48
    assert len(SUBCATEGORIES) == 121


def test_every_name_has_one_id() -> None:
    assert len(set(CATEGORIES)) == len(CATEGORIES)
    assert len(set(SUBCATEGORIES)) == len(SUBCATEGORIES)


def test_ids_are_positions_in_the_released_lists() -> None:
    assert [CATEGORIES.index(name) for name in ("SHIRTS", "DRESSES", "BRIEFCASES")] == [0, 13, 47]
    assert [SUBCATEGORIES.index(name) for name in ("SHIRTS", "T-SHIRTS", "PINS")] == [0, 10, 120]
