"""An update rule as it was read: checked, and not decided how it is computed."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Initial(Enum):
    """What a state holds before the first step."""

    CONSTANT = "constant"  # like the parameter, every entry the same number
    PARAM = "param"
    GRAD = "grad"  # the gradient of the first step
    ROWS = "zeros_rows"  # shape [..., n, 1]
    COLS = "zeros_cols"  # shape [..., 1, m]
    SCALAR = "scalar"  # one number per parameter
    SHARED = "shared"  # one number for all parameters of all groups


@dataclass(frozen=True)
class State:
    """A state of the optimizer; `value` is its number where the initial value is one.

    `single` says that a scalar is rounded to float32 between the steps.
    """

    name: str
    initial: Initial
    value: float = 0.0
    single: bool = False

    @property
    def is_tensor(self) -> bool:
        """Whether it is kept per parameter as a tensor of many entries."""
        return self.initial not in (Initial.SCALAR, Initial.SHARED)

    @property
    def is_like_param(self) -> bool:
        """Whether it has the shape of its parameter."""
        return self.is_tensor and self.initial not in (Initial.ROWS, Initial.COLS)


@dataclass(frozen=True)
class Hyper:
    """A hyperparameter: its default, and the range of it, or of each entry of a tuple."""

    name: str
    default: float | int | bool | tuple[float, ...]
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Function:
    """A function in the language of rules: the update, `prepare`, `to_eval` or `to_train`.

    `condition` is on param; None where the function serves every parameter. The body has no
    docstring.
    """

    name: str
    doc: str
    states: tuple[State, ...]
    hypers: tuple[str, ...]
    body: tuple[ast.stmt, ...]
    condition: ast.expr | None = None
    line: int = 1

    @property
    def tensors(self) -> tuple[State, ...]:
        """The states that are tensors."""
        return tuple(state for state in self.states if state.is_tensor)

    @property
    def scalars(self) -> tuple[State, ...]:
        """The states that are one number per parameter."""
        return tuple(state for state in self.states if state.initial is Initial.SCALAR)

    @cached_property
    def uses_step(self) -> bool:
        """Whether the number of the step enters."""
        return any(
            isinstance(node, ast.Name) and node.id == "step"
            for statement in self.body
            for node in ast.walk(statement)
        )


@dataclass(frozen=True)
class Rule:
    """A rule file.

    `functions` are the updates, more than one where they are chosen by the shape of the parameter;
    `helpers` maps names of plain torch functions to their source text; `prepared` names the numbers
    that `prepare` makes for all parameters.
    """

    name: str
    where: str
    text: str
    doc: str
    functions: tuple[Function, ...]
    hypers: tuple[Hyper, ...]
    helpers: dict[str, str]
    imports: tuple[str, ...] = ()
    prepare: Function | None = None
    prepared: tuple[str, ...] = ()
    to_eval: Function | None = None
    to_train: Function | None = None

    @property
    def shared(self) -> tuple[State, ...]:
        """The numbers that all parameters share."""
        found = self.prepare.states if self.prepare else ()
        return tuple(state for state in found if state.initial is Initial.SHARED)
