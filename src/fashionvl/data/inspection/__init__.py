"""Counting, checking and picturing a catalogue."""
