"""The mathematics of the released models, computed in the way the released code computes it."""
