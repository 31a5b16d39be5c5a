"""The matrix: specs that cover every pair of options, and what each must lead to.

What a spec leads to is worked out here once more, from the spec's words alone and by torch's own
schedulers, so that the tests hold the generated code against something that it was not made from.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest
from allpairspy import AllPairs
from support.projects import plan_of

from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.schedulers import schedulers
from lightgen.catalogue.skeletons import SKELETONS
from lightgen.problems import InputError

SAMPLE = 48
EPOCHS = 3
TRAIN_SAMPLES = {
    "classification": 1438,
    "regression": 354,
    "transfer": 50,
    "language-model": 960,
}

_GROUPS: dict[str, dict[str, Any]] = {
    "none": {},
    "two": {"backbone": {"lr": 1e-3}, "head": {"lr": 2e-3}},
    "three": {"stem": {"lr": "x0.1"}, "body": {}, "head": {"lr": "x2"}},
    "one": {"net": {"lr": 3e-3}},
    "frozen": {"backbone": {"freeze": True}, "head": {"lr": 1e-3}},
    "patterns": {"biases": {"match": ["*.bias"], "lr": 1e-3}, "rest": {"lr": "x0.5"}},
    "path": {"first": {"match": "backbone.0", "lr": 1e-4}, "rest": {}},
    "regex": {"matrices": {"match": "re:weight$", "lr": "x0.2"}, "rest": {"freeze": True}},
    "decay": {"backbone": {"lr": 1e-3, "weight_decay": 0.1}, "head": {"lr": 2e-3}},
    "unfreezing": {
        "backbone": {"lr": 1e-3, "freeze": "until_epoch:1", "layer_decay": 0.5},
        "head": {"lr": 2e-3},
    },
    "schedules": {
        "backbone": {"warmup_steps": 2, "gradient_clip_val": 0.5},
        "head": {"lr": 2e-3, "schedule": "linear"},
    },
    "classes": {
        "matrices": {"match": "backbone", "ndim": 2, "optimizer": "Muon", "lr": "x0.5"},
        "head": {"optimizer": "SGD"},
        "rest": {"weight_decay": 0.05},
    },
    "dimensions": {"vectors": {"match": "backbone", "ndim": 1}, "rest": {"lr": "x0.5"}},
}
# The customary rate and torch's own decay of the classes of a composite.
_MEMBERS = {"AdamW": (1e-3, 0.01), "Muon": (0.02, 0.1), "SGD": (0.1, 0.0)}
_HIDDEN: dict[tuple[str, str], list[str]] = {
    ("mlp", "classification"): ["backbone"],
    ("mlp", "regression"): ["backbone"],
    ("mlp", "transfer"): ["backbone"],
    ("transformer", "language-model"): ["blocks"],
}
_TRAINER: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulate": {"accumulate_grad_batches": 2},
    "clip norm": {"gradient_clip_val": 1.0},
    "clip value": {"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"},
    "bf16": {"precision": "bf16-mixed"},
    "double": {"precision": "64-true"},
    "sparse validation": {"check_val_every_n_epoch": 2},
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"weight_decay": 0.02},
    "rate": {"lr": 5e-3},
    "layer decay": {"layer_decay": 0.75},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
_FEATURES: dict[str, dict[str, Any]] = {
    "none": {},
    "ema": {"averaging": {"name": "ema", "start_epoch": 1}},
    "swa": {"averaging": {"name": "swa", "start_epoch": 2}},
    "checkpointing": {"model": {"gradient_checkpointing": True}},
}
OPTIONS: dict[str, Sequence[Any]] = {
    "optimizer": [*optimizers(), "composite", "custom", *(f"custom {name}" for name in SKELETONS)],
    "scheduler": ["none", *schedulers()],
    "groups": list(_GROUPS),
    "trainer": list(_TRAINER),
    "settings": list(_SETTINGS),
    "model": ["", "mlp", "cnn", "transformer", "embedding-bag"],
    "warmup": [0, 3],
    "task": ["classification", "regression", "transfer", "language-model"],
    "lightning": ["pytorch_lightning", "lightning"],
    "logger": ["csv", "tensorboard"],
    "feature": list(_FEATURES),
}


def spec_of(row: Sequence[Any]) -> dict[str, Any]:
    """The spec of a row of options, which may be the beginning of one."""
    chosen = dict(zip(OPTIONS, row, strict=False))
    name, _, skeleton = chosen["optimizer"].partition(" ")
    optimizer = {"name": name, **_SETTINGS[chosen.get("settings", "plain")]}
    if skeleton:
        optimizer["skeleton"] = skeleton
    if chosen["optimizer"] == "LBFGS" and "lr" in optimizer:
        optimizer["lr"] = 0.5
    spec: dict[str, Any] = {
        "task": chosen.get("task", "classification"),
        "project": {
            "package": "sample_run",
            "lightning": chosen.get("lightning", "pytorch_lightning"),
        },
        "data": {"batch_size": 480},
        "optimizer": optimizer,
        "groups": _groups(chosen.get("groups", "none"), chosen.get("task", "classification")),
        "trainer": {
            "max_epochs": EPOCHS,
            "logger": chosen.get("logger", "csv"),
            **_TRAINER[chosen.get("trainer", "plain")],
        },
    }
    feature = _FEATURES[chosen.get("feature", "none")]
    if chosen.get("model"):
        spec["model"] = {"name": chosen["model"]}
    if "model" in feature:
        spec["model"] = {**spec.get("model", {}), **feature["model"]}
    if "averaging" in feature:
        spec["averaging"] = feature["averaging"]
    if chosen.get("scheduler", "none") != "none":
        spec["scheduler"] = {"name": chosen["scheduler"]}
        if chosen.get("warmup"):
            spec["scheduler"]["warmup_steps"] = chosen["warmup"]
    elif chosen.get("warmup"):
        raise InputError
    return spec


def _groups(option: str, task: str) -> dict[str, Any]:
    """Groups of a spec: the network of the language model has its layers under another name."""
    groups = _GROUPS[option]
    if task != "language-model":
        return groups
    return {
        name: {
            key: (
                "blocks" + value.removeprefix("backbone")
                if key == "match" and str(value).startswith("backbone")
                else value
            )
            for key, value in group.items()
        }
        for name, group in groups.items()
    }


def _works(row: Sequence[Any]) -> bool:
    try:
        plan = plan_of(spec_of(row))
    except InputError:
        return False
    return not _has_nothing_to_match(plan)


def _has_nothing_to_match(plan: Any) -> bool:
    """Patterns that this model has no parameter for: refused when the project starts."""
    names = {group.name for group in plan.groups}
    whole = plan.model.record.sparse or not plan.model.bias
    name = plan.model.record.name
    dimensions = {group.ndim for group in plan.groups} - {None}
    lacks = (name == "cnn" and 2 in dimensions) or (whole and bool(dimensions))
    return lacks or bool(whole and names & {"biases", "first", "matrices"})


@cache
def matrix() -> tuple[dict[str, Any], ...]:
    """Specs that cover every pair of options that go together."""
    rows = [tuple(row) for row in AllPairs(list(OPTIONS.values()), filter_func=_works)]
    return tuple(spec_of(row) for row in [*rows, *_missing(rows)])


def _missing(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return missing(rows, OPTIONS, {}, _works)


def missing(
    rows: Sequence[tuple[Any, ...]],
    options: Mapping[str, Sequence[Any]],
    plain: Mapping[str, Any],
    works: Callable[[Sequence[Any]], bool],
) -> list[tuple[Any, ...]]:
    """Rows for the pairs that go together and that the pairwise search left out: few for many.

    What a row doesn't need is plain, or the first choice.
    """
    first = {name: plain.get(name, values[0]) for name, values in options.items()}
    usual = dict(enumerate(first.values()))
    left = [pair for pair in _pairs(options) if not any(_holds(row, pair) for row in rows)]
    left = [pair for pair in left if works(tuple({**usual, **pair}.values()))]
    added: list[tuple[Any, ...]] = []
    while left:
        chosen: dict[int, Any] = {}
        for pair in left:
            if all(chosen.get(number, value) == value for number, value in pair.items()):
                more = {**chosen, **pair}
                if works(tuple({**usual, **more}.values())):
                    chosen = more
        added.append(tuple({**usual, **chosen}.values()))
        left = [pair for pair in left if not _holds(added[-1], pair)]
    return added


def _pairs(options: Mapping[str, Sequence[Any]]) -> Iterator[dict[int, Any]]:
    """Every choice of two options, by the number of each."""
    for (i, first), (j, second) in combinations(enumerate(options.values()), 2):
        for a, b in product(first, second):
            yield {i: a, j: b}


def _holds(row: Sequence[Any], pair: Mapping[int, Any]) -> bool:
    return all(row[number] == value for number, value in pair.items())


def sample() -> tuple[int, ...]:
    """The numbers of the specs that CI runs."""
    return tuple(sorted(random.Random(0).sample(range(len(matrix())), SAMPLE)))


def chosen_optimizer(spec: dict[str, Any]) -> str:
    """The option of the matrix that the spec was made from."""
    table = spec["optimizer"]
    return " ".join(table[key] for key in ("name", "skeleton") if key in table)


def title(spec: dict[str, Any]) -> str:
    """A short name of a spec."""
    words = [chosen_optimizer(spec), spec.get("scheduler", {}).get("name", "constant")]
    words += [spec.get("model", {}).get("name", "default"), "+".join(spec["groups"]) or "whole"]
    return "-".join(words)


# What a spec must lead to.


def expected_groups(
    spec: dict[str, Any], model: Any, numbers: Mapping[str, int] | None = None
) -> dict[str, dict[str, Any]]:
    """Name -> rate, weight decay and parameter names, from the spec's words.

    `numbers` are those of the parameters' layers where the network is not lightgen's own.
    """
    plan = plan_of(spec)
    base = plan.optimizer.base_lr
    default_decay = plan.optimizer.effective("weight_decay") or 0
    shapes = {name: parameter.ndim for name, parameter in model.named_parameters()}
    exempt = model.no_weight_decay() if hasattr(model, "no_weight_decay") else set()
    left = list(shapes)
    if numbers is None:
        numbers = {each: _layer(each, left) for each in left}
    found: dict[str, dict[str, Any]] = {}
    for name, group in _wished_groups(spec, plan).items():
        if plan.optimizer.is_composite:
            base, default_decay = _MEMBERS[group.get("optimizer", "AdamW")]
        patterns = group.get("match", ["*"] if name == "rest" else [name])
        patterns = [patterns] if isinstance(patterns, str) else patterns
        mine = [
            each
            for each in left
            if any(_fits(each, pattern) for pattern in patterns)
            and group.get("ndim", shapes[each]) == shapes[each]
        ]
        left = [each for each in left if each not in mine]
        if group.get("freeze") is True:
            continue
        lr = group.get("lr", base)
        lr = base * float(lr[1:]) if isinstance(lr, str) else lr
        decay = group.get("weight_decay", default_decay)
        kept = [each for each in mine if decay and (shapes[each] < 2 or each in exempt)]
        decayed = [each for each in mine if each not in kept]
        layers = _layers(spec, group, mine, numbers)
        for half, names, its_decay in (("", decayed, decay), ("/no_decay", kept, 0)):
            for layer, factor in layers.items() if names else ():
                own = [each for each in names if not layer or numbers[each] == layer]
                between = f"/layer_{layer - 1}" if layer else ""
                if own:
                    its = {"lr": lr * factor, "weight_decay": its_decay, "names": own}
                    found[f"{name}{between}{half}"] = its
    return found


def _layers(
    spec: dict[str, Any], group: dict[str, Any], mine: Sequence[str], numbers: Mapping[str, int]
) -> dict[int, float]:
    """Number of a layer, from 1, -> factor on its rate; 0 for a group that is not split."""
    whole, own = spec["optimizer"].get("layer_decay"), group.get("layer_decay")
    if whole is None and own is None:
        return {0: 1.0}
    there = sorted({numbers[each] for each in mine})
    top = max(numbers.values()) if whole is not None else there[-1]
    return {number: (whole or own) ** (top - number) for number in there}


def _layer(name: str, names: Sequence[str]) -> int:
    """The models that lightgen writes: each entry of a sequence is a layer, and each submodule.

    A name's second part is a number in a sequence only.
    """
    seen = list(dict.fromkeys(_entry(each) for each in names))
    return seen.index(_entry(name)) + 1


def _entry(name: str) -> tuple[str, ...]:
    parts = name.split(".")
    return tuple(parts[:2]) if parts[1].isdigit() else tuple(parts[:1])


def first_epoch(spec: dict[str, Any], name: str) -> int:
    """From which epoch on a group trains."""
    frozen = spec["groups"].get(name.split("/")[0], {}).get("freeze")
    return int(frozen.removeprefix("until_epoch:")) if isinstance(frozen, str) else 0


def must_be_grouped(spec: dict[str, Any], got: dict[str, Any]) -> None:
    """Groups hold what is expected of them, and move from the epoch on that the spec says."""
    expected = got["expected"]
    assert list(got["groups"]) == list(expected)
    for name, group in expected.items():
        assert sorted(got["groups"][name]["names"]) == sorted(group["names"]), name
        assert got["groups"][name]["stored"] == got["groups"][name]["names"], name
        assert got["groups"][name]["weight_decay"] == pytest.approx(group["weight_decay"]), name
        epoch = first_epoch(spec, name)
        moved = [bool(set(group["names"]) & names) for names in got["moved"]]
        assert not any(moved[:epoch]), name
        assert any(moved[epoch:]), name


def _wished_groups(spec: dict[str, Any], plan: Any) -> dict[str, Any]:
    """What a spec without groups has: one, and a transfer a slow backbone and a head."""
    if spec["groups"]:
        return dict(spec["groups"])
    if plan.optimizer.is_composite:
        attention = ["*.self_attn", "*.linear1", "*.linear2"]
        match = _HIDDEN.get((plan.model.record.name, spec["task"]), attention)
        return {"hidden": {"match": match, "ndim": 2, "optimizer": "Muon"}, "rest": {}}
    if plan.task.name == "transfer" and not plan.optimizer.record.single_group:
        return {"backbone": {"lr": "x0.1"}, "head": {}}
    return {"all": {"match": ["*"]}}


def _fits(name: str, pattern: str) -> bool:
    import re

    if pattern.startswith("re:"):
        return re.search(pattern[3:], name) is not None
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def _curve_by_group(
    spec: dict[str, Any], rates: dict[str, float], total_steps: int
) -> list[list[float]]:
    wished = spec.get("scheduler", {"name": "constant"})
    own = {name.split("/")[0]: spec["groups"][name.split("/")[0]] for name in rates}
    forms = {name: group.get("schedule", wished["name"]) for name, group in own.items()}
    warmups = {
        name: group.get("warmup_steps", wished.get("warmup_steps", 0))
        for name, group in own.items()
    }
    return [
        [
            rate * _factor(forms[owner], step, total_steps, warmups[owner])
            for name, rate in rates.items()
            for owner in [name.split("/")[0]]
        ]
        for step in range(total_steps + 1)
    ]


def expected_curve(
    spec: dict[str, Any], names: Sequence[str], rates: Sequence[float]
) -> tuple[list[list[float]], bool]:
    """Rates of the groups before each interval, and whether intervals are steps."""
    curve, by_step = _scheduled(spec, names, rates)
    if spec.get("averaging", {}).get("name") != "swa":
        return curve, by_step
    start = spec["averaging"]["start_epoch"] * (_epoch_steps(spec) if by_step else 1)
    averaged = [[rate / 2 for rate in rates]] * (len(curve) - start)
    return [*curve[:start], *averaged], by_step


def _epoch_steps(spec: dict[str, Any]) -> int:
    batches = math.ceil(TRAIN_SAMPLES[spec["task"]] / 480)
    return math.ceil(batches / spec["trainer"].get("accumulate_grad_batches", 1))


def _scheduled(
    spec: dict[str, Any], names: Sequence[str], rates: Sequence[float]
) -> tuple[list[list[float]], bool]:
    total_steps = EPOCHS * _epoch_steps(spec)
    wished = spec.get("scheduler")
    if any({"schedule", "warmup_steps"} & group.keys() for group in spec["groups"].values()):
        return _curve_by_group(spec, dict(zip(names, rates, strict=True)), total_steps), True
    if wished is None:
        return [list(rates)] * (EPOCHS + 1), False
    name, warmup = wished["name"], wished.get("warmup_steps", 0)
    if name in ("cosine", "linear", "wsd"):
        factors = [_factor(name, step, total_steps, warmup) for step in range(total_steps + 1)]
        return [[rate * factor for rate in rates] for factor in factors], True
    by_step = schedulers()[name].interval == "step"
    length = total_steps if by_step else EPOCHS
    momentum = plan_of(spec).optimizer.record.arguments
    return (
        _simulate(name, warmup, rates, length, cycles=bool({"momentum", "betas"} & set(momentum))),
        by_step,
    )


def _factor(name: str, step: int, total: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    if name == "constant":
        return 1
    if name == "wsd":
        decay = max(1, round(0.2 * total))
        return 1 - min(1.0, max(0.0, (step - total + decay) / decay))
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return 1 - progress if name == "linear" else (1 + math.cos(math.pi * progress)) / 2


def _simulate(
    name: str, warmup: int, rates: Sequence[float], length: int, *, cycles: bool
) -> list[list[float]]:
    import torch
    from torch.optim import lr_scheduler as s

    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    rest = max(1, length - warmup)
    start = {"start_factor": 0.1, "total_iters": 50}
    make = {
        "LambdaLR": lambda: s.LambdaLR(optimizer, lambda epoch: 0.95**epoch),
        "MultiplicativeLR": lambda: s.MultiplicativeLR(optimizer, lambda epoch: 0.95),
        "StepLR": lambda: s.StepLR(optimizer, max(1, length // 3)),
        "MultiStepLR": lambda: s.MultiStepLR(
            optimizer, [max(1, length // 2), max(1, length * 3 // 4)]
        ),
        "ConstantLR": lambda: s.ConstantLR(optimizer),
        "LinearLR": lambda: s.LinearLR(optimizer),
        "ExponentialLR": lambda: s.ExponentialLR(optimizer, 0.95),
        "PolynomialLR": lambda: s.PolynomialLR(optimizer, rest),
        "CosineAnnealingLR": lambda: s.CosineAnnealingLR(optimizer, rest),
        "CosineAnnealingWarmRestarts": lambda: s.CosineAnnealingWarmRestarts(
            optimizer, max(1, rest // 4)
        ),
        "CyclicLR": lambda: s.CyclicLR(
            optimizer,
            [rate / 10 for rate in rates],
            list(rates),
            max(1, length // 8),
            cycle_momentum=cycles,
        ),
        "OneCycleLR": lambda: s.OneCycleLR(optimizer, list(rates), length, cycle_momentum=cycles),
        "ReduceLROnPlateau": lambda: s.LambdaLR(optimizer, lambda epoch: 1.0),
        "SequentialLR": lambda: s.SequentialLR(
            optimizer,
            [
                s.LinearLR(optimizer, **start),
                s.CosineAnnealingLR(optimizer, max(1, length - 50)),
            ],
            [50],
        ),
        "ChainedScheduler": lambda: s.ChainedScheduler(
            [s.LinearLR(optimizer, **start), s.CosineAnnealingLR(optimizer, length)], optimizer
        ),
    }[name]
    if warmup:
        rise = s.LinearLR(optimizer, start_factor=1e-3, total_iters=warmup)
        scheduler = s.SequentialLR(optimizer, [rise, make()], [warmup])
    else:
        scheduler = make()
    curve = [[group["lr"] for group in optimizer.param_groups]]
    for _ in range(length - (name == "OneCycleLR")):
        optimizer.step()
        scheduler.step()
        curve.append([group["lr"] for group in optimizer.param_groups])
    return curve
