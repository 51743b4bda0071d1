"""The sidecar index of a catalogue file."""
