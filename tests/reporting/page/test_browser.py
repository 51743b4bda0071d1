"""The page in a real browser: no error, every image decoded, nothing wider than the window."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest
from fake_report import Written

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)

WATCH = """<script>
window.problems = [];
addEventListener("error", event => problems.push(event.message || event.target.outerHTML), true);
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));
console.error = (...said) => problems.push(said.join(" "));
</script>"""

REPORT = """<script>
addEventListener("load", async () => {
  document.querySelectorAll("details").forEach(one => one.open = true);
  const images = [...document.images];
  await Promise.all(images.map(one => one.decode().catch(error => problems.push(String(error)))));
  parent.postMessage({
    asked: innerWidth, wide: document.documentElement.scrollWidth, problems,
    images: images.length, blank: images.filter(one => !one.naturalWidth).map(one => one.alt),
  }, "*");
});
</script>"""

FRAME = """<!DOCTYPE html><meta charset="utf-8"><pre id="answers"></pre><script>
const answers = [];
addEventListener("message", event => {
  answers.push(event.data);
  document.getElementById("answers").textContent = JSON.stringify(answers);
});
</script>"""


pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is on PATH")

WIDTHS = (1280, 390)
"""Widths of a desktop's and of a phone's window."""


def test_page_in_a_browser(written: Written, tmp_path: Path) -> None:
    answers = look_at(written.html, tmp_path)
    assert sorted(answer["asked"] for answer in answers) == sorted(WIDTHS)
    for answer in answers:
        assert answer["problems"] == []
        assert answer["blank"] == []
        assert answer["images"] == written.html.count("<img ")
        assert answer["wide"] <= answer["asked"]


def test_a_broken_page_is_noticed(tmp_path: Path) -> None:
    broken = '<p style="width: 2000px">wide</p><img src="data:image/png;base64,AAAA" alt="broken">'
    html = f"<html><head></head><body>{broken}<script>undefined_function()</script></body></html>"
    for answer in look_at(html, tmp_path):
        assert any("undefined_function" in problem for problem in answer["problems"])
        assert answer["blank"] == ["broken"]
        assert answer["wide"] > 1280


def look_at(html: str, folder: Path) -> list[dict]:
    """A copy of a page that watches itself, in one frame a width: no window of Chromium's is that narrow."""
    watched = html.replace("<head>", "<head>" + WATCH, 1).replace("</body>", REPORT + "</body>", 1)
    (folder / "page.html").write_text(watched, encoding="utf-8")
    frames = [
        f'<iframe src="page.html" width="{width}" height="900" frameborder="0"></iframe>' for width in WIDTHS
    ]
    (folder / "frames.html").write_text(FRAME + "".join(frames), encoding="utf-8")
    return browse(folder / "frames.html", folder / "profile")


def browse(page: Path, profile: Path) -> list[dict]:
    """Collect the answers of a page's frames."""
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--hide-scrollbars", "--window-size=1400,1000", f"--user-data-dir={profile}",
        "--virtual-time-budget=20000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="answers">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the browser left {escape(done.stdout[:500])!r}; it said {done.stderr[-500:]!r}"
    assert found[1], f"no frame answered; the browser said {done.stderr[-500:]!r}"
    answers: list[dict] = json.loads(unescape(found[1]))
    return answers
