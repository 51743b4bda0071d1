"""Words into the parser, and its complaint on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.commands.parsing import one_line, own_refusal, refused_class, with_nulls
from fashionvl.errors import InputError

NESTED = """Parser key "model":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'PairTask'>, <class 'NoneType'>]
  Errors:
    - Problem with given class_path 'fashionvl.tasks.MVLTPretraining':
        Parser key "mir":
          Does not validate against any of the Union subtypes
          Subtypes: [<class 'MIR'>, <class 'NoneType'>]
          Errors:
            - Problem with given class_path 'fashionvl.objectives.reconstruction.MIR':
                Parser key "mask.style":
                  Expected a typing.Literal['grid', 'stroke']. Got value: spiral
            - Expected a <class 'NoneType'>
          Given value type: <class 'NestedArg'>
    - Expected a <class 'NoneType'>
  Given value: spiral"""

UNION = """Parser key "seed_everything":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'bool'>, <class 'int'>]
  Errors:
    - Expected a <class 'bool'>
    - Expected a <class 'int'>
  Given value type: <class 'str'>
  Given value: abc"""


@pytest.mark.parametrize(
    ("complaint", "line"),
    [
        (NESTED, "model.mir.mask.style: Expected a typing.Literal['grid', 'stroke']. Got value: spiral"),
        ("Parser key \"config\": File does not exist: 'a.yaml'", "config: File does not exist: 'a.yaml'"),
        ("argument subcommand: invalid choice: 'fti'", "argument subcommand: invalid choice: 'fti'"),
        ("Parser key \"model\":\n  Problem with given class_path 'x.Y':\n    no x", "model: no x"),
        (UNION, "seed_everything: expected bool or int, not abc"),
        ("Parser key \"a.b\": Expected a <class 'int'>. Got value: 1e+30", "a.b: expected int, not 1e+30"),
        ("Errors:\n  Subtypes: none", "Errors: Subtypes: none"),
    ],
)
def test_the_innermost_key_and_its_first_reason_remain(complaint: str, line: str) -> None:
    assert one_line(complaint) == line


def test_a_refusal_is_found_behind_what_wraps_it() -> None:
    refusal = InputError("mask.ratio: 2 is outside [0, 1]")
    inner, outer = ValueError("union of specs"), ValueError("union of tasks")
    inner.__cause__, outer.__cause__ = refusal, inner
    assert own_refusal(outer) is refusal
    assert own_refusal(refusal) is refusal
    assert own_refusal(ValueError("of someone else")) is None


def test_a_class_that_cannot_be_built_is_named_with_the_reason() -> None:
    wrapped = ValueError(
        'Parser key "model":\n  Does not validate against any of the Union subtypes\n  Subtypes: [X, None]\n'
        "  Errors:\n    - integer modulo by zero\n    - Expected a None"
    )
    assert str(refused_class(wrapped)).startswith("model: integer modulo by zero; the class cannot be built")
    assert refused_class(ValueError("of someone else")) is None


def test_a_dotted_null_becomes_a_configuration() -> None:
    words = [
        "fit",
        "--config",
        "a.yaml",
        "--a.b.c",
        "null",
        "--d.e=null",
        "--f.g",
        "1",
        "--h",
        "null",
        "--i.j",
    ]
    nested = ["--config", '{"a": {"b": {"c": null}}}', "--config", '{"d": {"e": null}}']
    assert with_nulls(words) == [*words[:3], *nested, "--f.g", "1", "--h", "null", "--i.j"]


@given(st.lists(st.sampled_from(["fit", "--config", "--a.b", "--a.b=1", "x", "--c", "-d"]), max_size=6))
def test_words_without_a_null_stay(words: list[str]) -> None:
    assert with_nulls(words) == words


def test_the_none_of_a_sweep_is_a_null() -> None:
    nothing = ["--config", '{"model": {"mir": null}}']
    assert with_nulls(["fit", "--model.mir=None"]) == ["fit", *nothing]
    assert with_nulls(["fit", "--model.mir", "None", "--name", "None"]) == ["fit", *nothing, "--name", "None"]
