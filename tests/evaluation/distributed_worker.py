"""One process of a distributed evaluation: `distributed_worker.py RANK WORLD FOLDER SHARDS_AS_JSON`."""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from fashionvl.evaluation.ranking import RetrievalRanks
from fashionvl.evaluation.recognition import RecognitionScores
from fashionvl.evaluation.reconstruction import ReconstructionScores

EXAMPLES, CANDIDATES, CLASSES, SIDE = 11, 12, 5, 16


def evaluate(examples: list[int]) -> dict[str, dict]:
    """Every metric, and its per-example table, over these examples of one fixed test set, in batches of 3."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 6, (EXAMPLES, CANDIDATES), generator=generator).float()
    positive = torch.randint(0, CANDIDATES, (EXAMPLES,), generator=generator)
    predicted, target = torch.randint(0, CLASSES, (2, EXAMPLES), generator=generator)
    images, reconstructed = torch.rand(2, EXAMPLES, 3, SIDE, SIDE, generator=generator)
    mask = torch.rand(EXAMPLES, 1, SIDE, SIDE, generator=generator) < 0.5

    ranks, recognition, reconstruction = RetrievalRanks(), RecognitionScores(CLASSES), ReconstructionScores()
    for batch in torch.tensor(examples, dtype=torch.int64).split(3) if examples else []:
        ranks.update(batch, scores[batch], positive[batch])
        recognition.update(predicted[batch], target[batch], batch)
        reconstruction.update(reconstructed[batch], images[batch], mask[batch], batch)
    tables = {
        "ranks_table": ranks.per_query(),
        "recognition_table": recognition.per_query(),
        "reconstruction_table": reconstruction.per_query(),
    }
    return {
        "ranks": ranks.compute(),
        "recognition": recognition.compute(),
        "reconstruction": reconstruction.compute(),
        **{
            name: {key: np.asarray(column).tolist() for key, column in table.items()}
            for name, table in tables.items()
        },
    }


def main() -> None:
    """Evaluate this rank's shards one after the other and write `result-RANK.json`."""
    rank, world, folder, shards = (
        int(sys.argv[1]),
        int(sys.argv[2]),
        Path(sys.argv[3]),
        json.loads(sys.argv[4]),
    )
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=world)
    results = [evaluate(shard) for shard in shards]
    (folder / f"result-{rank}.json").write_text(json.dumps(results))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
