"""Metrics that are the same on one process and on many, and how much of them is luck."""
