"""A report as one HTML page that needs nothing beside itself: no network, no script, no other file."""

from fashionvl.reporting.page.page import write_page
from fashionvl.reporting.page.poster import write_poster

__all__ = ["write_page", "write_poster"]
