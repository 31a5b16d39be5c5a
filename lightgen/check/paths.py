"""What the spec names by a path and the code still uses: is it there, does it take what it gets?

The code is the truth: a path that it no longer has is not looked at, and the arguments are those
that stand in it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightgen.check.optimizer_class import examine_optimizer
from lightgen.check.place import told, where
from lightgen.check.sources import Sources, read_spec
from lightgen.problems import Problem, guess, nearest

_INSTALL = "pip install -e ."
_NAMES = ("name", "path", "call", "optimizer")


@dataclass(frozen=True)
class Named:
    """A path of the spec: where it stands, and the table of its arguments there."""

    place: str
    path: str
    table: str


@dataclass
class Found:
    """What was found out: packages that are missing, faults, and what deserves a word."""

    missing: list[Problem] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def examine(sources: Sources) -> Found:
    """Import what the spec names, as far as the code uses it, and compare calls to signatures."""
    found = Found()
    sys.path.insert(0, str(sources.folder))
    trees = list(_trees(sources.folder / sources.package))
    try:
        for named in dict.fromkeys(_named(read_spec(sources.root))):
            if named.path.partition(".")[0] != sources.package:
                _examine(named, trees, sources, found)
    finally:
        sys.path.remove(str(sources.folder))
    return found


def _named(spec: Mapping[str, Any], place: str = "") -> Iterator[Named]:
    for key, value in spec.items():
        here = f"{place}.{key}".removeprefix(".")
        if isinstance(value, Mapping):
            yield from _named(value, here)
        for at, each in enumerate(value if isinstance(value, list) else ()):
            if isinstance(each, Mapping):
                yield from _named(each, f"{here}[{at}]")
        if key in _NAMES and isinstance(value, str) and _is_path(value):
            own = place.partition(".")[0] not in ("model", "data") and key != "call"
            yield Named(here, value, place if own else f"{place}.args")


def _is_path(text: str) -> bool:
    return "." in text and all(part.isidentifier() for part in text.split("."))


def _trees(package: Path) -> Iterator[ast.AST]:
    for path in sorted(package.rglob("*.py")):
        try:
            yield ast.parse(path.read_text("utf-8", "replace"))
        except (SyntaxError, ValueError):
            continue  # the import tells


def _examine(named: Named, trees: list[ast.AST], sources: Sources, found: Found) -> None:
    uses = [node for tree in trees for node in ast.walk(tree) if _is(node, named.path)]
    if not uses:
        return
    package = named.path.partition(".")[0]
    if package not in sys.modules and find_spec(package) is None:
        what = f"the package '{package}' is not installed for {sys.executable}"
        found.missing.append(Problem(named.place, what, _INSTALL))
        return
    try:
        made = _resolve(named.path)
    except _NotThereError as error:
        found.faults.append(f"{named.place}: {error}")
        return
    except BaseException as error:
        at = where(error, sources.root)
        found.faults.append(
            f"{named.place}: {named.path} cannot be imported: {told(error)}"
            + (f", at {at}" if at else "")
        )
        return
    if named.place == "data.name" and not _is_data(made, sources.lightning):
        found.faults.append(
            f"data.name: {named.path} is no LightningDataModule of {sources.lightning}; "
            "make it a class of that kind"
        )
        return
    if named.place == "data.name" and not _validates(made, sources.lightning):
        found.faults.append(
            f"data.name: {named.path} has no val_dataloader: the best checkpoint and the result "
            "need validation; write one"
        )
    if inspect.isclass(made) and _is_optimizer(named.place):
        examine_optimizer(named.place, named.path, made, trees, sources, found.faults)
    for call in _calls(named.path, trees):
        _compare(named, made, call, found)


def _is(node: ast.AST, path: str) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) == path


def _is_data(made: Any, lightning: str) -> bool:
    kind = import_module(lightning).LightningDataModule
    return inspect.isclass(made) and issubclass(made, kind)


def _validates(made: Any, lightning: str) -> bool:
    kind = import_module(lightning).LightningDataModule
    return made.val_dataloader is not kind.val_dataloader


def _is_optimizer(place: str) -> bool:
    first, _, rest = place.partition(".")
    return place == "optimizer.name" or (first == "optimizers" and rest.count(".") == 1)


class _NotThereError(Exception):
    """A module has no such name."""


def _resolve(path: str) -> Any:
    """The object of a path; what the imports on the way raise comes through."""
    root, *names = path.split(".")
    made, reached = import_module(root), root
    for name in names:
        has = hasattr(made, name)
        made = getattr(made, name) if has else _submodule(made, reached, name)
        reached = f"{reached}.{name}"
    return made


def _submodule(parent: Any, reached: str, name: str) -> Any:
    if hasattr(parent, "__path__") and find_spec(f"{reached}.{name}") is not None:
        return import_module(f"{reached}.{name}")
    raise _NotThereError(f"{reached} has no '{name}'{_hint(name, dir(parent))}")


def _hint(name: str, known: Any) -> str:
    """A guess, where there is a near one: a module has too many names to tell."""
    text = nearest(name, [each for each in known if not each.startswith("_")])
    return f"; {text}" if text else ""


def _calls(path: str, trees: list[ast.AST]) -> Iterator[ast.Call]:
    """Its calls in the code, and those of `super().__init__` in a class on top of it."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is(node.func, path):
                yield node
            if isinstance(node, ast.ClassDef) and any(_is(base, path) for base in node.bases):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Call) and (
                        ast.unparse(inner.func) == "super().__init__"
                    ):
                        yield inner


def _compare(named: Named, made: Any, call: ast.Call, found: Found) -> None:
    try:
        parameters = dict(inspect.signature(made).parameters)
    except (TypeError, ValueError):  # written in C, or nothing that is called
        return
    kinds = {each.kind for each in parameters.values()}
    open_ended = inspect.Parameter.VAR_KEYWORD in kinds
    given = {each.arg for each in call.keywords if each.arg is not None}
    takes = {
        name: each
        for name, each in parameters.items()
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    for name in sorted(given - takes.keys()):
        text = f"{named.table}.{name}: {named.path}"
        if not open_ended:
            known = guess(name, takes)
            found.faults.append(f"{text} has no argument '{name}'{known and f'; {known}'}")
        elif inspect.isclass(made) and name not in _names_of(made):
            found.notes.append(f"{text} takes '{name}' in its **kwargs; no class of it names it")
    if any(each.arg is None for each in call.keywords) or any(
        isinstance(each, ast.Starred) for each in call.args
    ):
        return
    by_position = [
        name
        for name, each in parameters.items()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ][: len(call.args)]
    found.faults += [
        f"{named.table}.{name}: {named.path} cannot be called without '{name}'"
        for name, each in takes.items()
        if each.default is each.empty and name not in given and name not in by_position
    ]


def _names_of(made: type) -> set[str]:
    """The arguments of a class and of all that it is made of."""
    found: set[str] = set()
    for each in made.__mro__:
        if "__init__" in vars(each):
            found |= inspect.signature(vars(each)["__init__"]).parameters.keys()
    return found
