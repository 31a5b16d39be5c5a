"""Specs of several optimizers that cover every pair of their options, and the steps they lead to.

What a spec leads to is worked out from its words once more, by torch's own schedulers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from itertools import combinations, product
from typing import Any

import specs
from allpairspy import AllPairs
from support.projects import plan_of

from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.schedulers import schedulers
from lightgen.problems import InputError

SAMPLE = 10
EPOCHS, EPOCH_BATCHES, BATCH_SIZE = 3, 3, {"classification": 480, "gan": 480, "regression": 118}
LR = 1e-3
NAMES = {
    "classification": ("backbone", "head"),
    "regression": ("backbone", "head"),
    "gan": ("discriminator", "generator"),
}
_STEPS: dict[str, dict[str, Any]] = {
    "each batch": {},
    "frequency": {"frequency": 2},
    "accumulation": {"accumulate_grad_batches": 2},
    "both": {"frequency": 2, "accumulate_grad_batches": 2},
}
_CLIPPING: dict[str, dict[str, Any]] = {
    "free": {},
    "norm": {"gradient_clip_val": 1.0},
    "value": {"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"},
}
_GROUPS = ("its own", "patterns", "frozen at first", "layers")
OPTIONS: dict[str, Sequence[Any]] = {
    # All of them meet all schedules in the other matrix.
    "optimizer": ["SGD", "AdamW", "RMSprop", "custom"],
    "scheduler": ["none", *schedulers()],
    "task": list(NAMES),
    "steps": list(_STEPS),
    "clipping": list(_CLIPPING),
    "groups": list(_GROUPS),
    "precision": ["32-true", "bf16-mixed", "64-true"],
    "other": ["SGD", "AdamW"],
}


def spec_of(row: Sequence[Any]) -> dict[str, Any]:
    """The spec of a row of options, which may be the beginning of one."""
    chosen = dict(zip(OPTIONS, row, strict=False))
    task = chosen.get("task", "classification")
    first, second = NAMES[task]
    own: dict[str, Any] = {
        "name": chosen["optimizer"],
        "lr": LR,
        **_STEPS[chosen.get("steps", "each batch")],
        **_CLIPPING[chosen.get("clipping", "free")],
        "groups": _groups(chosen.get("groups", "its own"), first),
    }
    if chosen.get("scheduler", "none") != "none":
        own["scheduler"] = {"name": chosen["scheduler"]}
    return {
        "task": task,
        "data": {"batch_size": BATCH_SIZE[task]},
        "optimizers": {first: own, second: {"name": chosen.get("other", "SGD"), "lr": LR}},
        "trainer": {"max_epochs": EPOCHS, "precision": chosen.get("precision", "32-true")},
    }


def _groups(option: str, name: str) -> dict[str, Any]:
    if option == "patterns":
        inner = "1" if name == "discriminator" else "0"
        return {"first": {"match": f"{name}.{inner}", "lr": "x0.5"}, name: {}}
    if option == "frozen at first":
        return {name: {"freeze": "until_epoch:1"}}
    return {name: {"layer_decay": 0.5} if option == "layers" else {}}


def _works(row: Sequence[Any]) -> bool:
    try:
        plan_of(spec_of(row))
    except InputError:
        return False
    return True


@cache
def matrix() -> tuple[dict[str, Any], ...]:
    """Specs that cover every pair of options that go together."""
    rows = [tuple(row) for row in AllPairs(list(OPTIONS.values()), filter_func=_works)]
    plain = ["SGD", *(values[0] for values in list(OPTIONS.values())[1:])]
    for (i, first), (j, second) in combinations(enumerate(OPTIONS.values()), 2):
        seen = {(row[i], row[j]) for row in rows}
        for a, b in product(first, second):
            row = list(plain)
            row[i], row[j] = a, b
            if (a, b) not in seen and _works(row):
                rows.append(tuple(row))
                seen.add((a, b))
    return tuple(spec_of(row) for row in rows)


def sample() -> tuple[int, ...]:
    """The numbers of the specs that CI runs."""
    return tuple(sorted(random.Random(0).sample(range(len(matrix())), SAMPLE)))


def title(spec: dict[str, Any]) -> str:
    """A short name of a spec."""
    own = spec["optimizers"][NAMES[spec["task"]][0]]
    words = [spec["task"], own["name"], own.get("scheduler", {}).get("name", "constant")]
    turns = [
        key.partition("_")[0] for key in own if key in ("frequency", "accumulate_grad_batches")
    ]
    return "-".join([*words, *turns, *own["groups"]])


def expected_batches(turns: dict[str, Any]) -> list[int]:
    """The batches of the run that end in a step of an optimizer."""
    found, waiting = [], 0
    for batch in range(1, EPOCHS * EPOCH_BATCHES + 1):
        waiting += batch % turns.get("frequency", 1) == 0
        full = waiting == turns.get("accumulate_grad_batches", 1)
        if full or (waiting and batch % EPOCH_BATCHES == 0):
            found.append(batch)
            waiting = 0
    return found


def expected_rates(own: dict[str, Any], rates: Sequence[float]) -> list[list[float]]:
    """The rates of the groups at each step of the optimizer, from those they are written with."""
    batches = expected_batches(own)
    name = own.get("scheduler", {}).get("name")
    if name is None:
        return [list(rates)] * len(batches)
    if name in ("cosine", "linear", "wsd"):
        factors = [specs._factor(name, step, len(batches), 0) for step in range(len(batches))]
        return [[rate * factor for rate in rates] for factor in factors]
    by_step = schedulers()[name].interval == "step"
    record = optimizers().get(own["name"])
    known = {"betas"} if record is None else set(record.arguments)
    cycles = bool({"momentum", "betas"} & known)
    length = len(batches) if by_step else EPOCHS
    curve = specs._simulate(name, 0, rates, length, cycles=cycles)
    passed = [
        step if by_step else (batch - 1) // EPOCH_BATCHES for step, batch in enumerate(batches)
    ]
    return [curve[at] for at in passed]
