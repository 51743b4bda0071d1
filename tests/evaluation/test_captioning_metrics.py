"""Caption scores against `pycocoevalcap` called directly, and against values worked out by hand."""

import gc
import json
import logging
import math
import os
import runpy
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from fashionvl.errors import InputError
from fashionvl.evaluation import captioning
from fashionvl.evaluation.captioning import CaptionScores, one_line, score_captions, simple_tokens

WORKER = Path(__file__).parent / "captioning_worker.py"
ODD = [
    "",
    " \n",
    "a\nb\r\nc",
    "x ||| y |||| z",
    "line\u2028after\u2029line\x85end\x0b\x0c\x1c",
    "\x00\ud800",
    "...",
    "\u200b",
]
GENERATED = ["Long sleeve t-shirt in red, crewneck.", "navy jeans", "it's a (black) coat", *ODD]
REFERENCES = [
    ["Long sleeve cotton t-shirt in red. Crewneck collar."],
    ["Slim jeans in navy.", "Navy jeans; five pockets."],
    ["It's a coat in black"],
    *([f"reference number {number} of odd text: {text}"] for number, text in enumerate(ODD)),
]


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captioning.shutil, "which", lambda program: None)


@pytest.mark.skipif(captioning.shutil.which("java") is None, reason="needs Java")
def test_scores_are_pycocoevalcaps_own_whatever_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one test that starts Java: odd texts neither hang it nor shift one caption to the next."""
    kept_open: list[Meteor] = []
    end = captioning._end
    monkeypatch.setattr(captioning, "_end", kept_open.append)
    totals, single = score_captions(GENERATED, REFERENCES)
    (meteor,) = kept_open

    def tokens(texts: dict[int, list[str]]) -> dict[int, list[str]]:
        lines = {number: [{"caption": one_line(text)} for text in own] for number, own in texts.items()}
        return PTBTokenizer().tokenize(lines)

    truths = tokens(dict(enumerate(REFERENCES)))
    answers = tokens({number: [text] for number, text in enumerate(GENERATED)})
    for name, scorer in (("rouge_l", Rouge()), ("cider", Cider()), ("meteor", meteor)):
        total, each = scorer.compute_score(truths, answers)
        assert totals[name] == pytest.approx(100 * total, rel=1e-12)
        assert single[name].tolist() == pytest.approx([100 * value for value in each], rel=1e-12)
    total, each = Bleu(4).compute_score(truths, answers, verbose=0)
    assert totals["bleu4"] == pytest.approx(100 * total[3], rel=1e-12)
    assert single["bleu4"].tolist() == pytest.approx([100 * value for value in each[3]], rel=1e-12)
    assert totals["sum_cap"] == pytest.approx(sum(totals[name] for name in captioning.METRICS))
    assert totals.keys() == {*captioning.METRICS, "sum_cap"}

    empty = [number for number, (text,) in answers.items() if not text]
    assert len(empty) >= 3
    for name in captioning.METRICS:
        assert totals[name] > 0
        assert single[name][empty].tolist() == pytest.approx([0.0] * len(empty), abs=1e-9)
    end(meteor)
    assert meteor.meteor_p.poll() is not None


LANGUAGES = """
import os, sys
os.environ["JAVA_TOOL_OPTIONS"] = os.environ["_JAVA_OPTIONS"] = "-Duser.language=tr -Duser.country=TR"
from fashionvl.evaluation.captioning import score_captions
print(sorted(score_captions(["BLACK SILK dress"], [["a black silk dress"]])[0].items()))
assert os.environ["_JAVA_OPTIONS"] == "-Duser.language=tr -Duser.country=TR"
"""


@pytest.mark.skipif(captioning.shutil.which("java") is None, reason="needs Java")
def test_the_language_of_the_user_changes_no_score() -> None:
    """Turkish writes decimal commas, and lower-cases I to a letter of its own."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", LANGUAGES], capture_output=True, text=True, env=environment, check=True
    )
    expected, _ = score_captions(["BLACK SILK dress"], [["a black silk dress"]])
    assert "meteor" in expected
    assert done.stdout.strip() == str(sorted(expected.items()))


def test_without_java_one_line_says_what_is_left_out(no_java: None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        totals, single = score_captions(GENERATED, REFERENCES)
    assert totals.keys() == {"bleu4", "rouge_l", "cider"}
    assert single.keys() == {"bleu4", "rouge_l", "cider", "bleu_counts"}
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    for word in ("Java", "METEOR", "SumCAP", "tokenised simply"):
        assert word in record.getMessage()


class SilentTokenizer:
    """The stub that some systems have for Java: it runs and writes nothing."""

    def tokenize(self, captions: dict[int, list[dict[str, str]]]) -> dict[int, list[str]]:
        return {next(iter(captions)): [""]}


class UnwritableTokenizer:
    """`pycocoevalcap` writes beside itself, where a user may have no leave to."""

    def tokenize(self, captions: dict[int, list[dict[str, str]]]) -> dict[int, list[str]]:
        raise PermissionError("no leave")


@pytest.mark.parametrize("broken", [SilentTokenizer, UnwritableTokenizer])
def test_a_java_that_does_not_work_is_as_none(
    broken: type, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(captioning.shutil, "which", lambda program: "/usr/bin/java")
    monkeypatch.setattr(captioning, "PTBTokenizer", broken)
    with caplog.at_level(logging.WARNING):
        totals, _ = score_captions(["red coat"], [["a red coat"]])
    assert totals.keys() == {"bleu4", "rouge_l", "cider"}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("program", ["exit 0", "cat; exit 0", "exec sleep 60"])
def test_a_meteor_that_dies_babbles_or_hangs_is_left_out_and_ended(
    program: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also its destructor has to return, which `pycocoevalcap`'s does not after an error."""
    ended: list[int | None] = []

    class FakeMeteor(Meteor):
        def __init__(self) -> None:
            pipe = subprocess.PIPE
            self.meteor_p = subprocess.Popen(["sh", "-c", program], stdin=pipe, stdout=pipe, stderr=pipe)
            self.lock = threading.Lock()

        def __del__(self) -> None:
            super().__del__()
            ended.append(self.meteor_p.returncode)

    monkeypatch.setattr(captioning, "Meteor", FakeMeteor)
    monkeypatch.setattr(captioning, "METEOR_SECONDS", 0.2)
    with caplog.at_level(logging.WARNING):
        assert captioning._meteor({0: ["a b"]}, {0: ["a"]}) is None
    assert "METEOR" in caplog.records[0].getMessage()
    gc.collect()
    assert len(ended) == 1
    assert ended[0] is not None


def test_small_cases_by_hand(no_java: None) -> None:
    totals, single = score_captions(
        ["red coat with a hood", "", "blue jeans"],
        [["red coat with a belt", "a red coat"], ["red dress"], ["blue jeans"]],
    )
    # n-grams of 1 to 4 words. First: 4 of 5, 3 of 4, 2 of 3, 1 of 2 match; last: 2 of 2, 1 of 1.
    assert single["bleu_counts"].tolist() == [
        [4, 3, 2, 1, 5, 4, 3, 2, 5, 5],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        [2, 1, 0, 0, 2, 1, 0, 0, 2, 2],
    ]
    brevity = math.exp(1 - 9 / 7)
    assert totals["bleu4"] == pytest.approx(100 * brevity * (6 / 7 * 4 / 5 * 2 / 3 * 1 / 2) ** 0.25, rel=1e-6)
    # ROUGE-L: F of best precision and best recall over the references, with beta 1.2.
    precision, recall = 4 / 5, 4 / 5
    first = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert single["rouge_l"].tolist() == pytest.approx([100 * first, 0, 100])
    assert totals["rouge_l"] == pytest.approx(100 * (first + 0 + 1) / 3)
    # CIDEr of a whole match is 10 for each length of n-gram that the caption has, over 4 lengths.
    assert single["cider"][1:].tolist() == pytest.approx([0, 100 * 10 * 2 / 4])
    assert totals["cider"] == pytest.approx(single["cider"].mean())


def test_an_empty_caption_matches_nothing_not_even_an_empty_reference(no_java: None) -> None:
    totals, single = score_captions(["", "", "red coat"], [["red"], ["..."], ["red coat"]])
    for name in ("bleu4", "rouge_l", "cider"):
        assert single[name][:2].tolist() == pytest.approx([0, 0], abs=1e-9)
        assert totals[name] < 100 * 10
    nothing, _ = score_captions(["", ""], [["red coat"], ["blue jeans"]])
    assert list(nothing.values()) == pytest.approx([0, 0, 0], abs=1e-9)


words = st.lists(st.sampled_from(["red", "coat", "with", "hood", "in"]), max_size=9).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(generated=st.lists(words, min_size=1, max_size=5), data=st.data())
def test_summed_counts_decide_bleu(generated: list[str], data: st.DataObject) -> None:
    one_or_two = st.lists(words.filter(bool), min_size=1, max_size=2)
    references = [data.draw(one_or_two) for _ in generated]
    truths, answers = dict(enumerate(references)), {number: [text] for number, text in enumerate(generated)}
    (total, _), counts = captioning._bleu(truths, answers)
    sums = counts.sum(0)
    matched, every, length, nearest = sums[:4], sums[4:8], sums[8], sums[9]
    # The scorer's own guards against nothing at all.
    tiny, small = 1e-15, 1e-9
    brevity = min(1.0, math.exp(max(-700.0, 1 - (nearest + small) / (length + tiny))))
    precisions = (matched + tiny) / (every + small)
    assert total == pytest.approx(brevity * np.prod(precisions) ** 0.25, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('Long-sleeve T-shirt, in "red".', "long sleeve t shirt in red"),
        ("It's 100% cotton (2 oz)!", "it s 100 % cotton ( 2 oz )"),
        ("snake_case\u00a0caf\u00e9", "snake _ case caf\u00e9"),
        ("", ""),
    ],
)
def test_simple_tokens(text: str, tokens: str) -> None:
    assert simple_tokens(text) == tokens


@given(text=st.text(st.characters(exclude_categories=()), max_size=30))
def test_one_line_is_one_line_of_utf8_without_the_separator(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert "|||" not in line
    assert line.encode().decode() == line
    assert one_line(line) == line


@pytest.mark.parametrize(
    ("generated", "references", "word"),
    [
        ([], [], "references"),
        (["a"], [[]], "references"),
        (["a"], [], "references"),
        (["a"], [["..."]], "word"),
    ],
)
def test_nothing_to_score_against_is_refused(
    no_java: None, generated: list[str], references: list[list[str]], word: str
) -> None:
    with pytest.raises(InputError, match=word) as caught:
        score_captions(generated, references)
    assert "\n" not in str(caught.value)


def test_a_caption_seen_twice_counts_once(no_java: None) -> None:
    scores = CaptionScores()
    scores.update(["red coat", "jeans"], [["red coat"], ["blue jeans"]], torch.tensor([7, 3]))
    assert scores.compute()["n"] == 2
    scores.update(["red coat", ""], [["red coat"], ["green hat"]], torch.tensor([7, 5]))
    totals, table = scores.compute(), scores.per_query()
    assert totals["n"] == 3
    assert table["id"].tolist() == [3, 5, 7]
    direct, single = score_captions(["jeans", "", "red coat"], [["blue jeans"], ["green hat"], ["red coat"]])
    assert {name: value for name, value in totals.items() if name != "n"} == direct
    assert table["cider"].tolist() == single["cider"].tolist()


@pytest.mark.parametrize(
    ("generated", "references", "ids"),
    [(["a"], [["a"]], [1, 2]), (["a"], [], [1]), (["a"], [["a"]], [-1])],
)
def test_captions_references_and_ids_have_to_fit(
    generated: list[str], references: list[list[str]], ids: list[int]
) -> None:
    with pytest.raises(InputError, match="ids"):
        CaptionScores().update(generated, references, torch.tensor(ids))


def test_no_caption_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="nothing was evaluated"):
        CaptionScores().compute()


def test_two_processes_score_what_one_does(tmp_path: Path) -> None:
    shards = [[0, 2, 4], [1, 3, 0]]
    processes = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(rank), "2", str(tmp_path), json.dumps(shard)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, shard in enumerate(shards)
    ]
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    single = runpy.run_path(str(WORKER))["evaluate"](list(range(5)))
    for rank in range(2):
        assert json.loads((tmp_path / f"result-{rank}.json").read_text()) == single
