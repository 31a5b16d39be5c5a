"""The gradient of each group is bounded by itself, whatever it is split into."""

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from thaw_run.optim import CLIP_NORMS
from thaw_run.train import parse_arguments, train


class Gradients(pl.Callback):
    """Keeps the gradients that a step used, by the name of the group."""

    def __init__(self) -> None:
        self.groups: dict[str, list[Tensor]] = {}

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        for group in trainer.optimizers[0].param_groups:
            found = self.groups.setdefault(group["name"].partition("/")[0], [])
            found += [p.grad.flatten() for p in group["params"] if p.grad is not None]


# So low that every gradient meets it.
BOUND = 1e-5


def test_a_step_uses_gradients_within_the_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for table in (CLIP_NORMS,):
        for owner in table:
            monkeypatch.setitem(table, owner, BOUND)
    gradients = Gradients()
    train(parse_arguments(["--fast-dev-run"]), [gradients])
    for owner, found in gradients.groups.items():
        if not found:  # a group that is frozen at first
            continue
        gradient = torch.cat(found).float()
        if owner in CLIP_NORMS:
            assert gradient.norm() == pytest.approx(BOUND, rel=1e-2)
        else:
            assert gradient.norm() > BOUND
