"""A picture of a run: loss and learning rates over the optimizer steps."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl


class CurvePlot(pl.Callback):
    """Writes the curves of a run to a picture when it ends. Needs matplotlib."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.losses: list[float] = []
        self.rates: dict[str, list[float]] = defaultdict(list)

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                self.rates[group["name"]].append(float(group["lr"]))

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self.losses.append(float(outputs["loss"]))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6), layout="constrained")
        loss_axes, rate_axes = figure.subplots(2, 1, sharex=True)
        loss_axes.plot(self.losses)
        loss_axes.set_ylabel("train/loss")
        loss_axes.set_yscale("log")
        for name, rates in self.rates.items():
            rate_axes.plot(rates, label=name)
        rate_axes.set_ylabel("learning rate")
        rate_axes.set_xlabel("batch")
        rate_axes.legend()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.path)
