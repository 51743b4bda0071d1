"""Candidate lists as batches."""

import numpy as np
import torch
from torch.utils.data import Dataset

from fashionvl.data.batches.source import SplitSource
from fashionvl.data.records import RetrievalBatch
from fashionvl.data.retrieval.candidates import CandidateSet


class RetrievalDataset(Dataset[RetrievalBatch]):
    """Queries with their candidates; each photograph and caption of a batch is loaded once."""

    def __init__(self, source: SplitSource, candidates: CandidateSet) -> None:
        self.source, self.candidates = source, candidates

    def __len__(self) -> int:
        return len(self.candidates)

    def __getitems__(self, positions: list[int]) -> RetrievalBatch:
        """The queries at `positions`, as one batch."""
        table = self.candidates.candidate_rows[positions]
        queries = np.broadcast_to(self.candidates.query_rows[positions][:, None], table.shape)
        image_rows, text_rows = (table, queries) if self.candidates.direction == "tir" else (queries, table)
        unique_images, image_of_pair = np.unique(image_rows, return_inverse=True)
        unique_texts, text_of_pair = np.unique(text_rows, return_inverse=True)
        captions = self.source.tokens(unique_texts)
        return RetrievalBatch(
            **self.source.pictures(unique_images)._asdict(),
            query_ids=torch.tensor(positions),
            positive=torch.from_numpy(self.candidates.positive[positions]),
            input_ids=torch.from_numpy(captions.ids),
            attention_mask=torch.from_numpy(captions.attention.astype(np.int64)),
            image_of_pair=torch.from_numpy(image_of_pair.reshape(table.shape)),
            text_of_pair=torch.from_numpy(text_of_pair.reshape(table.shape)),
        )
