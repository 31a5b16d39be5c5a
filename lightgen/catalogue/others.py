"""The optimizers of other packages, by their dotted paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lightgen.catalogue.arguments import Argument, build
from lightgen.catalogue.optimizer import Optimizer
from lightgen.catalogue.optimizers import KNOWN, optimizers

TORCH = "torch.optim."
# In the file, a default that is no plain value, and what stands for none at all.
OTHER, REQUIRED = "<other>", "<required>"
# The rate of a class of which nothing is known.
_LR = 1e-3
_IN_PART = {"heavyball", "transformers"}
# In other packages these names have meanings of their own, or more than one.
_FREE = frozenset({"alpha", "d", "eps", "etas", "lambd", "momentum", "rho", "t0", "betas"})


@cache
def _facts() -> dict[str, Any]:
    text = Path(__file__).with_name("others.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def other_optimizers() -> dict[str, Optimizer]:
    """The classes that were looked at, those that cannot be chosen too, by path."""
    return {path: _optimizer(path, row) for path, row in _facts()["optimizers"].items()}


def chosen_optimizers() -> dict[str, Optimizer]:
    """Those that can be chosen."""
    return {path: each for path, each in other_optimizers().items() if not each.refused}


def guess_package(name: str) -> str:
    """Where other packages have a class of that bare name, as a question; "" for none."""
    ends = f".{name.lower()}"
    paths = [path for path in chosen_optimizers() if path.lower().endswith(ends)]
    return f"did you mean {' or '.join(map(repr, paths))}?" if name and paths else ""


def _optimizer(path: str, row: Mapping[str, Any]) -> Optimizer:
    known = {name: each for name, each in KNOWN.items() if name not in _FREE}
    facts = {
        name: {"required": True} if default == REQUIRED else {"default": _default(default)}
        for name, default in row["arguments"].items()
    }
    arguments = {name: _argument(each) for name, each in build(facts, known).items()}
    learns = row.get("reaches", 1.0)
    return Optimizer(
        path,
        row["summary"],
        arguments,
        customary={**row.get("customary", {}), "lr": row.get("lr", _LR)},
        single_group=row.get("single", False),
        needs_closure="closure" in row or "several" in row,
        matrices_only=row.get("matrices", False),
        path=path,
        refused=row.get("refused", "") or _reason(row, learns),
        calls_once="closure" in row and "several" not in row,
        no_convolution=row.get("no_convolution", False),
        plain=row.get("plain", False),
        turns=row.get("turns", False),
        counts=tuple(row.get("counts", ())),
        once=tuple(row.get("once", ())),
        own_rate=row.get("own_rate", False),
        one_rate=row.get("one_rate", False),
        eager=row.get("eager", False),
        inexact=row.get("inexact", False),
        swallows=row.get("swallows", False),
        gpu=row.get("gpu", False),
    )


def _reason(row: Mapping[str, Any], learns: float) -> str:
    if row.get("objects"):
        return "keeps objects in its state, which torch refuses to load from a checkpoint"
    return "learns nothing on digits at any rate" if learns < 0.5 else ""


def _default(value: Any) -> Any:
    return None if value == OTHER else value


def _argument(argument: Argument) -> Argument:
    """Nobody knows what stands for none, or beside a text or a list: anything is taken there."""
    if argument.name == "betas" and isinstance(argument.default, list):
        return replace(argument, kind="numbers", length=len(argument.default), min=0, max=1)
    if argument.default is None or argument.kind in ("none", "text", "numbers"):
        return Argument(argument.name, argument.default, kind="any", doc=argument.doc)
    return argument


def is_foreign(name: str) -> bool:
    """Whether a name is a dotted path, and of no class of torch.optim."""
    return "." in name and not name.lower().startswith(TORCH)


def modules() -> frozenset[str]:
    """Where each class there is was looked at."""
    return frozenset(path.rpartition(".")[0] for path in other_optimizers()) - _IN_PART


def find_optimizer(name: str) -> Optimizer | None:
    """The optimizer of that name in any case, or by its path; None for one that there is not.

    Of a module that nobody looked at, any path may be a class.
    """
    folded = name.lower()
    if not is_foreign(name):
        own = {key.lower(): value for key, value in optimizers().items()}
        return own.get(folded.removeprefix(TORCH))
    others = other_optimizers()
    if name in others:
        return others[name]
    same = next((each for path, each in others.items() if path.lower() == folded), None)
    if same is not None or name.rpartition(".")[0] in modules():
        return same
    return by_path(name)


def by_path(path: str) -> Optimizer:
    """A class of which nothing is known but where it is."""
    summary = "a class by its path: it is given what the spec says, and treated as a plain one"
    rate = Argument("lr", _LR, min=0, doc="learning rate")
    decay = Argument("weight_decay", None, min=0, doc="pull of the weights to zero")
    arguments = {"lr": rate, "weight_decay": decay}
    return Optimizer(path, summary, arguments, {"lr": _LR}, path=path, open=True, plain=True)
