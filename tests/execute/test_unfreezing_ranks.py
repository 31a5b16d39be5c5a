"""Two ranks stay equal when a group begins to train; by requires_grad they go apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sklearn.datasets  # imported once, before the children are forked
import torch
from support.projects import in_project, project

IMPORTED = (sklearn, torch)
SPEC: dict[str, Any] = {
    "data": {"batch_size": 480},
    "groups": {"backbone": {"freeze": "until_epoch:1"}, "head": {}},
    "trainer": {
        "max_epochs": 2,
        "accelerator": "cpu",
        "strategy": "ddp_fork",
        "devices": 2,
        "limit_val_batches": 1,
    },
}


def train_on_two_ranks(*, naive: bool) -> float:
    """Train; return how far the two ranks are apart afterwards."""
    import os

    os.environ["PL_TORCH_DISTRIBUTED_BACKEND"] = "gloo"
    from sample_run import module, optim, train

    class Save(train.pl.Callback):  # type: ignore[name-defined, misc]
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            torch.save(pl_module.state_dict(), f"rank{trainer.global_rank}.pt")

    if naive:
        optim.check_coverage = lambda model, groups: None
        module.Classifier.setup = lambda self, stage: self.model.backbone.requires_grad_(False)
        module.Classifier.on_before_optimizer_step = lambda self, optimizer: None
        module.Classifier.on_train_epoch_start = lambda self: (
            self.model.backbone.requires_grad_(self.current_epoch >= 1)
        )
    train.train(train.parse_arguments([]), [Save()])
    one, other = (torch.load(f"rank{rank}.pt") for rank in range(2))
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_ranks_stay_equal(tmp_path: Path) -> None:
    assert in_project(project(SPEC, tmp_path), lambda: train_on_two_ranks(naive=False)) == 0


def test_by_requires_grad_they_go_apart(tmp_path: Path) -> None:
    assert in_project(project(SPEC, tmp_path), lambda: train_on_two_ranks(naive=True)) > 1e-5
