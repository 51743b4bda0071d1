"""Whole models beside each other: the same tests of each, what each costs, and what Kaleido-BERT looks at."""
