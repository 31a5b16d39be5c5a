"""Try an optimizer's class as a generated project uses it, and say what it can do.

`survey.py` runs this over the classes of other packages. A network of images is trained for some
steps, by two groups with names, the loss evaluated within the step as Lightning does.
"""

from __future__ import annotations

import io
import math
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lightgen.catalogue.digits import held_out
from lightgen.catalogue.trial import STEPS, Trial, Way, turns

_SECONDS = 20
# Some classes wait before their first step.
_WARM, _LONG = 15, 120
# A class whose own rate learns less than the first is given the least of these rates that learns
# the second, or else the best.
_SLOW, _SANE = 0.5, 0.85
_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
_NETWORKS = ("convolution", "mlp", "matrices")


def probe(
    cls: Any, arguments: Mapping[str, Any], lr: float, known: Mapping[str, Any]
) -> dict[str, Any]:
    """The facts of a class: those that differ from what torch's own do; `refused` alone if none.

    `arguments` are those that it needs beside the groups, `lr` the rate that it has of its own,
    `known` everything that it takes.
    """
    way, reason = _way(cls, arguments, lr)
    if way is None:
        return {"refused": reason}
    trial = Trial(cls, way, arguments, lr)
    before = trial.settings()
    trial.step()
    facts: dict[str, Any] = {
        "matrices": way.network == "matrices",
        "no_convolution": way.network == "mlp",
        "plain": not way.names,
        "single": way.single,
        "closure": _fault(Trial.tried(cls, replace(way, within=False), arguments, lr)) != "",
        "several": trial.calls > STEPS,
        "turns": turns(cls),
        "counts": _changed(before, trial.settings()),
        "objects": _holds_objects(trial),
        "once": sorted(known.keys() - before[0].keys() - {"lr"}),
        "swallows": not _fault(lambda: Trial(cls, way, {**arguments, "of_no_class": 1}, lr)),
        **_facts_of_groups(cls, way, arguments, lr),
        **_rate(cls, way, arguments, lr),
    }
    if not facts["reaches"]:
        return {"refused": "stops when it trains on digits"}
    difference = _after_resuming(trial, Trial(cls, way, arguments, lr))
    if isinstance(difference, str):
        return {"refused": f"its state cannot be loaded: {difference}"}
    facts["inexact"] = difference > 0
    return {key: value for key, value in facts.items() if value not in (False, None, [])}


def _way(cls: Any, arguments: Mapping[str, Any], lr: float) -> tuple[Way | None, str]:
    """The first way that works: the most general first; else why the most general does not."""
    first = ""
    for single in (False, True):
        for network in _NETWORKS:
            for names in (True, False):
                for within in (True, False):
                    way = Way(network, names, within, single)
                    fault = _fault(Trial.tried(cls, way, arguments, lr))
                    if not fault:
                        return way, ""
                    first = first or fault
    return None, first


def _facts_of_groups(
    cls: Any, way: Way, arguments: Mapping[str, Any], lr: float
) -> dict[str, bool]:
    """What its groups cannot: have rates of their own, or wait for their first gradient."""
    trials = [Trial(cls, way, arguments, lr), Trial(cls, way, arguments, 10 * lr)]
    for each in trials:
        _fault(partial(each.step, _WARM))
    own_rate = torch.equal(trials[0].weights(), trials[1].weights())
    if way.single:
        return {"own_rate": own_rate}

    def wait() -> None:
        trial = Trial(cls, way, arguments, lr)
        before = trial.weights("body")
        trial.step(without_body=True)
        if not torch.equal(before, trial.weights("body")):
            raise ValueError("moved without a gradient")
        trial.step()

    uneven = _fault(lambda: Trial(cls, way, arguments, lr, rates=(0.1, 1.0)).step())
    return {"own_rate": own_rate, "one_rate": bool(uneven), "eager": bool(_fault(wait))}


def _changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """What the steps themselves write into the groups."""
    found = set()
    for old, new in zip(before, after, strict=True):
        found |= {key for key in new if key not in old or not _same(old[key], new[key])}
    return sorted(found - {"train_mode"})


def _same(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)


def _holds_objects(trial: Trial) -> bool:
    """Whether its state is more than tensors and plain values."""
    file = io.BytesIO()
    torch.save(trial.optimizer.state_dict(), file)
    file.seek(0)
    return bool(_fault(lambda: torch.load(file, weights_only=True)))


def _after_resuming(trial: Trial, fresh: Trial) -> float | str:
    """How far a run that resumes is from one that never stopped, or why it cannot."""
    trial.turn("eval")
    file = io.BytesIO()
    torch.save([trial.network.state_dict(), trial.optimizer.state_dict()], file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=False)
    trial.turn("train")

    def resume() -> None:
        fresh.network.load_state_dict(weights)
        fresh.optimizer.load_state_dict(state)
        fresh.turn("train")
        fresh.steps = trial.steps
        for each in (trial, fresh):
            torch.manual_seed(3)
            each.step()

    fault = _fault(resume)
    return fault or float((trial.weights() - fresh.weights()).abs().max())


def _rate(cls: Any, way: Way, arguments: Mapping[str, Any], lr: float) -> dict[str, float]:
    """A rate at which the class learns: its own if that will do."""
    best, reached = lr, _accuracy(cls, way, arguments, lr)
    for rate in _RATES if reached < _SLOW else ():
        if reached >= _SANE:
            break
        found = _accuracy(cls, way, arguments, rate)
        if found > reached + 0.01:
            best, reached = rate, found
    return {"lr": best, "reaches": round(reached, 2)}


def _accuracy(cls: Any, way: Way, arguments: Mapping[str, Any], lr: float) -> float:
    reached = [0.0]

    def train() -> None:
        trial = Trial(cls, way, arguments, lr)
        torch.manual_seed(1)
        trial.step(_LONG)
        trial.turn("eval")
        images, labels = held_out()
        with torch.no_grad():
            reached[0] = float((trial.network(images).argmax(1) == labels).float().mean())

    return 0.0 if _fault(train) else reached[0]


def _fault(act: Callable[[], Any]) -> str:
    """What an act raises, in one line; empty if nothing."""
    try:
        with _quiet(), _limited():
            act()
    except Exception as error:
        text = " ".join(str(error).split())
        return f"{type(error).__name__}: {text}"[:200]
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(action="ignore"), redirect_stdout(io.StringIO()):
        yield


@contextmanager
def _limited() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError(f"takes more than {_SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def is_finite(value: Any) -> bool:
    """Whether a value is a number that a rate can be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
