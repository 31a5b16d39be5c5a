"""Groups of different options, parameters that sit steps out, and maximize: as the rule reads.

No reference has all of these for every rule; the interpreter has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from support.compiled import compile_rule
from support.interpret_rule import Interpreted
from support.references import CASES, Case, Oracle
from torch import Tensor

from lightgen.rules.reading.parse import read_rule

STEPS = 12
FIRST = {case.rule: case for case in reversed(CASES.values())}
compiled = cache(compile_rule)


def other_options(text: str) -> dict[str, Any]:
    """Values for the second group that differ from the defaults, within their ranges."""
    other: dict[str, Any] = {}
    for hyper in read_rule(text, "rule.py").hypers:
        match hyper.default:
            case bool():
                other[hyper.name] = not hyper.default
            case tuple():
                other[hyper.name] = tuple(0.9 * entry for entry in hyper.default)
            case int():
                other[hyper.name] = hyper.default + 3
            case _ if hyper.name in ("weight_decay", "r", "lr_decay"):
                other[hyper.name] = hyper.default + 0.05
            case _:
                other[hyper.name] = 0.9 * hyper.default
    return other


def grads(case: Case) -> list[list[Tensor | None]]:
    """One of the parameters has none at the first step, another at some."""
    drawn = [given for given, _ in zip(case.grads(torch.float64), range(STEPS), strict=False)]
    for t, given in enumerate(drawn):
        if t % 4 == 0:
            given[0] = None
        if t == 2:
            given[-1] = None
    return drawn


def run(case: Case, make: Callable[[list[dict[str, Any]]], Any]) -> list[Tensor]:
    params = case.params(torch.float64)
    optimizer = make([{"params": params[:1]}, {"params": params[1:], **other_options(case.text)}])
    for given in grads(case):
        for param, grad in zip(params, given, strict=True):
            param.grad = None if grad is None else grad.clone()
        optimizer.step()
    return [param.detach() for param in params]


class GroupedOracle(Oracle):
    def __init__(self, text: str, groups: list[dict[str, Any]], **options: Any) -> None:
        self.params = [param for group in groups for param in group["params"]]
        self.run = Interpreted(text).start(groups, **options)


@pytest.mark.parametrize("maximize", [False, True], ids=["minimize", "maximize"])
@pytest.mark.parametrize("foreach", [False, True], ids=["single", "foreach"])
@pytest.mark.parametrize("rule", sorted(FIRST))
def test_groups(rule: str, foreach: bool, maximize: bool) -> None:
    case = FIRST[rule]
    optimizer = compiled(case.text)

    def make(groups: list[dict[str, Any]]) -> Any:
        made: Any = optimizer(groups, foreach=foreach, maximize=maximize)
        if "def to_train" in case.text:
            made.train()
        return made

    right = run(case, lambda groups: GroupedOracle(case.text, groups, maximize=maximize))
    got = run(case, make)
    for expected, found in zip(right, got, strict=True):
        assert torch.isfinite(expected).all()
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
