"""The schedules of other packages that a path may name: one record each, and those refused.

Arguments and defaults are in `schedules.json`, which `introspect_schedules.py` makes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lightgen.catalogue.arguments import build
from lightgen.catalogue.path_arguments import DECAY_T, KNOWN
from lightgen.catalogue.schedulers import (
    LENGTHS,
    PLATEAU,
    WIRING,
    Scheduler,
    find_scheduler,
    schedulers,
)
from lightgen.problems import guess

TORCH = "torch.optim.lr_scheduler."
# What [scheduler] says of how a schedule by its path is moved; all else are its arguments.
PATH_WIRING = {name: WIRING[name] for name in ("interval", "frequency", "monitor")}


@dataclass(frozen=True)
class PathScheduler(Scheduler):
    """A schedule by its path.

    `known`: the arguments are those of the catalogue; else they are what the spec says.
    `by_function`: its numbers are in functions, which no state has. `counts`: it has to be told
    the steps or epochs that are done, as timm's. `floors` and `starts` are arguments with an
    absolute rate, `one_rate`: it gives all groups the same.
    """

    path: str = ""
    known: bool = True
    by_function: bool = False
    counts: bool = False
    one_rate: bool = False
    floors: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    never: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Refused:
    """A schedule that goes wrong in silence, or takes no optimizer: why, and what to do."""

    why: str
    todo: str


_RISE = {"num_warmup_steps": "{length} // 20"}
_RISE_AND_LENGTH = {**_RISE, "num_training_steps": "{length}"}
_SHARE = (
    "it becomes a share of the class's default rate, not of a group's",
    "set min_lr_rate, a fraction",
)
_MIN_LR = ("min_lr", *_SHARE)
_LR_END = ("lr_end", _SHARE[0], "remove it, or use cosine with min_factor, a fraction")
_LENGTH = {"t_initial": "{length}"}

# `computed` may name an argument in braces: its value or expression stands there.
_RECORDS: dict[str, dict[str, dict[str, Any]]] = {
    "transformers": {
        "get_constant_schedule": {"summary": "a constant rate"},
        "get_constant_schedule_with_warmup": {
            "computed": _RISE,
            "summary": "a warmup and a constant rate",
        },
        "get_cosine_schedule_with_warmup": {
            "computed": _RISE_AND_LENGTH,
            "summary": "a warmup and half a cosine",
        },
        "get_cosine_with_hard_restarts_schedule_with_warmup": {
            "computed": _RISE_AND_LENGTH,
            "summary": "a warmup and cosine cycles",
        },
        "get_cosine_with_min_lr_schedule_with_warmup": {
            "computed": _RISE_AND_LENGTH,
            "customary": {"min_lr_rate": 0.1},
            "never": (_MIN_LR,),
            "summary": "a warmup and half a cosine to a floor",
        },
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": {
            "computed": _RISE_AND_LENGTH,
            "customary": {"min_lr_rate": 0.1},
            "never": (_MIN_LR,),
            "summary": "a warmup from a share of the rate and half a cosine to a floor",
        },
        "get_inverse_sqrt_schedule": {
            "computed": _RISE,
            "summary": "a warmup and a fall by the square root of the steps",
        },
        "get_linear_schedule_with_warmup": {
            "computed": _RISE_AND_LENGTH,
            "summary": "a warmup and a linear fall",
        },
        "get_polynomial_decay_schedule_with_warmup": {
            "computed": _RISE_AND_LENGTH,
            "never": (_LR_END,),
            "summary": "a warmup and a polynomial fall",
        },
        "get_reduce_on_plateau_schedule": {
            "watches": True,
            "interval": "epoch",
            "by_function": False,
            "chains": False,
            "own_warmup": False,
            "summary": "a decay when a metric stalls",
        },
        "get_wsd_schedule": {
            "computed": {**_RISE, "num_decay_steps": "max(1, {length} // 5)"}
            | {"num_training_steps": "{length}"},
            "summary": "a warmup, a plateau and a fall",
        },
    },
    "timm": {
        "CosineLRScheduler": {"computed": _LENGTH, "summary": "half a cosine, or cycles"},
        "MultiStepLRScheduler": {
            "computed": {"decay_t": "[max(1, {length} // 2), max(1, {length} * 3 // 4)]"},
            "customary": {"decay_rate": 0.1},
            "summary": "a decay at milestones",
        },
        "PolyLRScheduler": {"computed": _LENGTH, "summary": "a polynomial fall, or cycles"},
        "StepLRScheduler": {
            "computed": {"decay_t": "max(1, {length} // 3)"},
            "customary": {"decay_rate": 0.1},
            "summary": "a decay every decay_t",
        },
        "TanhLRScheduler": {"computed": _LENGTH, "summary": "a fall by a tangent, or cycles"},
        "WSDLRScheduler": {
            "computed": {**_LENGTH, "decay_t": "max(1, {t_initial} // 5)"},
            "summary": "a warmup, a plateau and a fall",
        },
    },
    "pytorch_optimizer": {
        "CosineAnnealingWarmupRestarts": {
            "computed": {"first_cycle_steps": "{length}", "max_lr": "{rate}"},
            "one_rate": True,
            "by_function": False,
            "floors": ("min_lr",),
            "summary": "cosine cycles, each after a warmup",
        },
        "REXScheduler": {
            "computed": {"total_steps": "{length}", "max_lr": "{rate}"},
            "one_rate": True,
            "by_function": False,
            "floors": ("min_lr",),
            "summary": "a fall that grows steeper to the end",
        },
        "get_wsd_schedule": {
            "computed": {
                **_RISE,
                "num_decay_steps": "max(1, {length} // 5)",
                "num_stable_steps": "max(0, {length} - {num_warmup_steps} - {num_decay_steps})",
            },
            "summary": "a warmup, a plateau and a fall",
        },
    },
}
_FAMILY: dict[str, dict[str, Any]] = {
    "transformers": {"interval": "step", "by_function": True, "own_warmup": True},
    "timm": {
        "interval": "epoch",
        "counts": True,
        "own_warmup": True,
        "floors": ("lr_min",),
        "starts": ("warmup_lr_init",),
    },
    "pytorch_optimizer": {"interval": "step", "by_function": True, "own_warmup": True},
}
_PLACES = {
    "transformers": "transformers",
    "timm": "timm.scheduler",
    "pytorch_optimizer": "pytorch_optimizer",
}

_NO_STATE = Refused(
    "it keeps no state, so that a resumed run begins it anew, and sets one rate for all groups",
    "use cosine, linear or PolynomialLR",
)
_FACTORY = Refused("it takes no optimizer alone", "name the schedule itself by its path")
REFUSED: dict[str, dict[str, Refused]] = {
    "transformers": {
        "get_scheduler": _FACTORY,
        "get_adafactor_schedule": Refused(
            "it only shows the rate that Adafactor of transformers chooses", "remove [scheduler]"
        ),
        "get_greedy_schedule": Refused(
            "its bounds are absolute, and would lift the rate of every group",
            f"use {PLATEAU}",
        ),
    },
    "timm": {
        "create_scheduler": _FACTORY,
        "create_scheduler_v2": _FACTORY,
        "PlateauLRScheduler": Refused(
            "timm removes it, and keeps neither patience nor cooldown in a checkpoint",
            f"use {PLATEAU} with factor, patience and cooldown",
        ),
    },
    "pytorch_optimizer": {
        "CosineScheduler": _NO_STATE,
        "LinearScheduler": _NO_STATE,
        "PolyScheduler": _NO_STATE,
        "get_chebyshev_schedule": Refused(
            "its rates are numbers of NumPy, and a checkpoint with these is not loaded",
            "use another schedule",
        ),
        "ProportionScheduler": Refused(
            "it moves a value by a schedule, and takes no optimizer", "name that schedule"
        ),
        "deberta_v3_large_lr_scheduler": Refused(
            "it makes groups, not a schedule", "write the groups in [groups]"
        ),
        "load_lr_scheduler": _FACTORY,
    },
}


@cache
def path_schedulers() -> dict[str, PathScheduler]:
    """The known schedules of other packages by their usual paths."""
    text = Path(__file__).with_name("schedules.json").read_text(encoding="utf-8")
    facts = json.loads(text)
    found = {}
    for root, place in _PLACES.items():
        for name, record in _RECORDS[root].items():
            described = {**KNOWN, **({"decay_t": DECAY_T[name]} if name in DECAY_T else {})}
            arguments = build(facts[place]["schedules"][name], described)
            if record.get("watches"):
                arguments = dict(schedulers()[PLATEAU].arguments)
            path = f"{place}.{name}"
            settings = {**_FAMILY[root], **record, "path": path}
            found[path] = PathScheduler(path, arguments, **settings)
    return found


def scheduler_by_path(path: str) -> Scheduler | Refused:
    """The record of a path: a known one by any of its paths, else one of whatever arguments."""
    if path.startswith(TORCH):
        from_torch = schedulers().get(path.removeprefix(TORCH))
        return from_torch or Refused("torch has no such schedule", guess(path, _torchs_paths()))
    root, name = path.partition(".")[0], path.rpartition(".")[2]
    refused = REFUSED.get(root, {}).get(name)
    if refused is not None:
        return refused
    known = path_schedulers().get(f"{_PLACES.get(root, '')}.{name}")
    if known is not None:
        # As the user writes it: the packages have several paths to each.
        return PathScheduler(**{**vars(known), "name": path, "path": path})
    return PathScheduler(path, {}, path=path, known=False, summary="a schedule of another package")


def _torchs_paths() -> list[str]:
    return [f"{TORCH}{name}" for name, each in schedulers().items() if not each.written_out]


def any_scheduler(name: str) -> Scheduler | None:
    """The scheduler of a name in any case, or the known one of a path; else None."""
    if "." not in name:
        return find_scheduler(name)
    found = scheduler_by_path(name)
    if isinstance(found, Refused) or (isinstance(found, PathScheduler) and not found.known):
        return None
    return found


def lengths_in(arguments: dict[str, Any]) -> dict[str, str]:
    """The arguments that are the run's length, which a text stands for."""
    return {
        key: value
        for key, value in arguments.items()
        if isinstance(value, str) and value in LENGTHS
    }
