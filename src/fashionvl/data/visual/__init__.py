"""Visual inputs other than pixels: patch features and their alignments."""
