"""Text, labels and numbers of a row: decoded right or refused with file and field."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.data.readers.fields import as_label, as_number, as_text
from fashionvl.errors import InputError

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Robe noire", "Robe noire"),
        ("Café".encode(), "Café"),
        (b"Caf\xe9", "Café"),
        (bytearray(b"dress"), "dress"),
        ([b"dress"], "dress"),
        (("dress",), "dress"),
        ("", ""),
    ],
)
def test_text_is_decoded(value, expected):
    assert as_text(value, "a.pkl", "captions") == expected


@pytest.mark.parametrize("value", [None, math.nan, 4, 2.5, True, [], ["a", "b"], {"a": 1}, [None], "\ud83d"])
def test_other_values_are_no_text(value):
    with pytest.raises(InputError, match=r"a\.pkl: captions is .*expected text") as caught:
        as_text(value, "a.pkl", "captions")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("value", "expected"), [(None, ""), (math.nan, ""), ([None], ""), (b"TOPS", "TOPS")])
def test_a_label_may_be_missing(value, expected):
    assert as_label(value, "a.pkl", "super_cls_name") == expected


@pytest.mark.parametrize("value", [3, 2.5, ["a", "b"]])
def test_a_label_is_text_otherwise(value):
    with pytest.raises(InputError, match=r"super_cls_name is .*expected text"):
        as_label(value, "a.pkl", "super_cls_name")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7), ("7", 7), (b" 07 ", 7), ("\x1c7", 7), (7.0, 7), ([7], 7), (-7, -7), ("-7", -7)],
)
def test_numbers_are_read(value, expected):
    assert as_number(value, "a.pkl", "product_id") == expected


@pytest.mark.parametrize(
    "value",
    [None, True, math.nan, math.inf, 7.5, "7.5", "x", "1_0", "", 2**63, (10**5000,), "9" * 30, [1, 2], {}],
)
def test_other_values_are_no_numbers(value):
    with pytest.raises(InputError, match=r"a\.pkl: product_id is .*expected a number") as caught:
        as_number(value, "a.pkl", "product_id")
    assert len(str(caught.value)) < 200


@given(value=anything)
def test_anything_else_is_refused_in_one_line(value):
    for read, kind in ((as_text, str), (as_label, str), (as_number, int)):
        refused = ""
        try:
            found = read(value, "a.pkl", "field")
        except InputError as error:
            refused = str(error)
        assert "\n" not in refused
        assert refused or isinstance(found, kind)


@given(value=st.binary())
def test_bytes_are_never_printed_as_bytes(value):
    assert as_text(value, "a.pkl", "field") != str(value)
