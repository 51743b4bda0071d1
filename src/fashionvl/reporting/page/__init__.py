"""A report as one HTML page that needs nothing beside itself: no network, no script, no other file."""

from fashionvl.reporting.page.page import write_page

__all__ = ["write_page"]
