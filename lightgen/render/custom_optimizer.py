"""The custom optimizer: from its hyperparameters to the blocks of its two templates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from lightgen.plan.hyperparameter import STANDARD, Hyperparameter
from lightgen.source import Identifier, Source, block, explode, indent, literal

LINE_LENGTH = 88
LOCAL_LENGTH = 24  # Between two bounds of 23 characters it still fits the line.

STANDARD_NAMES = tuple(standard.name for standard in STANDARD)

# What torch's own optimizers call them in their messages.
MESSAGE_NAMES = {"lr": "learning rate", "betas": "beta parameter", "eps": "epsilon value"}


def custom_optimizer_view(
    class_name: str, hyperparameters: Sequence[Hyperparameter]
) -> dict[str, Source]:
    """The holes of custom_optimizer.py and test_custom_optimizer.py, but for `package`.

    Raises ValueError for a class name that is no identifier, a name told twice, and when one of
    `STANDARD` is missing.
    """
    names = [hyper.name for hyper in hyperparameters]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"told twice: {', '.join(twice)}")
    if missing := [name for name in STANDARD_NAMES if name not in names]:
        raise ValueError(f"missing: {', '.join(missing)}")
    return {
        "class_name": Identifier(class_name),
        "constructor_parameters": block(
            indent((line for hyper in hyperparameters for line in _parameter(hyper)), 2)
        ),
        "defaults": block(indent(explode(f'"{name}": {name}' for name in names), 3)),
        "update_parameters": block(indent(_update_parameter(hyper) for hyper in hyperparameters)),
        "options": block(indent(explode(f'"{name}": {_option(name)}' for name in names), 3)),
        "checks": block(indent(line for hyper in hyperparameters for line in _checks(hyper))),
        "out_of_range": block(
            indent(line for hyper in hyperparameters for line in _out_of_range(hyper))
        ),
    }


def _is_float(hyper: Hyperparameter) -> bool:
    """Whether it holds floats; the standard ones do, however the user wrote the default."""
    return hyper.name in STANDARD_NAMES or isinstance(hyper.default, float | tuple)


def _type(hyper: Hyperparameter) -> str:
    if isinstance(hyper.default, tuple):
        count = len(hyper.default)
        return f"tuple[{', '.join(['float'] * count) if count <= 3 else 'float, ...'}]"
    return "float" if _is_float(hyper) else type(hyper.default).__name__


def _number(hyper: Hyperparameter, number: float) -> str:
    """The literal of a default or bound, in the type of the hyperparameter."""
    if _is_float(hyper):
        return literal(float(number))
    return literal(number)


def _parameter(hyper: Hyperparameter) -> list[str]:
    """The lines of a parameter of the constructor, with its default."""
    kind = "float | Tensor" if hyper.name == "lr" else _type(hyper)
    head = f"{hyper.name}: {kind} = "
    if not isinstance(hyper.default, tuple):
        return [f"{head}{_number(hyper, hyper.default)},"]
    line = f"{head}{literal(tuple(map(float, hyper.default)))},"
    if len(line) + 8 <= LINE_LENGTH:
        return [line]
    entries = (literal(float(entry)) for entry in hyper.default)
    return [f"{head}(", *indent(explode(entries)), "),"]


def _update_parameter(hyper: Hyperparameter) -> str:
    """A parameter of the update functions, noted where nothing uses it yet."""
    line = f"{hyper.name}: {_type(hyper)},"
    return line if hyper.name in STANDARD_NAMES else f"{line}  # not used yet"


def _option(name: str) -> str:
    return name if name == "lr" else f'group["{name}"]'


def _checks(hyper: Hyperparameter) -> list[str]:
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


def _checks_of_entries(hyper: Hyperparameter, count: int) -> list[str]:
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


def _range(hyper: Hyperparameter, value: str) -> str:
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


def _out_of_range(hyper: Hyperparameter) -> list[str]:
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
