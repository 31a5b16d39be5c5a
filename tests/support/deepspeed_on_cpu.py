"""Runs a project's train.py with DeepSpeed on a CPU: PACKAGE [--cut-at EPOCH] ARGUMENTS.

Lightning starts DeepSpeed on a GPU only, which DeepSpeed itself does not ask for. What Lightning
tells it about the device is replaced; all else is as on a GPU.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

os.environ["DS_ACCELERATOR"] = "cpu"
os.environ.setdefault("LOCAL_RANK", "0")

import pytorch_lightning as pl
import pytorch_lightning.strategies.deepspeed as lightnings
import torch
from pytorch_lightning.accelerators import CPUAccelerator


class Cut(pl.Callback):
    """Ends the process as a killed job would, at the start of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            os._exit(9)


def main(package: str, *words: str) -> None:
    """Train with DeepSpeed on this machine's CPU."""
    there: Any = lightnings
    there.CUDAAccelerator = CPUAccelerator
    there._validate_device_index_selection = lambda devices: None
    there.DeepSpeedStrategy.root_device = property(lambda self: torch.device("cpu", 0))
    train = import_module(f"{package}.train")
    if words[0] == "--cut-at":
        train.train(train.parse_arguments(words[2:]), [Cut(int(words[1]))])
    else:
        train.main(words)


if __name__ == "__main__":
    main(*sys.argv[1:])
