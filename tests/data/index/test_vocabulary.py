"""Ids of label names: as written, and folded."""

import logging
from pathlib import Path

import numpy as np
import pytest

from fashionvl.data.index.labels import CATEGORIES, SUBCATEGORIES
from fashionvl.data.index.text import FileLabels
from fashionvl.data.index.vocabulary import UNLABELLED, LabelVocabulary, as_targets, folded
from fashionvl.errors import InputError


def _labels(*rows: str, field: str = "category") -> FileLabels:
    names, code = np.unique(np.array(rows, dtype=object), return_inverse=True)
    return FileLabels(Path("validation.h5"), field, [str(name) for name in names], code)


@pytest.mark.parametrize("rule", ["strict", "fold"])
def test_official_names_keep_their_ids_and_others_follow(rule) -> None:
    train = _labels("ZEBRAS", CATEGORIES[3], "AARDVARKS", "ZEBRAS")
    vocabulary = LabelVocabulary.of_training(train, rule)
    assert vocabulary.names == (*CATEGORIES, "AARDVARKS", "ZEBRAS")
    count = len(CATEGORIES)
    assert vocabulary.ids(train).tolist() == [count + 1, 3, count, count + 1]


def test_a_catalogue_with_names_of_its_own_has_no_official_ids() -> None:
    train = _labels("Ponchos", "Capes", "Jeans")
    vocabulary = LabelVocabulary.of_training(train, "fold")
    assert vocabulary.names == ("Capes", "Jeans", "Ponchos")
    assert vocabulary.ids(_labels("jeans", "JEANS")).tolist() == [1, 1]


@pytest.mark.parametrize("names", [CATEGORIES, SUBCATEGORIES])
def test_no_two_official_names_fold_into_one(names) -> None:
    assert len({folded(name) for name in names}) == len(names)


def test_strict_names_a_category_unseen_in_training_with_its_row() -> None:
    vocabulary = LabelVocabulary.of_training(_labels(CATEGORIES[0]))
    with pytest.raises(InputError, match=r"validation\.h5: row 2 has category 'CAPES'.*labels to fold"):
        vocabulary.ids(_labels(CATEGORIES[0], CATEGORIES[0], "CAPES"))


def test_strict_tells_spellings_apart() -> None:
    vocabulary = LabelVocabulary.of_training(_labels("Capes", "CAPES", ""))
    assert vocabulary.names == ("", "CAPES", "Capes")


def test_spellings_fold_into_the_official_name_or_else_the_most_frequent() -> None:
    train = _labels("Capes", "capes ", "Capes", " tops", "TOPS", "Flip\u00a0 Flops", "")
    vocabulary = LabelVocabulary.of_training(train, "fold")
    assert vocabulary.names[len(CATEGORIES) :] == ("Capes", "Flip\u00a0 Flops")
    tops, capes = CATEGORIES.index("TOPS"), len(CATEGORIES)
    assert vocabulary.ids(train).tolist() == [capes, capes, capes, tops, tops, capes + 1, UNLABELLED]
    assert vocabulary.ids(_labels("flip flops", "Tops")).tolist() == [capes + 1, tops]


def test_unseen_names_stay_apart_but_are_no_targets() -> None:
    vocabulary = LabelVocabulary.of_training(_labels("TOPS"), "fold")
    ids = vocabulary.ids(_labels("Ponchos", "TOPS", "", "PONCHOS", "Capes", " "))
    tops = CATEGORIES.index("TOPS")
    assert ids[0] == ids[3]
    assert len({ids[0], ids[4], UNLABELLED, tops}) == 4
    assert as_targets(ids).tolist() == [UNLABELLED, tops, *[UNLABELLED] * 4]


def test_what_was_folded_is_counted_and_named_once(caplog) -> None:
    vocabulary = LabelVocabulary.of_training(_labels("TOPS"), "fold")
    with caplog.at_level(logging.WARNING):
        vocabulary.ids(_labels("TOPS"))
        assert not caplog.records
        vocabulary.ids(_labels("Tops", "", "Capes", "Capes", "TOPS"))
    (record,) = caplog.records
    assert record.getMessage() == (
        "validation.h5: category: 1 rows empty, left out of recognition (''); 2 rows unseen in training, "
        "left out of recognition ('Capes'); 1 rows spelled otherwise and folded ('Tops' for TOPS)"
    )
