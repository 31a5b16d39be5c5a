"""What a spec names by a path: an object of another package, or a call of one.

Nothing is imported here: whether the path exists, and takes these arguments, is for
`lightgen check` to say, where the project's packages are installed.

In the arguments of a call a table with the key `path` stands for an object (`base_optimizer =
{path = "torch.optim.SGD"}`), one with the key `call` for what a call gives (`config = {call =
"transformers.ViTConfig", args = {hidden_size = 48}}`); any other table is a dict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgen.problems import Problem
from lightgen.source import is_identifier

PATH, CALL, ARGUMENTS = "path", "call", "args"


@dataclass(frozen=True)
class Reference:
    """An object by its dotted path."""

    path: str

    @property
    def root(self) -> str:
        """The name of the package that Python imports."""
        return self.path.partition(".")[0]

    @property
    def module(self) -> str:
        """The module that has it: a class, by its capital, is no module."""
        parts = self.path.split(".")
        classes = (at for at, part in enumerate(parts[:-1]) if at and part[:1].isupper())
        return ".".join(parts[: next(classes, len(parts) - 1)])

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Call(Reference):
    """A call of an object; values of the arguments may be references and calls in turn."""

    arguments: Mapping[str, Any] = field(default_factory=dict)


def is_path(name: str) -> bool:
    """Whether a name is meant as a dotted path."""
    return "." in name


def path_fault(path: str) -> str:
    """Why a text is no path of an object, or an empty text."""
    parts = path.split(".")
    if len(parts) < 2:
        return f"'{path}' is no dotted path, as package.module.Class is"
    wrong = next((part for part in parts if not is_identifier(part)), None)
    if wrong == "":
        return f"'{path}' has an empty part"
    return "" if wrong is None else f"'{wrong}' in '{path}' is no Python name"


def plan_call(
    path: str, arguments: Mapping[str, Any], where: str, inner: str, problems: list[Problem]
) -> Call | None:
    """Read a call; what is wrong is added to problems, and nothing comes back without a path.

    `where` is the field of the path, `inner` the table of the arguments.
    """
    fault = path_fault(path)
    if fault:
        problems.append(Problem(where, fault, "write it as it is imported"))
        return None
    return Call(path, plan_arguments(arguments, inner, problems))


def plan_arguments(
    arguments: Mapping[str, Any], where: str, problems: list[Problem]
) -> dict[str, Any]:
    """Read the arguments of a call; what is wrong is added to problems."""
    found = {}
    for name, value in arguments.items():
        if is_identifier(name):
            found[name] = _plan_value(value, f"{where}.{name}", problems)
        else:
            what = f"'{name}' is no name of an argument"
            problems.append(Problem(f"{where}.{name}", what, "write the argument's own name"))
    return found


def _plan_value(value: Any, where: str, problems: list[Problem]) -> Any:
    if isinstance(value, list):
        return [_plan_value(each, f"{where}[{at}]", problems) for at, each in enumerate(value)]
    if not isinstance(value, Mapping):
        if isinstance(value, bool | int | float | str) or value is None:
            return value
        what = f"{type(value).__name__} is nothing that a call can be given from here"
        problems.append(Problem(where, what, "write it as a text, or in the generated code"))
        return None
    if value.keys() == {PATH}:
        fault = path_fault(str(value[PATH]))
        if fault:
            problems.append(Problem(f"{where}.{PATH}", fault, "write it as it is imported"))
        return Reference(str(value[PATH]))
    if CALL in value and is_path(str(value[CALL])):
        for key in value.keys() - {CALL, ARGUMENTS}:
            what, todo = f"a table with '{CALL}' is a call", f"move it to '{ARGUMENTS}'"
            problems.append(Problem(f"{where}.{key}", what, todo))
    if CALL in value and value.keys() <= {CALL, ARGUMENTS}:
        given = value.get(ARGUMENTS, {})
        if not isinstance(given, Mapping):
            problems.append(Problem(f"{where}.{ARGUMENTS}", "is no table", "write [...]"))
            given = {}
        path, inner = str(value[CALL]), f"{where}.{ARGUMENTS}"
        return plan_call(path, given, f"{where}.{CALL}", inner, problems)
    return {key: _plan_value(each, f"{where}.{key}", problems) for key, each in value.items()}


def references(value: Any) -> Iterator[Reference]:
    """Every path that a value names, its own first."""
    if isinstance(value, Reference):
        yield value
    if isinstance(value, Call):
        value = value.arguments
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from references(each)
