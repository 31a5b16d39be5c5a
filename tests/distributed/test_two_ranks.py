"""Two processes on a CPU (gloo): equal to each other, and to one that sees the same batches."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # imported once, before the children are forked
import torch
from support.projects import in_project, project
from support.ranks import on_ranks

IMPORTED = (sklearn, torch)
RULES = Path(__file__).parents[2] / "golden" / "rules"
# Half of the training set a process: the batch of both is the whole set, in whatever order.
HALF = 718
MIXED: dict[str, Any] = {
    "data": {"batch_size": HALF},
    "trainer": {
        "max_epochs": 4,
        "accelerator": "cpu",
        "devices": 2,
        "gradient_clip_val": 0.5,
        "limit_val_batches": 1,
    },
    "groups": {
        "stem": {"freeze": True},
        "backbone": {"lr": 3e-3, "freeze": "until_epoch:1"},
        "head": {"lr": 1e-2},
    },
    "scheduler": {"name": "cosine", "warmup_steps": 2},
}
SEVERAL: dict[str, Any] = {
    **{key: MIXED[key] for key in ("data", "trainer")},
    "trainer": {**MIXED["trainer"], "gradient_clip_val": None},
    "optimizers": {
        "body": {"name": "AdamW", "gradient_clip_val": 0.5, "groups": {"backbone": {}}},
        "top": {"name": "SGD", "groups": {"head": {}}, "scheduler": {"name": "steplr"}},
    },
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "AdamW": {"name": "AdamW"},
    "custom": {"name": "custom"},
    "a rule": {"name": "custom", "rule": "prodigy.py"},
    "composite": {"name": "composite"},
}


def spec_of(name: str, strategy: str) -> dict[str, Any]:
    """The spec of a case under a strategy."""
    if name == "several":
        return {**SEVERAL, "trainer": {**SEVERAL["trainer"], "strategy": strategy}}
    base = {**MIXED, "trainer": {**MIXED["trainer"], "strategy": strategy}}
    base["optimizer"] = OPTIMIZERS[name]
    if name == "composite":
        base["groups"] = {
            "stem": {"freeze": True},
            "matrices": {"match": ["*"], "ndim": 2, "optimizer": "Muon"},
            "rest": {"optimizer": "AdamW"},
        }
    return base


def trained(argv: Sequence[str] = (), *, batch: int = HALF, alone: bool = False) -> dict[str, Any]:
    """Train on an even number of samples; the weights in one piece, and what was seen."""
    from sample_run import data, train
    from torch.distributed.tensor import DTensor
    from torch.utils.data import Subset

    setup = data.DataModule.setup

    def set_up(self: Any, stage: Any) -> None:
        setup(self, stage)
        self.train_set = Subset(self.train_set, range(2 * HALF))

    data.DataModule.setup = set_up
    seen: dict[str, Any] = {"rates": [], "split": 0}

    class See(train.pl.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
            groups = [group for each in trainer.optimizers for group in each.param_groups]
            seen["rates"].append({group["name"]: float(group["lr"]) for group in groups})

    if alone:
        make = train.pl.Trainer.__init__

        def make_alone(self: Any, **options: Any) -> None:
            make(self, **{**options, "devices": 1, "strategy": "auto"})

        train.pl.Trainer.__init__ = make_alone
        init = data.DataModule.__init__
        data.DataModule.__init__ = lambda self: init(self, batch)
    trainer = train.train(train.parse_arguments(argv), [See()])
    state = trainer.lightning_module.state_dict()
    seen["split"] = sum(isinstance(value, DTensor) for value in state.values())
    seen["weights"] = {
        name: (value.full_tensor() if isinstance(value, DTensor) else value).numpy()
        for name, value in state.items()
    }
    return seen


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    """How far two trainings ended from each other."""
    pairs = zip(one["weights"].values(), other["weights"].values(), strict=True)
    return max(float(abs(a - b).max()) for a, b in pairs)


CASES = [
    ("AdamW", "ddp"),
    ("several", "ddp"),
    *((name, "fsdp2") for name in [*OPTIMIZERS, "several"]),
]


@pytest.mark.parametrize(("name", "strategy"), CASES)
def test_two_ranks_train_as_one(name: str, strategy: str, tmp_path: Path) -> None:
    made = project(spec_of(name, strategy), tmp_path, RULES)
    before = in_project(made, initial)
    alone = in_project(made, lambda: trained(batch=2 * HALF, alone=True))
    shutil.rmtree(made / "runs")
    one, other = on_ranks(made, trained)
    assert apart(one, other) == 0
    # The order of a sum is another; Muon even rounds to bfloat16.
    assert apart(one, alone) < (2e-2 if name == "composite" else 3e-4)
    assert one["rates"] == other["rates"] == alone["rates"]
    assert bool(one["split"]) == (strategy == "fsdp2")
    for key, value in one["weights"].items():
        assert (value == before[key]).all() == key.startswith("model.stem"), key


def initial() -> dict[str, Any]:
    """The weights that a training begins with."""
    from sample_run import module, train

    train.pl.seed_everything(train.parse_arguments([]).seed)
    return {name: value.numpy() for name, value in module.Classifier().state_dict().items()}
