"""The learning rates in the log."""

from typing import Any

import pytorch_lightning as pl

from timm_vit_run.optim import named_rates


class RateMonitor(pl.Callback):
    """Logs one rate a group, `lr/GROUP`: that of its layers before their scale."""

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        for optimizer in trainer.optimizers:
            for group, rate in named_rates(optimizer.param_groups).items():
                pl_module.log(f"lr/{group}", rate)
