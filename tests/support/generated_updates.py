"""The printed functions of a rule, executed from their text and held against the interpreter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightgen.render.custom.optimizer_class import part as fragment
from lightgen.rules.reading.parse import read_rule
from lightgen.rules.rule import Rule
from lightgen.rules.update.code import UpdateCode, update_codes
from support.interpret_rule import Interpreted, Parameter, Run

WAYS = "single", "foreach", "functional"
SHAPES = (3, 4), (2, 4), (3, 4)
STEPS = 3
Value = Tensor | float


@dataclass
class Printed:
    """One function of a rule, in three ways."""

    rule: Rule
    code: UpdateCode
    functions: dict[str, Callable[..., Any]]

    @staticmethod
    def of(text: str) -> list[Printed]:
        rule = read_rule(text, "rule.py")
        return [Printed.load(rule, code) for code in update_codes(rule)]

    @staticmethod
    def load(rule: Rule, code: UpdateCode) -> Printed:
        space: dict[str, Any] = {"torch": torch, "math": math, "Tensor": Tensor, "Any": Any}
        exec(fragment("rule_float32", {}), space)
        for text in (*rule.helpers.values(), code.single, code.foreach, code.functional):
            exec(text, space)
        names = "_single_tensor_", "_foreach_", "_functional_"
        found = (space[f"{name}{code.suffix}"] for name in names)
        return Printed(rule, code, dict(zip(WAYS, found, strict=True)))

    def update(self, way: str, parameters: list[Parameter], grads: list[Tensor]) -> None:
        """One step of these parameters, each of which knows how many it has made."""
        function = self.code.function
        hypers = {name: parameters[0].group[name] for name in function.hypers}
        tensors = [state.name for state in function.tensors]
        scalars = [state.name for state in function.scalars]
        columns: list[list[Any]] = [[p.value for p in parameters], grads]
        columns += [[p.states[name] for p in parameters] for name in (*tensors, *scalars)]
        if function.uses_step:
            columns.append([float(p.step) for p in parameters])
        if way == "functional":
            rows = [self.functional(row, hypers) for row in zip(*columns, strict=True)]
            columns = [list(column) for column in zip(*rows, strict=True)]
            columns.insert(1, grads)
        else:
            before = [grad.clone() for grad in grads]
            self.functions[way](*columns, **hypers)
            assert all(map(torch.equal, before, grads)), "a gradient was written to"
        for i, p in enumerate(parameters):
            p.value = columns[0][i]
            p.states |= {n: c[i] for n, c in zip((*tensors, *scalars), columns[2:], strict=False)}
            for state in function.scalars:
                if state.single:
                    p.states[state.name] = torch.tensor(p.states[state.name]).float().item()

    def functional(self, row: tuple[Value, ...], hypers: dict[str, Any]) -> tuple[Value, ...]:
        """The value that it returns; it must not write into what it was given."""
        before = [x.clone() if isinstance(x, Tensor) else x for x in row]
        result: tuple[Value, ...] = self.functions["functional"](*row, **hypers)
        for old, now in zip(before, row, strict=True):
            if isinstance(old, Tensor) and isinstance(now, Tensor):
                assert torch.equal(old, now), "an argument was written to"
        return result


def inputs(seed: int) -> tuple[list[Tensor], list[list[Tensor | None]]]:
    """Parameters, and the gradients of each step; the second parameter has none at first."""
    random = torch.Generator().manual_seed(seed)

    def draw() -> list[Tensor]:
        return [torch.randn(shape, generator=random, dtype=torch.float64) for shape in SHAPES]

    params = draw()
    grads: list[list[Tensor | None]] = [list(draw()) for _ in range(STEPS)]
    grads[0][1] = None
    return params, grads


def expected(text: str, seed: int, noise: float = 0.0, **hypers: Any) -> Iterator[Run]:
    """The interpreter after each step; `noise` changes what goes in by that part of itself."""
    params, grads = inputs(seed)
    random = torch.Generator().manual_seed(seed + 1)

    def shaken(x: Tensor) -> Tensor:
        return x * (1 + noise * torch.randn(x.shape, generator=random, dtype=x.dtype))

    run = Interpreted(text).start([shaken(p) for p in params], **hypers)
    for each in grads:
        run.step([None if g is None else shaken(g) for g in each])
        yield run


def printed(parts: list[Printed], seed: int, way: str, **hypers: Any) -> Iterator[Run]:
    """The printed functions at the same, with the states that the interpreter begins with."""
    params, grads = inputs(seed)
    run = Interpreted(parts[0].rule.text).start(params, **hypers)
    for each in grads:
        for part in parts:
            name = part.code.function.name
            served = [
                (p, g)
                for p, g in zip(run.parameters, each, strict=True)
                if g is not None and p.function.name == name
            ]
            for p, g in served:
                if not p.step:
                    run.begin(p, g)
                    copied = {n: copy(v) for n, v in p.states.items()}
                    p.states, p.value = copied, p.value.clone()
                p.step += 1
            if served:
                part.update(way, [p for p, _ in served], [g for _, g in served])
        yield run


def copy(value: Value) -> Value:
    return value.clone() if isinstance(value, Tensor) else value


def values(run: Run) -> list[Tensor]:
    """Everything that is kept, as tensors."""
    kept = [v for p in run.parameters for v in (p.value, *p.states.values())]
    return [torch.as_tensor(v, dtype=torch.float64).clone() for v in kept]


def distance(a: list[Tensor], b: list[Tensor]) -> float:
    """The largest difference, relative to what is larger than 1."""
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        if x.shape != y.shape:
            return math.inf
        same = (x == y) | (x.isnan() & y.isnan())
        gaps = torch.where(same, 0.0, (x - y).abs() / x.abs().clamp(min=1))
        worst = max(worst, float(gaps.nan_to_num(nan=math.inf).max()))
    return worst


def all_steps(runs: Iterator[Run]) -> list[Tensor]:
    return [value for run in runs for value in values(run)]


def amplification(text: str, seed: int, noise: float, **hypers: Any) -> float:
    """How far the rule itself is thrown by rounding of that size."""
    exact = all_steps(expected(text, seed, **hypers))
    return distance(exact, all_steps(expected(text, seed, noise, **hypers)))
