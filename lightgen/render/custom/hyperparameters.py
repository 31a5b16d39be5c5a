"""The blocks that hyperparameters make of an optimizer's class and of its tests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lightgen.plan.hyperparameter import STANDARD
from lightgen.rules.rule import Hyper
from lightgen.source import Source, block, explode, indent, literal

LINE_LENGTH = 88
LOCAL_LENGTH = 24  # Between two bounds of 23 characters it still fits the line.

STANDARD_NAMES = tuple(standard.name for standard in STANDARD)

# What torch's own optimizers call them in their messages.
MESSAGE_NAMES = {"lr": "learning rate", "betas": "beta parameter", "eps": "epsilon value"}


def constructor_blocks(hypers: Sequence[Hyper]) -> dict[str, Source]:
    """The holes of the class that depend on nothing but its hyperparameters."""
    return {
        "constructor_parameters": block(
            indent((line for hyper in hypers for line in _parameter(hyper)), 2)
        ),
        "defaults": block(indent(explode(f'"{hyper.name}": {hyper.name}' for hyper in hypers), 3)),
        "checks": block(indent(line for hyper in hypers for line in _checks(hyper))),
    }


def options_block(names: Iterable[str], levels: int) -> Source:
    """The entries of a dict from the names to what a group holds, or the local `lr`."""
    return block(indent(explode(f'"{name}": {_option(name)}' for name in names), levels))


def out_of_range_block(hypers: Sequence[Hyper]) -> Source:
    """The entries of a list of values just beyond the ranges."""
    return block(indent(line for hyper in hypers for line in _out_of_range(hyper)))


def _is_float(hyper: Hyper) -> bool:
    """Whether it holds floats; the standard ones do, however the user wrote the default."""
    return hyper.name in STANDARD_NAMES or isinstance(hyper.default, float | tuple)


def annotation(hyper: Hyper) -> str:
    """The type of its values."""
    if isinstance(hyper.default, tuple):
        count = len(hyper.default)
        return f"tuple[{', '.join(['float'] * count) if count <= 3 else 'float, ...'}]"
    return "float" if _is_float(hyper) else type(hyper.default).__name__


def _number(hyper: Hyper, number: float) -> str:
    """The literal of a default or bound, in the type of the hyperparameter."""
    if _is_float(hyper):
        return literal(float(number))
    return literal(number)


def _parameter(hyper: Hyper) -> list[str]:
    """The lines of a parameter of the constructor, with its default."""
    kind = "float | Tensor" if hyper.name == "lr" else annotation(hyper)
    head = f"{hyper.name}: {kind} = "
    if not isinstance(hyper.default, tuple):
        return [f"{head}{_number(hyper, hyper.default)},"]
    line = f"{head}{literal(tuple(map(float, hyper.default)))},"
    if len(line) + 8 <= LINE_LENGTH:
        return [line]
    entries = (literal(float(entry)) for entry in hyper.default)
    return [f"{head}(", *indent(explode(entries)), "),"]


def _option(name: str) -> str:
    return name if name == "lr" else f'group["{name}"]'


def _checks(hyper: Hyper) -> list[str]:
    """The lines that raise ValueError for a value out of range; none for a bool."""
    name = hyper.name
    if isinstance(hyper.default, bool):
        return []
    if isinstance(hyper.default, tuple):
        return _checks_of_entries(hyper, len(hyper.default))
    local = name if len(name) <= LOCAL_LENGTH else "value"
    message = f"Invalid {MESSAGE_NAMES.get(name, f'{name} value')}: {{{local}}}"
    return [
        *([] if name == "lr" else [f'{local} = options["{name}"]']),
        *_unless(_range(hyper, local), 1),
        *indent(_raise(message, 2)),
    ]


def _checks_of_entries(hyper: Hyper, count: int) -> list[str]:
    name = hyper.name
    message = f"Invalid {MESSAGE_NAMES.get(name, name)} at index {{index}}: {{value}}"
    return [
        f'{name} = options["{name}"]',
        f"if len({name}) != {count}:",
        *indent(_raise(f"{name} must have {count} entries", 2)),
        f"for index, value in enumerate({name}):",
        *indent(_unless(_range(hyper, "value"), 2)),
        *indent(_raise(message, 3), 2),
    ]


def _range(hyper: Hyper, value: str) -> str:
    """The condition that value is in the range, false for NaN."""
    low, high = "", ""
    if hyper.min is not None:
        low = f"{_number(hyper, hyper.min)} <= "
    elif hyper.above is not None:
        low = f"{_number(hyper, hyper.above)} < "
    if hyper.max is not None:
        high = f" <= {_number(hyper, hyper.max)}"
    elif hyper.below is not None:
        high = f" < {_number(hyper, hyper.below)}"
    if not low and not high:
        low, high = "-torch.inf < ", " < torch.inf"
    return f"{low}{value}{high}"


def _unless(condition: str, levels: int) -> list[str]:
    """The head of an if, on one line if it fits at that depth, as black does."""
    line = f"if not {condition}:"
    if 4 * levels + len(line) <= LINE_LENGTH:
        return [line]
    return ["if not (", f"    {condition}", "):"]


def _raise(message: str, levels: int) -> list[str]:
    """Raise ValueError with message, on one line if it fits at that depth, as black does."""
    text = f'f"{message}"' if "{" in message else f'"{message}"'
    line = f"raise ValueError({text})"
    if 4 * levels + len(line) <= LINE_LENGTH:
        return [line]
    return ["raise ValueError(", f"    {text}", ")"]


def _out_of_range(hyper: Hyper) -> list[str]:
    """A line for each end of the range: the name and the nearest plain number beyond."""
    beyond = []
    if hyper.above is not None:
        beyond.append(hyper.above)
    if hyper.min is not None:
        beyond.append(hyper.min - max(1, abs(hyper.min)))
    if hyper.below is not None:
        beyond.append(hyper.below)
    if hyper.max is not None:
        beyond.append(hyper.max + max(1, abs(hyper.max)))
    return explode(
        f'("{hyper.name}", {_number(hyper, number)})' for number in beyond if math.isfinite(number)
    )
