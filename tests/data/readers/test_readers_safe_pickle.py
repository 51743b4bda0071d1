"""Pickles as plain data: what is admitted, what is refused, and that refusing runs nothing."""

import contextlib
import datetime
import os
import pickle
import resource
from collections import OrderedDict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.readers.mvlt_folder import parse_entry
from fashionvl.data.readers.safe_pickle import load_plain
from fashionvl.errors import InputError

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("pickles") / "a.pkl"


@settings(max_examples=60, deadline=None)
@given(value=plain, protocol=st.sampled_from([3, 4, 5]))
def test_plain_values_come_back(file, value, protocol):
    file.write_bytes(pickle.dumps(value, protocol))
    assert load_plain(file) == value


@settings(max_examples=20, deadline=None)
@given(value=plain)
def test_every_truncation_is_refused(file, value):
    data = pickle.dumps(value)
    for length in range(len(data)):
        file.write_bytes(data[:length])
        with pytest.raises(InputError, match="not a whole pickle"):
            load_plain(file)


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(("function", "name"), [(os.system, r"posix\.system"), (eval, r"__builtin__\.eval")])
def test_a_call_is_refused_by_name_and_not_made(tmp_path, protocol, function, name):
    trace, file = tmp_path / "trace", tmp_path / "a.pkl"
    argument = f"touch {trace}" if function is os.system else f"open({str(trace)!r}, 'w')"
    file.write_bytes(pickle.dumps({"captions": Call(function, argument)}, protocol))
    name = name if protocol < 3 else name.replace("__builtin__", "builtins")
    with pytest.raises(InputError, match=rf"a\.pkl: refused, it asks for {name};"):
        load_plain(file)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (np.int64(3), "numpy"),
        (np.zeros(2), "numpy"),
        (datetime.date(2022, 1, 1), "datetime.date"),
        (OrderedDict(a=1), "collections.OrderedDict"),
        (Fraction(1, 2), "fractions.Fraction"),
        (print, "builtins.print"),
    ],
)
def test_anything_importable_is_refused_by_name(file, value, name):
    file.write_bytes(pickle.dumps([value]))
    with pytest.raises(InputError, match=name):
        load_plain(file)


def test_python_2_strings_are_utf8_or_latin5(file):
    for raw, text in (("Café".encode(), "Café"), (b"Caf\xe9 \xfe", "Café ş")):
        # Protocol 1 of Python 2: an empty dict, two byte strings, SETITEM.
        file.write_bytes(b"}q\x00U\x08captionsU" + bytes([len(raw)]) + raw + b"s.")
        assert load_plain(file) == {"captions": text}


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n", b"hello world", b"\x80\x04\x95", b"0.", b"(.", b"]R."])
def test_other_bytes_are_refused(file, data):
    file.write_bytes(data)
    with pytest.raises(InputError, match="not a whole pickle"):
        load_plain(file)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.pkl: cannot be read"):
        load_plain(tmp_path / "none.pkl")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_plain_data_or_an_input_error(file, data):
    entry = {"product_id": "101", "captions": "Jersey t-shirt", "img_name": b"101_0.png", "sub_cls_id": 10}
    sound = bytearray(pickle.dumps(entry, data.draw(st.sampled_from([0, 2, 4, 5]))))
    places = st.tuples(st.integers(0, len(sound) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=6)):
        sound[place] = value
    file.write_bytes(sound)
    refused = str(file)
    try:
        record = parse_entry(load_plain(file), 0, str(file))
    except InputError as error:
        refused = str(error)
    else:
        assert isinstance(record.caption, str)
        assert isinstance(record.product_id, int)
    assert str(file) in refused


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04K\x01r\xff\xff\xff\xff.",  # a memo entry of a huge number
        b"\x80\x05\x96" + (2**45).to_bytes(8, "little") + b".",  # a byte array of 32 TiB
    ],
)
def test_no_byte_reserves_memory(tmp_path, content):
    (tmp_path / "a.pkl").write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(InputError):
        load_plain(tmp_path / "a.pkl")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
