"""The tasks of Kaleido-BERT's stages."""
