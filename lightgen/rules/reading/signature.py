"""The parameters of a rule: states with initial values, hyperparameters with ranges."""

from __future__ import annotations

import ast
import math
from contextlib import suppress
from dataclasses import dataclass, replace

from lightgen.problems import Problem, guess
from lightgen.rules.language import FUNCTIONS, INITIAL_NAMES, RESERVED
from lightgen.rules.rule import Hyper, Initial, State
from lightgen.source import is_identifier

NAME_LENGTH = 30
_NAMED = {
    "zeros": State("", Initial.CONSTANT, 0.0),
    "ones": State("", Initial.CONSTANT, 1.0),
    "param": State("", Initial.PARAM),
    "grad": State("", Initial.GRAD),
    "zeros_rows": State("", Initial.ROWS),
    "zeros_cols": State("", Initial.COLS),
    # In the rule itself, what `prepare` declares with its value.
    "shared": State("", Initial.SHARED),
}
_AT_LEAST_0 = ("lr", "weight_decay")
_BELOW_1 = ("betas", "momentum")


@dataclass(frozen=True)
class Signature:
    """What the head of a function declares, and the line of each name."""

    states: tuple[State, ...]
    hypers: tuple[Hyper, ...]
    lines: dict[str, int]


def read_signature(
    node: ast.FunctionDef, leading: tuple[str, ...], where: str, problems: list[Problem]
) -> Signature:
    """Read the head of a function whose first parameters are `leading`."""
    arguments = node.args
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            what = f"'{extra.arg}' collects arguments, which a rule can't"
            problems.append(Problem(f"{where}:{node.lineno}", what, "name each one"))
    positional = [*arguments.posonlyargs, *arguments.args]
    named = [argument.arg for argument in positional]
    if tuple(named[: len(leading)]) != leading:
        what = f"{node.name} must begin with ({', '.join(leading)}), not ({', '.join(named)})"
        problems.append(Problem(f"{where}:{node.lineno}", what, "states follow after these"))
        return Signature((), (), {})
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    states, hypers, lines = [], [], {}
    for argument, default in list(zip(positional, defaults, strict=True))[len(leading) :]:
        lines[argument.arg] = argument.lineno
        if not _is_fit(argument, where, problems):
            continue
        state = _state(argument, default, where, problems)
        if state is not None:
            states.append(state)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        lines[argument.arg] = argument.lineno
        if not _is_fit(argument, where, problems):
            continue
        hyper = _hyper(argument, default, where, problems)
        if hyper is not None:
            hypers.append(hyper)
    return Signature(tuple(states), tuple(hypers), lines)


def name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a name of the user's, and what to do."""
    if name in RESERVED or name.startswith("_"):
        return f"the name '{name}' is reserved", "choose another"
    if name in FUNCTIONS:
        return f"'{name}' is a function of the language", "choose another name"
    if not is_identifier(name) or len(name) > NAME_LENGTH:
        return f"'{name}' is no identifier of at most {NAME_LENGTH} characters", "choose another"
    return None


def _is_fit(argument: ast.arg, where: str, problems: list[Problem]) -> bool:
    fault = name_problem(argument.arg)
    if fault:
        problems.append(Problem(f"{where}:{argument.lineno}", *fault))
    return fault is None


def _state(
    argument: ast.arg, default: ast.expr | None, where: str, problems: list[Problem]
) -> State | None:
    place, name = f"{where}:{argument.lineno}", argument.arg
    if default is None:
        todo = f"write {name}=zeros, or one of {', '.join(INITIAL_NAMES[1:])}, a number"
        problems.append(Problem(place, f"the state '{name}' has no initial value", todo))
        return None
    if isinstance(default, ast.Name):
        if default.id in _NAMED:
            return replace(_NAMED[default.id], name=name)
        what = f"unknown initial value '{default.id}' of the state '{name}'"
        problems.append(Problem(place, what, guess(default.id, _NAMED)))
        return None
    if isinstance(default, ast.Call) and isinstance(default.func, ast.Name):
        found = _number_state(name, default)
        if found is not None:
            return found
    value = _number(default)
    if value is not None and not isinstance(value, bool):
        return State(name, Initial.CONSTANT, float(value))
    what = f"cannot read the initial value of the state '{name}': {ast.unparse(default)}"
    todo = f"it is one of {', '.join(INITIAL_NAMES)} or a number"
    problems.append(Problem(place, what, todo))
    return None


def _number_state(name: str, call: ast.Call) -> State | None:
    """scalar(x), scalar(x, float32) or shared(x)."""
    assert isinstance(call.func, ast.Name)
    kind = {"scalar": Initial.SCALAR, "shared": Initial.SHARED}.get(call.func.id)
    texts = [ast.unparse(each) for each in call.args[1:]]
    is_single = texts == ["float32"] and kind is Initial.SCALAR
    if kind is None or call.keywords or not call.args or (texts and not is_single):
        return None
    value = _number(call.args[0])
    if value is None or isinstance(value, bool):
        return None
    return State(name, kind, float(value), is_single)


def _hyper(
    argument: ast.arg, default: ast.expr | None, where: str, problems: list[Problem]
) -> Hyper | None:
    place, name = f"{where}:{argument.lineno}", argument.arg
    if default is None:
        what = f"the hyperparameter '{name}' has no default"
        problems.append(Problem(place, what, f"write {name}=0.1, with a value of yours"))
        return None
    value = _value(default)
    if value is None:
        what = f"cannot read the default of '{name}': {ast.unparse(default)}"
        problems.append(Problem(place, what, "it is a number, True, False or a tuple of numbers"))
        return None
    bounds = _bounds(argument, where, problems)
    if bounds is None:
        return None
    hyper = Hyper(name, value, **(bounds or _customary(name, value)))
    if not all(_is_within(hyper, entry) for entry in entries(hyper)):
        what = f"the default {ast.unparse(default)} of '{name}' is out of its range"
        problems.append(Problem(place, what, "change the default or the range"))
        return None
    return hyper


def entries(hyper: Hyper) -> tuple[float, ...]:
    """The numbers that a hyperparameter holds."""
    return hyper.default if isinstance(hyper.default, tuple) else (hyper.default,)


def _is_within(hyper: Hyper, entry: float) -> bool:
    return (
        math.isfinite(entry)
        and (hyper.min is None or entry >= hyper.min)
        and (hyper.max is None or entry <= hyper.max)
        and (hyper.above is None or entry > hyper.above)
        and (hyper.below is None or entry < hyper.below)
    )


def _customary(name: str, value: float | tuple[float, ...]) -> dict[str, float]:
    """The range that a name has everywhere."""
    if isinstance(value, bool):
        return {}
    if name in _AT_LEAST_0 or name.startswith("eps"):
        return {"min": 0.0}
    is_beta = name in _BELOW_1 or (name.startswith("beta") and name[4:].isdigit())
    return {"min": 0.0, "below": 1.0} if is_beta else {}


def _number(node: ast.expr) -> float | int | bool | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value if isinstance(value, bool) or abs(value) < 1e308 else None


def _value(node: ast.expr) -> float | int | bool | tuple[float, ...] | None:
    if not isinstance(node, ast.Tuple):
        return _number(node)
    numbers = [_number(entry) for entry in node.elts]
    if not numbers or any(number is None or isinstance(number, bool) for number in numbers):
        return None
    return tuple(float(number) for number in numbers if number is not None)


_TYPES = {"float", "int", "bool", "tuple", "Tensor"}


def _bounds(argument: ast.arg, where: str, problems: list[Problem]) -> dict[str, float] | None:
    """The range that an annotation states; empty where it states a type, None if it is wrong."""
    note: ast.expr | None = argument.annotation
    if isinstance(note, ast.Constant) and isinstance(note.value, str):
        with suppress(SyntaxError):
            note = ast.parse(note.value, mode="eval").body
    if note is None:
        return {}
    if not isinstance(note, ast.Compare):
        names = {each.id for each in ast.walk(note) if isinstance(each, ast.Name)}
        if names and names <= _TYPES:
            return {}
    else:
        found = _compared(note, {argument.arg, *_TYPES})
        if found is not None:
            return found
    what = f"cannot read the range of '{argument.arg}': {ast.unparse(note)}"
    todo = f"write a range as 0 <= {argument.arg} < 1"
    problems.append(Problem(f"{where}:{argument.lineno}", what, todo))
    return None


_UPWARD = {ast.LtE: ("min", "max"), ast.Lt: ("above", "below")}
_DOWNWARD = {ast.GtE: ("max", "min"), ast.Gt: ("below", "above")}


def _compared(note: ast.Compare, middles: set[str]) -> dict[str, float] | None:
    terms: list[ast.expr] = [note.left, *note.comparators]
    at = [i for i, term in enumerate(terms) if isinstance(term, ast.Name) and term.id in middles]
    if len(at) != 1 or len(terms) > 3:
        return None
    found: dict[str, float] = {}
    for i, operator in enumerate(note.ops):
        pair = {**_UPWARD, **_DOWNWARD}.get(type(operator))
        is_left = i + 1 == at[0]
        number = _number(terms[i] if is_left else terms[i + 1])
        if pair is None or number is None or (not is_left and i != at[0]):
            return None
        key = pair[0] if is_left else pair[1]
        if key in found:
            return None
        found[key] = number
    both = {"min", "above"} <= found.keys() or {"max", "below"} <= found.keys()
    return None if both else found
