"""Train with Ray: python launch/ray_train.py --help.

Ray starts the workers, stores the run's folder after each epoch, and starts them again
from there when one is lost.
"""

import argparse
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import ray.train
import torch
from pytorch_lightning.plugins.environments import TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy
from ray.train import (
    Checkpoint,
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    ScalingConfig,
)
from ray.train.collective import barrier
from ray.train.torch import TorchTrainer, get_device

from cluster_run.train import parse_arguments, report, train


class RayEnvironment(TorchElasticEnvironment):
    """Which of the processes this is: Ray sets the variables that torchrun sets."""

    def node_rank(self) -> int:
        return int(os.environ["NODE_RANK"])

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """Let the machines have as many workers as Ray gives them."""


class RayStrategy(DDPStrategy):
    """The workers and devices that Ray has chosen."""

    @property
    def root_device(self) -> torch.device:
        device = get_device()
        assert isinstance(device, torch.device)
        return device

    @property
    def distributed_sampler_kwargs(self) -> dict[str, Any]:
        return {"num_replicas": self.world_size, "rank": self.global_rank}


class StoreRun(pl.callbacks.Checkpoint):
    """Gives Ray the run's folder once the checkpoints of an epoch are in it.

    Lightning calls callbacks of this kind last, in the order in which they are given.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def on_train_epoch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> None:
        metrics = {name: float(x) for name, x in trainer.callback_metrics.items()}
        stored = Checkpoint(self.folder) if trainer.is_global_zero else None
        # Every worker reports: Ray waits for all of them.
        ray.train.report({**metrics, "epoch": trainer.current_epoch}, checkpoint=stored)


def train_worker(config: dict[str, Any]) -> None:
    """Train in one of the processes, at first or again."""
    # Not in a folder of Ray's, which is another one for each start: the best
    # checkpoint stays the best where its folder is the same.
    os.makedirs(config["folder"], exist_ok=True)
    os.chdir(config["folder"])
    folder = Path("runs", config["run"]).absolute()
    stored = ray.train.get_checkpoint()
    if stored and ray.train.get_context().get_local_rank() == 0:
        stored.to_directory(folder)
    barrier()
    trainer = train(
        parse_arguments(config["argv"]),
        [StoreRun(folder)],
        strategy=RayStrategy(),
        plugins=[RayEnvironment()],
    )
    if trainer.is_global_zero:
        for line in report(trainer):
            print(line)


def main(argv: Sequence[str] | None = None) -> None:
    """Start the workers and print what came of it."""
    now = f"ray-{datetime.now():%Y%m%d-%H%M%S}"
    parser = argparse.ArgumentParser(
        prog="python launch/ray_train.py",
        epilog="Any other argument goes to cluster_run.train.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--workers", type=int, default=2, metavar="N", help="processes")
    add(
        "--gpu",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a GPU for each worker",
    )
    add("--storage", default=None, metavar="URI", help="of all machines")
    add("--run-name", default=now, metavar="NAME", help="one started before goes on")
    add("--max-failures", type=int, default=3, metavar="N", help="lost workers")
    arguments, words = parser.parse_known_args(argv)
    # Ray says who trains where.
    words += ["--run-name", arguments.run_name, "--devices", "auto", "--num-nodes", "1"]
    # What is wrong with them is told here, not by each worker.
    parse_arguments(words)
    trainer = TorchTrainer(
        train_worker,
        train_loop_config={
            "folder": os.getcwd(),
            "run": arguments.run_name,
            "argv": words,
        },
        scaling_config=ScalingConfig(
            num_workers=arguments.workers,
            use_gpu=arguments.gpu,
            resources_per_worker={"CPU": 1},
        ),
        run_config=RunConfig(
            name=arguments.run_name,
            storage_path=arguments.storage,
            failure_config=FailureConfig(max_failures=arguments.max_failures),
            # The best checkpoint is in the folder, so that the last folder is enough.
            checkpoint_config=CheckpointConfig(num_to_keep=1),
        ),
    )
    result = trainer.fit()
    for name, value in sorted((result.metrics or {}).items()):
        print(f"{name} {value:g}")
    if result.checkpoint:
        print(f"stored in {result.checkpoint.path}")


if __name__ == "__main__":
    main()
