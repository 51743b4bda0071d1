"""A study: its run folders gathered, compared, judged, and written as text, Markdown and plain data."""
