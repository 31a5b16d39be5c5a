"""The schedulers of torch.optim.lr_scheduler and three written out: one record each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lightgen.catalogue.arguments import Argument, build, tabulate
from lightgen.catalogue.facts import facts

_KNOWN = tabulate(
    [
        Argument("factor", min=0, max=1, doc="factor of the rate"),
        Argument("gamma", above=0, max=1, doc="factor of each decay"),
        Argument("total_iters", kind="integer", min=1, doc="length, in intervals"),
        Argument("start_factor", above=0, max=1, doc="factor at the start"),
        Argument("end_factor", min=0, max=1, doc="factor at the end"),
        Argument("power", above=0, doc="exponent of the decay"),
        Argument("step_size", kind="integer", min=1, doc="intervals between two decays"),
        Argument("milestones", kind="integers", min=1, doc="intervals at which it changes"),
        Argument("T_max", kind="integer", min=1, doc="length of the half wave, in intervals"),
        Argument("T_0", kind="integer", min=1, doc="length of the first cycle, in intervals"),
        Argument("T_mult", kind="integer", min=1, doc="growth of the cycles"),
        Argument("eta_min", min=0, doc="absolute floor of the rate"),
        Argument("base_lr", min=0, doc="lower rate; left out: a tenth of each group's rate"),
        Argument("max_lr", above=0, doc="upper rate; left out: each group's own rate"),
        Argument("step_size_up", kind="integer", min=1, doc="steps of the rise"),
        Argument("step_size_down", kind="integer", min=1, optional=True, doc="steps of the fall"),
        Argument(
            "mode",
            kind="text",
            choices=("triangular", "triangular2", "exp_range"),
            doc="shape of the cycles",
        ),
        Argument("scale_mode", kind="text", choices=("cycle", "iterations"), doc="unit of gamma"),
        Argument("cycle_momentum", kind="flag", doc="cycle the momentum against the rate"),
        Argument("base_momentum", min=0, below=1, doc="lower momentum"),
        Argument("max_momentum", min=0, below=1, doc="upper momentum"),
        Argument("total_steps", kind="integer", min=1, optional=True, doc="length, in steps"),
        Argument("epochs", kind="integer", min=1, optional=True, doc="length, in epochs"),
        Argument("steps_per_epoch", kind="integer", min=1, optional=True, doc="steps an epoch"),
        Argument("pct_start", min=0, max=1, doc="share of the rise"),
        Argument("anneal_strategy", kind="text", choices=("cos", "linear"), doc="form"),
        Argument("div_factor", min=1, doc="peak over start"),
        Argument("final_div_factor", min=1, doc="start over end"),
        Argument("three_phase", kind="flag", doc="a phase of its own for the last fall"),
        Argument("patience", kind="integer", min=0, doc="intervals without progress"),
        Argument("threshold", min=0, doc="progress that counts"),
        Argument("threshold_mode", kind="text", choices=("rel", "abs"), doc="unit of threshold"),
        Argument("cooldown", kind="integer", min=0, doc="intervals of rest after a decay"),
        Argument("min_lr", min=0, doc="absolute floor of the rate"),
        Argument("eps", min=0, doc="least change of the rate"),
        Argument("lr_lambda", kind="none", doc="the named function in optim.py"),
        Argument("scale_fn", kind="none", doc="a function: write it in optim.py"),
        Argument("schedulers", kind="none", doc="[[scheduler.schedulers]], in order"),
    ]
)
_PLATEAU = {
    "mode": Argument("mode", kind="text", choices=("min", "max"), doc="which way is better"),
    "factor": Argument("factor", above=0, below=1, doc="factor of each decay"),
}
_WRITTEN_OUT = {
    "min_factor": Argument(
        "min_factor", 0.0, min=0, below=1, doc="floor, as a fraction of each group's rate"
    ),
    "decay_fraction": Argument(
        "decay_fraction", 0.2, above=0, max=1, doc="share of the run in which the rate falls"
    ),
}

PLATEAU = "ReduceLROnPlateau"
# Texts that stand for the run's length in the arguments of a schedule by its path.
LENGTHS = {"total_steps": "step", "total_epochs": "epoch"}

# What every [scheduler] takes beside the class's own arguments.
WIRING = tabulate(
    [
        Argument("interval", None, kind="text", choices=("step", "epoch"), doc="unit of a step"),
        Argument("frequency", 1, kind="integer", min=1, doc="intervals between two steps"),
        Argument("monitor", None, kind="text", doc="logged metric that ReduceLROnPlateau reads"),
        Argument("warmup_steps", 0, kind="integer", min=0, doc="linear rise, in optimizer steps"),
    ]
)


@dataclass(frozen=True)
class Scheduler:
    """A scheduler: arguments, interval, and what is computed when the run starts.

    `computed` maps an argument to a Python expression in `{length}`, the run's length in the
    scheduler's intervals. `length_argument` is the argument that states a length: where the spec
    gives it without an interval, it counts epochs, as everywhere in Lightning. `watches`: it
    moves by a metric.
    """

    name: str
    arguments: Mapping[str, Argument]
    interval: str = "epoch"
    customary: Mapping[str, Any] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)
    length_argument: str = ""
    rates_argument: bool = False
    written_out: bool = False
    own_warmup: bool = False
    chains: bool = True
    watches: bool = False
    summary: str = ""


_RECORDS: dict[str, dict[str, Any]] = {
    "LambdaLR": {"summary": "a schedule by a factor function of your own", "chains": False},
    "MultiplicativeLR": {"summary": "a schedule by a factor on the last rate", "chains": False},
    "StepLR": {
        "computed": {"step_size": "max(1, {length} // 3)"},
        "summary": "a decay every step_size",
    },
    "MultiStepLR": {
        "computed": {"milestones": "[max(1, {length} // 2), max(1, {length} * 3 // 4)]"},
        "summary": "a decay at milestones",
    },
    "ConstantLR": {"summary": "a lower rate at the start"},
    "LinearLR": {"interval": "step", "summary": "a linear rise at the start"},
    "ExponentialLR": {"customary": {"gamma": 0.95}, "summary": "a steady decay"},
    "PolynomialLR": {
        "interval": "step",
        "computed": {"total_iters": "{length}"},
        "length_argument": "total_iters",
        "summary": "a polynomial fall to zero",
    },
    "CosineAnnealingLR": {
        "interval": "step",
        "computed": {"T_max": "{length}"},
        "length_argument": "T_max",
        "summary": "half a cosine",
    },
    "CosineAnnealingWarmRestarts": {
        "interval": "step",
        "computed": {"T_0": "max(1, {length} // 4)"},
        "length_argument": "T_0",
        "summary": "cosine cycles",
    },
    "CyclicLR": {
        "interval": "step",
        "computed": {"step_size_up": "max(1, {length} // 8)"},
        "rates_argument": True,
        "own_warmup": True,
        "chains": False,
        "summary": "triangles between two rates",
    },
    "OneCycleLR": {
        "interval": "step",
        "computed": {"total_steps": "{length}"},
        "rates_argument": True,
        "own_warmup": True,
        "chains": False,
        "summary": "one rise and one fall",
    },
    "ReduceLROnPlateau": {
        "chains": False,
        "watches": True,
        "summary": "a decay when a metric stalls",
    },
    "SequentialLR": {
        "interval": "step",
        "chains": False,
        "summary": "schedules one after the other",
    },
    "ChainedScheduler": {
        "interval": "step",
        "chains": False,
        "summary": "schedules multiplied together",
    },
}
_OWN = [
    Scheduler(
        "cosine",
        {"min_factor": _WRITTEN_OUT["min_factor"]},
        interval="step",
        written_out=True,
        summary="a warmup and half a cosine",
    ),
    Scheduler(
        "linear",
        {"min_factor": _WRITTEN_OUT["min_factor"]},
        interval="step",
        written_out=True,
        summary="a warmup and a linear fall",
    ),
    Scheduler(
        "wsd",
        _WRITTEN_OUT,
        interval="step",
        written_out=True,
        summary="a warmup, a plateau and a fall",
    ),
]

# What a group without a schedule has beside others that have one.
CONSTANT = Scheduler(
    "constant",
    {},
    interval="step",
    written_out=True,
    summary="a warmup and a constant rate",
)


@cache
def schedulers() -> dict[str, Scheduler]:
    """All schedulers by name: torch's classes and the three written out."""
    found = {scheduler.name: scheduler for scheduler in _OWN}
    for name, fact in facts()["schedulers"].items():
        known = {**_KNOWN, **_PLATEAU} if name == "ReduceLROnPlateau" else _KNOWN
        found[name] = Scheduler(name, build(fact["arguments"], known), **_RECORDS[name])
    return found


def find_scheduler(name: str) -> Scheduler | None:
    """The scheduler of that name in any case, or None."""
    folded = {key.lower(): value for key, value in schedulers().items()}
    return folded.get(name.lower())
