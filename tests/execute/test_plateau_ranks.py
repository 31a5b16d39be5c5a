"""Two ranks lower their rates together; by the metric of its own each lowers them when it likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # imported once, before the children are forked
import torch
from support.projects import in_project, project

IMPORTED = (sklearn, torch)
PLATEAU = {"name": "ReduceLROnPlateau", "patience": 0}
TWO_RANKS = {
    "data": {"batch_size": 480},
    "trainer": {"max_epochs": 3, "accelerator": "cpu", "strategy": "ddp_fork", "devices": 2},
}
SPECS: list[dict[str, Any]] = [
    {**TWO_RANKS, "scheduler": PLATEAU},
    {
        **TWO_RANKS,
        "optimizers": {
            "body": {"name": "AdamW", "groups": {"backbone": {}}, "scheduler": PLATEAU},
            "top": {"name": "AdamW", "groups": {"head": {}}},
        },
    },
]


def train_on_two_ranks(*, naive: bool) -> list[float]:
    """Train; return the rate of each rank afterwards, where one rank's metric gets worse."""
    import os

    os.environ["PL_TORCH_DISTRIBUTED_BACKEND"] = "gloo"
    from sample_run import module, train

    class Save(train.pl.Callback):  # type: ignore[name-defined, misc]
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            Path(f"rank{trainer.global_rank}").write_text(str(rate))

    class Apart(module.Classifier):  # type: ignore[name-defined, misc]
        """The loss of rank 1 rises by the epoch, and the mean of both rises less."""

        def log_dict(self, metrics: Any, **options: Any) -> None:
            up = (1.0, -0.1)[self.trainer.global_rank] * self.current_epoch
            metrics = {**metrics, "val/loss": torch.tensor(2.0 + up)}
            options = {**options, "sync_dist": False} if naive else options
            super().log_dict(metrics, **options)

    train.Classifier = Apart
    train.train(train.parse_arguments([]), [Save()])
    return [float(Path(f"rank{rank}").read_text()) for rank in range(2)]


@pytest.mark.parametrize("spec", SPECS, ids=["one", "several"])
def test_ranks_keep_one_rate(spec: dict[str, Any], tmp_path: Path) -> None:
    one, other = in_project(project(spec, tmp_path), lambda: train_on_two_ranks(naive=False))
    assert one == other < 1e-3


def test_by_metrics_of_their_own_they_part(tmp_path: Path) -> None:
    made = project(SPECS[0], tmp_path)
    one, other = in_project(made, lambda: train_on_two_ranks(naive=True))
    assert one < other
