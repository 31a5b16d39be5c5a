"""Every sample rule trains a project: as well as its twin in torch, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning  # noqa: F401  imported once, before the children are forked
import sklearn.datasets  # noqa: F401
import torch
import torch._dynamo
import torchmetrics  # noqa: F401
from support.projects import in_project, project

RULES = Path(__file__).parents[2] / "golden" / "rules"
# Short runs of a small network.
EPOCHS = "--max-epochs=5"
SMALL: dict[str, Any] = {"data": {"batch_size": 48}, "model": {"width": 48}}
FLOOR = 0.9
# A few of 359 digits, for another machine's rounding.
NEAR = 0.015
# Rates for so few steps.
RATES = {
    "adafactor": 3e-2,
    "adagrad": 2e-2,
    "adam": 5e-3,
    "adamw": 5e-3,
    "ademamix": 5e-3,
    "adan": 5e-3,
    "adopt": 5e-3,
    "amsgrad": 5e-3,
    "lamb": 2e-2,
    "lars": 0.1,
    "lion": 2e-3,
    "muon": 1e-2,
    "nadam": 5e-3,
    "radam": 2e-2,
    "schedulefree_adamw": 1e-2,
    "sgd": 0.1,
    "sgd_clip": 0.1,
}
OPTIONS = {"lars": {"trust_coefficient": 0.1}}
# The class of torch that a rule is, and what has to be said for that.
TWINS: dict[str, dict[str, Any]] = {
    "adadelta": {"name": "Adadelta"},
    "adafactor": {"name": "Adafactor", "eps": [1e-8, 1e-3]},
    "adagrad": {"name": "Adagrad"},
    "adam": {"name": "Adam"},
    "adamw": {"name": "AdamW"},
    "amsgrad": {"name": "Adam", "amsgrad": True},
    "muon": {"name": "Muon", "adjust_lr_fn": "match_rms_adamw"},
    "nadam": {"name": "NAdam"},
    "radam": {"name": "RAdam"},
    "rmsprop": {"name": "RMSprop", "centered": True},
    "sgd": {"name": "SGD"},
    "sgd_clip": {"name": "SGD"},
}
# What else makes them the same.
AROUND: dict[str, dict[str, Any]] = {
    "muon": {"model": {**SMALL["model"], "bias": False}},
}
AROUND_TWIN: dict[str, dict[str, Any]] = {"sgd_clip": {"trainer": {"gradient_clip_val": 1.0}}}
ON_A_MANIFOLD = ["sphere", "stiefel"]
OTHERS = sorted({path.stem for path in RULES.glob("*.py")} - {*TWINS, *ON_A_MANIFOLD})


def spec_of(rule: str) -> dict[str, Any]:
    rate = {"lr": RATES[rule]} if rule in RATES else {}
    chosen = {"name": "custom", "rule": f"{rule}.py", **rate, **OPTIONS.get(rule, {})}
    return {**SMALL, **AROUND.get(rule, {}), "optimizer": chosen}


def train() -> tuple[float, float]:
    """The accuracy of a run, and the rate that it had."""
    import warnings

    warnings.simplefilter("error")
    from sample_run.train import parse_arguments
    from sample_run.train import train as run

    trainer = run(parse_arguments([EPOCHS]))
    rate = trainer.optimizers[0].param_groups[0]["lr"]
    return float(trainer.callback_metrics["val/accuracy"]), rate


@pytest.mark.parametrize("rule", OTHERS)
def test_a_rule_trains(rule: str, tmp_path: Path) -> None:
    accuracy, _ = in_project(project(spec_of(rule), tmp_path, RULES), train)
    assert accuracy >= FLOOR


@pytest.mark.parametrize("rule", TWINS)
def test_a_rule_trains_as_its_twin(rule: str, tmp_path: Path) -> None:
    """From the same weights, over the same batches, at the same rate."""
    spec = spec_of(rule)
    accuracy, rate = in_project(project(spec, tmp_path / "rule", RULES), train)
    twin = {**spec, **AROUND_TWIN.get(rule, {}), "optimizer": {**TWINS[rule], "lr": rate}}
    expected, _ = in_project(project(twin, tmp_path / "twin"), train)
    assert accuracy == pytest.approx(expected, abs=NEAR)
    assert expected >= FLOOR


# The model as its owner writes it for such a rule: a factor keeps the logits from being small.
NETWORK = '''\
"""A network whose matrices start on the manifold."""

import torch
from torch import Tensor, nn


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter({start}(torch.randn(64, 48)))
        self.second = nn.Parameter({start}(torch.randn(48, 10)))

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.relu(inputs.flatten(1) @ self.first)
        return 4 * hidden @ self.second


def orthonormal(matrix: Tensor) -> Tensor:
    return torch.linalg.qr(matrix)[0]
'''
STARTS = {"sphere": "nn.functional.normalize", "stiefel": "orthonormal"}


def distance(rule: str, matrix: torch.Tensor) -> float:
    """How far a matrix is from the manifold."""
    if rule == "sphere":
        return float((matrix.norm(dim=-1) - 1).abs().max())
    return float((matrix.mT @ matrix - torch.eye(matrix.shape[1])).abs().max())


@pytest.mark.parametrize("rule", ON_A_MANIFOLD)
def test_a_rule_trains_on_its_manifold(rule: str, tmp_path: Path) -> None:
    folder = project(spec_of(rule), tmp_path, RULES)
    (folder / "src/sample_run/model.py").write_text(NETWORK.format(start=STARTS[rule]))

    def act() -> tuple[float, float]:
        accuracy, _ = train()
        (saved,) = folder.rglob("last.ckpt")
        weights = torch.load(saved, weights_only=True)["state_dict"]
        return accuracy, max(distance(rule, matrix) for matrix in weights.values())

    accuracy, off = in_project(folder, act)
    assert off <= 1e-5
    assert accuracy >= FLOOR
