"""An argument of an optimizer, a scheduler or the Trainer: what it takes, and the check of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

REQUIRED = object()


@dataclass(frozen=True)
class Argument:
    """Name, default and the values that make sense: more strictly than torch itself checks.

    `kind` is number, integer, flag, text, numbers (a list of `length` numbers, any length if 0),
    integers, any, or none for what a spec cannot say (callables, objects). `min` and `max` are
    inclusive, `above` and `below` exclusive; for lists they hold for each entry.
    """

    name: str
    default: Any = REQUIRED
    kind: str = "number"
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    length: int = 0
    optional: bool = False
    doc: str = ""

    @property
    def required(self) -> bool:
        """Whether the class has no default for it."""
        return self.default is REQUIRED

    @property
    def range(self) -> str:
        """The values that it takes, for people."""
        if self.choices:
            return ", ".join(str(choice) for choice in self.choices)
        if self.kind == "flag":
            return "true, false"
        low = f"[{self.min:g}" if self.min is not None else ""
        low = low or (f"({self.above:g}" if self.above is not None else "(-inf")
        high = f"{self.max:g}]" if self.max is not None else ""
        high = high or (f"{self.below:g})" if self.below is not None else "inf)")
        if self.kind in ("text", "none", "any"):
            return ""
        return f"{low}, {high}"

    def fault(self, value: Any) -> str:
        """Say what is wrong with a value, or return an empty text."""
        if value is None and (self.optional or self.default is None):
            return ""
        check = _FAULTS[self.kind]
        return check(self, value) or self._range_fault(value)

    def _range_fault(self, value: Any) -> str:
        if isinstance(value, Mapping):
            return ""
        if self.choices and value not in self.choices:
            return f"{value!r} is not one of {', '.join(map(repr, self.choices))}"
        for number in value if isinstance(value, list) else [value]:
            fault = self._number_fault(number)
            if fault:
                return fault
        return ""

    def _number_fault(self, number: Any) -> str:
        if isinstance(number, bool | str) or number is None:
            return ""
        bounds: tuple[tuple[float | None, bool, str], ...] = (
            (self.min, self.min is None or number >= self.min, "is less than"),
            (self.max, self.max is None or number <= self.max, "is more than"),
            (self.above, self.above is None or number > self.above, "is not more than"),
            (self.below, self.below is None or number < self.below, "is not less than"),
        )
        return next((f"{number!r} {word} {bound:g}" for bound, ok, word in bounds if not ok), "")


def _number(argument: Argument, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value!r} is not a number"
    return "" if math.isfinite(value) else f"{value} is not a finite number"


def _integer(argument: Argument, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"{value!r} is not a whole number"
    return ""


def _flag(argument: Argument, value: Any) -> str:
    return "" if isinstance(value, bool) else f"{value!r} is not true or false"


def _text(argument: Argument, value: Any) -> str:
    return "" if isinstance(value, str) else f"{value!r} is not a text"


def _each(check: Any) -> Any:
    def fault(argument: Argument, value: Any) -> str:
        if not isinstance(value, list):
            return f"{value!r} is not a list"
        if argument.length and len(value) != argument.length:
            return f"{value!r} has {len(value)} entries, not {argument.length}"
        entries = [item for item in value if not (item is None and argument.optional)]
        return next((text for text in (check(argument, item) for item in entries) if text), "")

    return fault


def _none(argument: Argument, value: Any) -> str:
    return "a spec cannot hold this object; write it in the generated code"


def _number_or_text(argument: Argument, value: Any) -> str:
    return "" if isinstance(value, str) else _number(argument, value)


def _any(argument: Argument, value: Any) -> str:
    return ""


_FAULTS: dict[str, Any] = {
    "any": _any,
    "number": _number,
    "integer": _integer,
    "flag": _flag,
    "text": _text,
    "number or text": _number_or_text,
    "numbers": _each(_number),
    "integers": _each(_integer),
    "none": _none,
}


def build(
    introspected: Mapping[str, Mapping[str, Any]], known: Mapping[str, Argument]
) -> dict[str, Argument]:
    """Join the introspected signature with what is known about each name.

    A name that nobody described gets its kind from its default.
    """
    arguments = {}
    for name, fact in introspected.items():
        default = REQUIRED if fact.get("required") else fact["default"]
        argument = known.get(name) or Argument(name, kind=_kind_of(default))
        arguments[name] = replace(argument, name=name, default=default)
    return arguments


def _kind_of(default: Any) -> str:
    if isinstance(default, bool):
        return "flag"
    if isinstance(default, int | float):
        return "number"
    if isinstance(default, str):
        return "text"
    return "numbers" if isinstance(default, list) else "none"


def tabulate(rows: Sequence[Argument]) -> dict[str, Argument]:
    """Key the arguments by name."""
    return {row.name: row for row in rows}
