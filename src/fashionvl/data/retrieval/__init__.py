"""Retrieval candidates and their batches."""
