"""The page as HTML, without a browser."""

# True minus signs and dashes are what is tested.
# ruff: noqa: RUF001

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from fake_report import Written, empty_report, fake_report

from fashionvl.reporting.page import write_page

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Reader(HTMLParser):
    """Tags that do not match, every attribute of every tag, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [
            found for name, attrs in self.tags if name == tag and (found := attrs.get(attribute)) is not None
        ]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture
def reader(written: Written) -> Reader:
    return read(written.html)


@pytest.fixture
def text(reader: Reader) -> str:
    return " ".join(" ".join(reader.words).split())


def test_every_tag_is_closed(reader: Reader) -> None:
    assert reader.wrong == []
    assert reader.open == []


def test_head_names_the_page_and_fits_phones(written: Written, reader: Reader) -> None:
    assert written.html.startswith("<!DOCTYPE html>")
    assert reader.tags[0] == ("html", {"lang": "en"})
    assert "width=device-width" in " ".join(reader.all("meta", "content"))
    assert "<title>Ablations at laptop scale</title>" in written.html


def test_nothing_comes_from_outside(written: Written, reader: Reader) -> None:
    assert all(uri.startswith("data:image/") for uri in reader.all("img", "src"))
    assert reader.all("link", "href") == ["data:,"]
    assert not any(tag in ("script", "iframe", "object", "embed") for tag, _ in reader.tags)
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", written.html)
    assert "@import" not in written.html


def test_every_image_says_what_it_shows(reader: Reader) -> None:
    images = [attrs for tag, attrs in reader.tags if tag == "img"]
    # Differences, losses and masks of two studies; means of both.
    assert len(images) == 5 + 4 + 5 + 5 + 4 + 1 + 5 + 5
    assert all(len(image["alt"] or "") > 20 and image["width"] and image["height"] for image in images)


def test_links_are_relative_and_lead_somewhere(written: Written, reader: Reader) -> None:
    ids = [found for _, attrs in reader.tags if (found := attrs.get("id"))]
    assert len(set(ids)) == len(ids)
    links = reader.all("a", "href")
    folders = {link for link in links if not link.startswith("#")}
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    assert all((written.file.parent / unquote(link)).is_dir() for link in folders)
    assert not any(link.startswith("/") for link in folders)
    runs = [run for study in written.report.studies for column in study.columns for run in column.runs]
    assert len(folders) == len({run.path for run in runs if run.state != "missing"})


def test_contents_lead_to_every_study(written: Written, reader: Reader) -> None:
    links = reader.all("a", "href")
    assert [f"#study-{study.name}" in links for study in written.report.studies] == [True, True]
    assert "#claims" in links


def test_every_column_and_state_is_there(written: Written, text: str) -> None:
    for study in written.report.studies:
        for column in study.columns:
            assert f"{column.id} {column.label}" in text
    for said in ("failed: D2", "unfinished: D3", "not run: D4", "no numbers yet", "stopped at epoch 9 of 17"):
        assert said in text
    assert "NonFiniteLossError: epoch 3, step 512: loss is nan (itm 0.31, mir nan) in rows <17, 23>" in text


def test_what_labels_hold_is_text(written: Written, text: str) -> None:
    assert 'D1 no <ITM> & "co"' in text
    assert "Objectives & <losses>" in text
    assert "<ITM>" not in written.html
    assert "<losses>" not in written.html
    assert "<17, 23>" not in written.html


def test_numbers_stand_with_interval_difference_and_paper(written: Written, text: str) -> None:
    cell = written.report.studies[0].columns[0].cells["tir/sum_r"]
    ours, difference = cell.ours, cell.difference
    assert ours is not None
    assert difference is not None
    assert f"{ours.value:.1f} ±{ours.sd:.1f} [{ours.interval[0]:.1f}, {ours.interval[1]:.1f}]" in text
    low, high = (f"−{abs(end):.1f}" for end in difference.interval)
    assert f"▼ −{abs(difference.value):.1f} [{low}, {high}]" in text
    assert f"{cell.paper:.1f} −{abs(cell.paper_difference or 0):.1f}" in text
    assert all(f">{value:.1f}</a>" in written.html for value in ours.by_seed.values())


def test_no_hyphen_stands_for_a_minus(reader: Reader) -> None:
    cells = [word.strip() for word in reader.words]
    assert not [word for word in cells if re.fullmatch(r"\[?-\d[\d.]*.*", word)]


def test_one_seed_links_at_once_and_has_no_deviation(written: Written) -> None:
    opened = written.html[written.html.index('<section id="study-objectives"') :]
    opened = opened[: opened.index("</section>")]
    assert "±" not in opened
    assert 'objectives/D1/seed0/pretrain"><b>' in opened


def test_only_real_differences_are_marked(written: Written) -> None:
    study = written.report.studies[0]
    section = written.html[written.html.index(f'<section id="study-{study.name}"') :]
    section = section[section.index('<table class="numbers">') :]
    section = section[: section.index("</table>")]
    found = [cell.difference for column in study.columns for cell in column.cells.values() if cell.difference]
    assert section.count("▲") == sum(one.real and one.value > 0 for one in found)
    assert section.count("▼") == sum(one.real and one.value < 0 for one in found)


def test_claims_are_counted(written: Written, text: str) -> None:
    exceeding = sum(claim.exceeds for claim in written.report.claims)
    assert f"{exceeding} of 56 differences of MVLT Table 3 exceed their interval." in text


def test_notes_provenance_and_costs(written: Written, text: str) -> None:
    assert all(note in text for note in written.report.notes)
    assert "0123456789ab" in text
    assert "torch 2.6.0" in text
    assert "unchanged recipe" in text
    assert "3.41 M 234 M 410 1,480 4.3 minutes" in text


def test_nothing_has_run(tmp_path: Path) -> None:
    write_page(empty_report(tmp_path / "runs"), tmp_path / "report.html")
    reader = read((tmp_path / "report.html").read_text(encoding="utf-8"))
    text = " ".join(" ".join(reader.words).split())
    assert (reader.wrong, reader.open, reader.all("img", "src")) == ([], [], [])
    assert "nothing has run yet" in text
    assert text.count("no numbers yet") == 5


def test_same_report_gives_the_same_bytes(written: Written, tmp_path: Path) -> None:
    report = fake_report(tmp_path / "runs")
    write_page(report, tmp_path / "a.html")
    write_page(report, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert len(written.html) < 1_000_000
