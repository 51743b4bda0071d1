"""Random and damaged pickles: plain data or one line, and nothing is imported or called."""

import codecs
import pickle
import pickletools
import sys
from pathlib import Path

import pytest
from damage import damaged, value_or_refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.readers.encoding import FALLBACK
from fashionvl.data.readers.mvlt_folder import parse_entry
from fashionvl.data.readers.safe_pickle import load_plain

ENTRY = {
    "product_id": "101", "captions": "Jersey t-shirt", "img_name": b"101_0.png", "sub_cls_id": 10,
    "super_cls_name": "TOPS", "sub_cls_name": float("nan"), "more": [(1, None), True, 2**70],
}  # fmt: skip
SOUND = [pickle.dumps(ENTRY, protocol) for protocol in range(6)]
PLAIN = (str, bytes, int, float, bool, type(None), list, tuple, dict)
CALLED: list[str] = []
STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "exec", "compile")
GLOBALS = [
    b"cposix\nsystem\n", b"c__builtin__\neval\n", b"cbuiltins\nexec\n", b"\x8c\x02os\x8c\x06system\x93",
    b"\x8c\x08builtins\x8c\x04eval\x93", b"\x8c\x07damage\x8c\x07damaged\x93", b"\x82\x01", b"Pos\n",
    b"(S'touch x'\niposix\nsystem\n", b"(cposix\nsystem\nS'touch x'\no",
]  # fmt: skip

ARGUMENTS = (b"1\n", b"'a'\n", b"os\nsystem\n", b"builtins\neval\n", b"-0L\n", b"x\n")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pickles") / "entry.pkl"


@pytest.fixture(scope="module", autouse=True)
def watched() -> None:
    """Note every program, process and piece of code that starts, as long as `CALLED` is watched."""
    for codec in ("raw_unicode_escape", FALLBACK):
        codecs.lookup(codec)  # its module is imported when first used

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if CALLED and event in STARTS:
            CALLED.append(f"{event} {arguments}")

    sys.addaudithook(note)


def _read(file: Path, content: bytes) -> None:
    """Read bytes as a row of the MVLT layout; the result is plain, and nothing was called."""
    file.write_bytes(content)
    CALLED[:] = ["watched"]
    try:
        found = value_or_refusal(lambda: load_plain(file), str(file))
        record = value_or_refusal(lambda: parse_entry(found, 0, str(file)), str(file))
    finally:
        called, CALLED[:] = CALLED[1:], []
    assert not called
    assert isinstance(found, PLAIN)
    if record is not None:
        assert isinstance(record.caption, str)
        assert isinstance(record.product_id, int)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_pickles(file: Path, data: st.DataObject) -> None:
    _read(file, damaged(data.draw, data.draw(st.sampled_from(SOUND))))


@st.composite
def opcodes(draw: st.DrawFn) -> bytes:
    """One instruction with an argument of its kind, most often sensible."""
    code = draw(st.sampled_from(pickletools.opcodes))
    if code.arg is None:
        return code.code.encode("latin-1")
    size = {"uint1": 1, "uint2": 2, "int4": 4, "uint4": 4, "uint8": 8, "float8": 8}.get(code.arg.name)
    if size:
        argument = draw(st.integers(0, 3)).to_bytes(size, "little") if draw(st.booleans()) else draw(
            st.binary(min_size=size, max_size=size)
        )  # fmt: skip
    elif code.arg.n == pickletools.UP_TO_NEWLINE:
        argument = draw(st.sampled_from(ARGUMENTS))
    else:
        width = {
            pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT4: 4,
            pickletools.TAKEN_FROM_ARGUMENT4U: 4, pickletools.TAKEN_FROM_ARGUMENT8U: 8,
        }[code.arg.n]  # fmt: skip
        text = draw(st.binary(max_size=6))
        length = draw(st.just(len(text)) | st.integers(0, 2 ** (8 * width - 1) - 1))
        argument = length.to_bytes(width, "little") + text
    return code.code.encode("latin-1") + argument


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from([b"", b"\x80\x02", b"\x80\x04", b"]", b"}(", b"(K\x01K\x02"]),
    program=st.lists(opcodes() | st.sampled_from(GLOBALS), max_size=14),
    end=st.sampled_from([b".", b"", b"R.", b"\x81.", b"b.", b"0."]),
)
def test_random_programs(file: Path, start: bytes, program: list[bytes], end: bytes) -> None:
    _read(file, start + b"".join(program) + end)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_calls_inside_of_sound_pickles(file: Path, data: st.DataObject) -> None:
    sound = data.draw(st.sampled_from(SOUND))
    places = [place or 0 for _, _, place in pickletools.genops(sound)]
    place = data.draw(st.sampled_from(places))
    call = data.draw(st.sampled_from(GLOBALS)) + data.draw(
        st.sampled_from([b"", b"(S'touch x'\ntR", b")R", b")\x81", b"}\x92", b"}b", b"0"])
    )
    _read(file, sound[:place] + call + sound[place:])


def test_keys_of_nested_tuples_are_not_hashed(file: Path) -> None:
    # Each tuple holds the one before twice: 2^200 hashes for the last.
    nested = b")" + b"2\x86" * 200
    for program in (b"}" + nested + b"Ns.", b"}(" + nested + b"Nu.", b"(" + nested + b"Nd."):
        file.write_bytes(program)
        assert value_or_refusal(lambda: load_plain(file), "a dictionary with tuples as keys") is None
    for program in (b"\x8f(" + nested + b"\x90.", b"(" + nested + b"\x91."):
        file.write_bytes(program)
        assert value_or_refusal(lambda: load_plain(file), "a set") is None
