"""What changes a step, with weights split over two processes: as one process does, and resumed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # imported once, before the children are forked
import torch
from support.peers import needs_vision, see_vision
from support.projects import in_project, project
from support.ranks import on_ranks

IMPORTED = (sklearn, torch)
BATCH = 180
# Halves that both processes can have as many of.
SAMPLES = 1436
MIDDLE = Path("middle/last.ckpt")
VIT = {
    "name": "timm.models.vision_transformer.VisionTransformer",
    "args": {
        "img_size": 8,
        "patch_size": 4,
        "in_chans": 1,
        "num_classes": 10,
        "embed_dim": 24,
        "depth": 1,
        "num_heads": 3,
    },
}
PEERS = {
    "name": "transformers.get_cosine_schedule_with_warmup",
    "num_warmup_steps": 2,
    "num_training_steps": "total_steps",
}
UNTIL = {"backbone": {"freeze": "until_epoch:1"}, "head": {"lr": 1e-2}}
# Clipping bites: the norms are larger.
CLIPPED = {"gradient_clip_val": 0.05}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "schedule-free, over two batches": (
        "schedulefree",
        {
            "optimizer": {"name": "schedulefree.AdamWScheduleFree", "lr": 5e-3},
            "trainer": {"accumulate_grad_batches": 2, **CLIPPED},
        },
    ),
    "layers of timm's, clipped": (
        "timm",
        {
            "model": VIT,
            "optimizer": {"name": "AdamW", "layer_decay": 0.7},
            "trainer": CLIPPED,
        },
    ),
    "Lion, in bf16": (
        "pytorch_optimizer",
        {
            "optimizer": {"name": "pytorch_optimizer.Lion", "lr": 1e-4},
            "trainer": {"precision": "bf16-mixed"},
        },
    ),
    "a schedule of transformers, frozen BatchNorm": (
        "transformers",
        {"model": {"name": "cnn", "width": 8}, "groups": UNTIL, "scheduler": PEERS},
    ),
    "clipped by value, over three batches": (
        "",
        {
            "optimizer": {"name": "SGD", "lr": 0.5},
            "trainer": {
                "accumulate_grad_batches": 3,
                "gradient_clip_val": 1e-3,
                "gradient_clip_algorithm": "value",
            },
        },
    ),
}


def case(name: str, root: str) -> Any:
    """A parameter; skipped where its package is not there."""
    missing = bool(root) and find_spec(root) is None
    skipped = pytest.mark.skipif(missing, reason=f"{root} is not there")
    return pytest.param(name, marks=needs_vision if root == "timm" else skipped, id=name)


class Interleaved(torch.utils.data.Sampler[int]):
    """The samples in an order in which each batch has those of both processes."""

    def __init__(self, each: Any) -> None:
        self.each, self.epoch = each, 0
        self.seed = int(os.environ["PL_GLOBAL_SEED"])

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.each.set_epoch(epoch)

    def __iter__(self) -> Iterator[int]:
        order = list(self.each)
        parts = [
            torch.utils.data.DistributedSampler(order, 2, rank, seed=self.seed) for rank in (0, 1)
        ]
        for part in parts:
            part.set_epoch(self.epoch)
        yield from (order[at] for pair in zip(*parts, strict=True) for at in pair)

    def __len__(self) -> int:
        return len(self.each)


def even() -> None:
    """Train on an even number of samples."""
    from sample_run import data
    from torch.utils.data import Subset

    setup = data.DataModule.setup

    def set_up(self: Any, stage: Any) -> None:
        setup(self, stage)
        self.train_set = Subset(self.train_set, range(SAMPLES))

    data.DataModule.setup = set_up


def alone() -> None:
    """Train in one process, with batches of what two have together."""
    from sample_run import data, train
    from torch.utils.data import DataLoader

    make, loader = train.pl.Trainer.__init__, data.DataModule.train_dataloader

    def make_alone(self: Any, **options: Any) -> None:
        make(self, **{**options, "devices": 1, "strategy": "auto"})

    def load(self: Any) -> Any:
        made = loader(self)
        return DataLoader(made.dataset, batch_size=2 * BATCH, sampler=Interleaved(made.sampler))

    train.pl.Trainer.__init__ = make_alone
    data.DataModule.train_dataloader = load
    even()


def trained(argv: Sequence[str] = ()) -> dict[str, Any]:
    """Train, keep the checkpoint before the last epoch; weights and states in one piece."""
    from sample_run import train

    class Keep(train.pl.Callback):  # type: ignore[name-defined, misc]
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 2 and trainer.is_global_zero and not MIDDLE.exists():
                MIDDLE.parent.mkdir()
                last = next(Path("runs").rglob("last.ckpt"))
                (shutil.copytree if last.is_dir() else shutil.copy)(last, MIDDLE)
            trainer.strategy.barrier()

    trainer = train.train(train.parse_arguments(argv), [Keep()])
    found = {
        f"{group['name']} {name} {key}": value
        for group in trainer.optimizers[0].param_groups
        for name, parameter in zip(group["param_names"], group["params"], strict=True)
        for key, value in trainer.optimizers[0].state.get(parameter, {}).items()
    }
    found |= trainer.lightning_module.state_dict()
    return {name: whole(value) for name, value in found.items()}


def whole(value: Any) -> Any:
    """A tensor in one piece, as an array of numpy."""
    value = value.full_tensor() if hasattr(value, "full_tensor") else value
    return torch.as_tensor(value).detach().float().numpy()


def there_and_back() -> tuple[dict[str, Any], dict[str, Any]]:
    """A run, and what comes of its middle."""
    see_vision()
    even()
    return trained(), trained([f"--ckpt-path={MIDDLE}"])


def by_itself(*argv: str) -> dict[str, Any]:
    """The same in one process."""
    see_vision()
    alone()
    return trained(argv)


def merged() -> dict[str, Any]:
    """What comes of the middle in one process."""
    from sample_run import sharding

    sharding.merge(MIDDLE, MIDDLE.with_name("merged.ckpt"))
    return by_itself(f"--ckpt-path={MIDDLE.with_name('merged.ckpt')}")


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    """How far two trainings ended from each other."""
    assert one.keys() == other.keys()
    return max(float(abs(one[name] - other[name]).max()) for name in one)


@pytest.mark.parametrize("name", [case(name, root) for name, (root, _) in CASES.items()])
def test_shards_train_as_one_process_does_and_go_on(name: str, tmp_path: Path) -> None:
    spec = dict(CASES[name][1])
    trainer = {"max_epochs": 3, "accelerator": "cpu", "devices": 2, "strategy": "fsdp2"}
    spec["trainer"] = {**trainer, "limit_val_batches": 1, **spec.get("trainer", {})}
    made = project({"data": {"batch_size": BATCH}, **spec}, tmp_path)
    (one, again), (other, _) = on_ranks(made, there_and_back)
    assert apart(one, other) == 0
    assert apart(one, again) == 0
    # The order of a sum is another. Signs that flip, of a gradient near zero, move by twice a rate.
    bound = 5e-3 if "bf16" in name else 2e-4
    assert apart(one, in_project(made, by_itself)) < bound
    assert apart(one, in_project(made, merged)) < bound
