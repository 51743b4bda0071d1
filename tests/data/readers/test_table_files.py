"""Tables as people have them, and as parsers break on them."""

import csv
import io
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.readers.table.files import read_table
from fashionvl.data.readers.table.rows import TextTable
from fashionvl.data.readers.table.texts import Texts
from fashionvl.errors import InputError

CELLS = st.text(max_size=8) | st.sampled_from(
    ["NA", "nan", "null", '"', ",", "a\nb", "\r", "é", "漢字", " x "]
)
FEW = settings(max_examples=60, deadline=None)


def _read(name: str, content: bytes | str, **how: Any) -> TextTable:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, **how)


@FEW
@given(rows=st.lists(st.tuples(st.integers(0, 99), CELLS, CELLS), max_size=6), data=st.data())
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[int, str, str]], data: st.DataObject) -> None:
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerows([("number", "one", "two"), *rows])
    mark = data.draw(st.sampled_from(["", "\ufeff"]))
    table = _read("t.csv", mark + text.getvalue())
    assert list(table.columns) == ["number", "one", "two"]
    assert list(zip(*table.columns.values(), strict=True)) == [(str(n), one, two) for n, one, two in rows]
    assert not table.defects
    assert not table.joined_cells


@FEW
@given(
    rows=st.lists(st.fixed_dictionaries({"id": st.integers()}, optional={"a": CELLS, "b": CELLS | st.none()}))
)
def test_absent_keys_and_null_are_empty_and_all_else_is_text(rows: list[dict[str, Any]]) -> None:
    content = "\n".join(json.dumps(row) for row in rows)
    if not rows:
        with pytest.raises(InputError, match="no rows"):
            _read("t.jsonl", content)
        return
    table = _read("t.jsonl", content)
    for name, cells in table.columns.items():
        assert cells == [str(row[name]) if row.get(name) is not None else "" for row in rows]


@FEW
@given(content=st.binary(max_size=80), ending=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]))
def test_any_bytes_are_a_table_or_an_input_error(content: bytes, ending: str) -> None:
    try:
        table = _read(f"t{ending}", content)
    except InputError:
        return
    assert {len(cells) for cells in table.columns.values()} == {len(table)}


def test_utf16_and_other_encodings_are_text(caplog: pytest.LogCaptureFixture) -> None:
    assert _read("t.csv", "a,b\né,1\n".encode("utf-16")).columns == {"a": ["é"], "b": ["1"]}
    with caplog.at_level(logging.WARNING):
        assert _read("t.csv", "a,b\nx,1\né,2\n".encode("iso-8859-9")).columns["a"] == ["x", "é"]
    assert "1 lines are not UTF-8, line 3 first" in caplog.text


def test_a_spreadsheet_may_name_its_delimiter_first() -> None:
    assert _read("t.csv", "sep=;\r\na,x;b\r\n1;2\r\n").columns == {"a,x": ["1"], "b": ["2"]}


def test_unquoted_commas_go_to_the_last_column_and_are_listed() -> None:
    table = _read("styles.csv", "id,name\n1,Shirt\n2,Belt, brown, long\n")
    assert table.columns["name"] == ["Shirt", "Belt, brown, long"]
    assert table.joined_cells == [1]


def test_quotation_marks_that_do_not_pair_stand_for_themselves(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        table = _read("t.csv", 'id,name\n1,"Air" Max\n2,"never closed\n3,"fine, quoted"\n4,5" heel\n')
    assert table.columns["id"] == ["1", "2", "3", "4"]
    assert table.columns["name"] == ['"Air" Max', '"never closed', "fine, quoted", '5" heel']
    assert table.lines == [2, 3, 4, 5]
    assert "do not pair on 2 lines, line 2 first" in caplog.text


def test_short_rows_are_defects_and_blank_lines_are_not() -> None:
    table = _read("t.csv", 'a,b,c\n1,2,3\n\n4,5\n"x\ny",6,7\n  \n')
    assert table.columns == {"a": ["1", "x\ny"], "b": ["2", "6"], "c": ["3", "7"]}
    assert table.lines == [2, 5]
    assert [(defect.line, defect.detail) for defect in table.defects] == [(4, "2 of 3")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "empty; the first line names the columns"),
        ("t.csv", "a,b,a\n", "2 columns are called a"),
        ("t.xlsx", "PK", r"a table ends in \.csv, \.tsv, \.jsonl, \.parquet"),
        ("t.jsonl", "\n", "no rows"),
    ],
)
def test_files_that_are_no_table_are_named(name: str, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _read(name, content)


def test_cells_of_jsonl_that_are_not_text_are_noted_with_their_row() -> None:
    content = (
        '{"a": [1]}\n{"a": {"b": 1}}\nnot json\n[1]\n{"a": "\\ud800"}\n{"a": NaN}\n{"a": 2.0}\n{"a": true}\n'
    )
    table = _read("t.jsonl", content)
    assert table.columns["a"] == ["", "", "", "", "2", "True"]
    assert table.odd == {(0, "a"): "a list", (1, "a"): "an object", (2, "a"): "half a character"}
    assert [(defect.line, defect.kind) for defect in table.defects] == [
        (3, "not JSON"),
        (4, "not a JSON object"),
    ]
    assert table.lines == [1, 2, 5, 6, 7, 8]


def test_parquet_is_read_as_the_same_text(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": [15970, None], "price": [1.5, float("nan")], "name": ["NA", None],
        "raw": [b"abc", b"\xff"], "many": [["x"], None],
    }  # fmt: skip
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.columns == {
        "id": ["15970", ""], "price": ["1.5", ""], "name": ["NA", ""], "raw": ["abc", ""], "many": ["", ""],
    }  # fmt: skip
    assert table.odd == {(1, "raw"): "bytes that are not UTF-8", (0, "many"): "a list"}


def _table(**columns: list[str]) -> TextTable:
    return TextTable(Path("t.csv"), columns, list(range(2, 2 + len(next(iter(columns.values()))))))


@pytest.mark.parametrize(
    ("name", "colour", "usage", "expected"),
    [
        ("Polo", "Blue", "Casual", "Polo. Blue shirt for men, Casual."),
        ("Polo", "Blue", "", "Polo. Blue shirt for men."),
        ("Polo", "", "Casual", "Polo. shirt for men, Casual."),
        ("", "Blue", "Casual", "Blue shirt for men, Casual."),
        ("Wait... what?", "NA", "NA", "Wait... what?. shirt for men."),
        ("", "", "", ""),
    ],
)
def test_a_template_closes_the_gaps_that_absent_cells_leave(
    name: str, colour: str, usage: str, expected: str
) -> None:
    table = _table(name=[name], colour=[colour], usage=[usage])
    texts = Texts("{name}. {colour} shirt for men, {usage}.", "key")
    assert texts.of(table, frozenset({"NA"})) == [expected]


def test_na_is_text_unless_it_is_said_to_be_missing() -> None:
    table = _table(name=["NA"], text=["two  blanks"])
    assert Texts("name", "key").of(table) == ["NA"]
    assert Texts(["name", "text"], "key").of(table) == ["NA two blanks"]
    assert Texts(["name", "text"], "key").of(table, frozenset({"NA"})) == ["two blanks"]
    assert Texts("{{{name}}}", "key").of(table) == ["{NA}"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{name", "is no template"),
        ("{name:>5}", "formats a column"),
        ("{{}}", "names no column"),
        ([], "names no column"),
        ("colour", "has no column colour; it has name"),
        ("{colour}", "has no column colour; it has name"),
    ],
)
def test_a_bad_caption_names_its_key(spec: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"table.caption: .*{message}"):
        Texts(spec, "table.caption").of(_table(name=["x"]))
