"""One process of a distributed caption evaluation without Java: `captioning_worker.py RANK WORLD DIR IDS`."""

import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from fashionvl.evaluation import captioning

CAPTIONS = ["red coat with hood", "blue jeans", "", "long sleeve shirt in red", "red coat in wool with hood"]


def evaluate(ids: list[int]) -> dict[str, object]:
    """Scores of captions that lack their last word, against the whole ones of this id and the next."""
    scores = captioning.CaptionScores()
    for start in range(0, len(ids), 2):
        batch = ids[start : start + 2]
        truths = [[CAPTIONS[number], CAPTIONS[(number + 1) % len(CAPTIONS)]] for number in batch]
        answers = [" ".join(CAPTIONS[number].split()[:-1]) for number in batch]
        scores.update(answers, truths, torch.tensor(batch))
    with mock.patch.object(captioning.shutil, "which", return_value=None):
        table = {name: np.asarray(column).tolist() for name, column in scores.per_query().items()}
        return {"totals": scores.compute(), "table": table}


def main() -> None:
    """Evaluate this rank's captions and write `result-RANK.json`."""
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=world)
    result = evaluate(json.loads(sys.argv[4]))
    (folder / f"result-{rank}.json").write_text(json.dumps(result))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
