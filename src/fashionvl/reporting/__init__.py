"""Run folders in, tables and pictures out; needs neither torch nor the code that made the runs."""
