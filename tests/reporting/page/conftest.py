"""A page written once, and read by many tests."""

import pytest
from fake_report import Written, fake_report

from fashionvl.reporting.page import write_page


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A page with every state, beside the run folders it links to."""
    root = tmp_path_factory.mktemp("page")
    report = fake_report(root / "runs of today" / "laptop")
    file = root / "reports" / "ablations" / "report.html"
    write_page(report, file)
    return Written(report, file, file.read_text(encoding="utf-8"))
