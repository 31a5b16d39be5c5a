"""The spec flags of `new` and `update`: they change the document, text read as the field's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from lightgen.problems import InputError, Problem
from lightgen.spec.choosing import (
    arguments_of_rule,
    assign,
    choose,
    choose_average,
    choose_member,
    choose_part,
    choose_rule,
    choose_skeleton,
    toml_value,
)
from lightgen.spec.document import content_of, drop_value, order_tables, set_value
from lightgen.spec.groups import parse_groups
from lightgen.spec.kinds import CUSTOM, Arguments, declares, tables_in
from lightgen.spec.reading import unquoted
from lightgen.spec.rule import RuleFiles, no_rule_files
from lightgen.spec.several import TABLE, split_home

# The flags that speak of the only optimizer.
_OF_ONE = ("optimizer", "rule", "groups", "scheduler", "lr")


@dataclass(frozen=True)
class Flags:
    """What the command line says about the spec; None and empty mean nothing is said."""

    optimizer: str | None = None
    groups: str | None = None
    scheduler: str | None = None
    lr: str | None = None
    assignments: tuple[str, ...] = field(default=())
    template: str | None = None
    checkout: str | None = None
    rule: str | None = None
    launcher: str | None = None


def apply_flags(
    document: tomlkit.TOMLDocument, flags: Flags, rule_files: RuleFiles = no_rule_files
) -> tuple[list[str], list[Problem]]:
    """Change the document in place; return notes for the user and what cannot be read.

    A rule is a path of the project by now. Whether a value that was read is right is checked with
    the spec.
    """
    problems: list[Problem] = []
    assignments = [pair for text in flags.assignments if (pair := _assignment(text, problems))]
    # Names and declarations first: they say how the others are read.
    assignments.sort(key=lambda pair: (not _chooses(pair[0]), not declares(pair[0])))
    for path, _ in filter(_drops_optimizers, assignments):
        drop_value(document, path)
    several = _several_problems(document, flags)
    if several:
        return [], [*problems, *several]
    notes: list[str] = []
    if flags.rule is not None:
        if (flags.optimizer or CUSTOM).lower() != CUSTOM:
            what = f"is a custom optimizer, and --optimizer says {flags.optimizer}"
            problems.append(Problem("--rule", what, "leave out one of the two"))
        notes += choose_rule(document, flags.rule, rule_files)
    elif flags.optimizer is not None:
        notes += choose(document, "optimizer", flags.optimizer, rule_files)
    if flags.scheduler is not None:
        notes += choose(document, "scheduler", flags.scheduler, rule_files)
    while assignments and (_chooses(assignments[0][0]) or declares(assignments[0][0])):
        notes += _apply(document, *assignments.pop(0), rule_files)
    rule = arguments_of_rule(document, rule_files)
    if flags.groups is not None:
        try:
            _set_groups(document, parse_groups(flags.groups), rule)
        except InputError as error:
            problems += error.problems
    if flags.lr is not None:
        assign(document, ("optimizer", "lr"), flags.lr, rule)
    if flags.template is not None:
        set_value(document, ("template", "source"), flags.template)
        drop_value(document, ("template", "ref"))
    if flags.checkout is not None:
        set_value(document, ("template", "ref"), flags.checkout)
    if flags.launcher is not None and flags.launcher not in tables_in(
        content_of(document), "launchers"
    ):
        set_value(document, ("launchers", flags.launcher), tomlkit.table())
    for path, text in assignments:
        assign(document, path, text, rule)
    return notes, problems


def _drops_optimizers(assignment: tuple[tuple[str, ...], str]) -> bool:
    path, text = assignment
    return path[0] == TABLE and len(path) <= 2 and not text


def _several_problems(document: tomlkit.TOMLDocument, flags: Flags) -> list[Problem]:
    """Flags that are of the only optimizer, where there are several."""
    names = list(tables_in(content_of(document), TABLE))
    said = [f"--{name}" for name in _OF_ONE if getattr(flags, name) is not None]
    if not names or not said:
        return []
    what = f"there are several optimizers: {', '.join(names)}"
    todo = f"say which, as in --set {TABLE}.{names[0]}.lr=1e-3; or --set {TABLE}= for one alone"
    return [Problem(", ".join(said), what, todo)]


def _chooses(path: tuple[str, ...]) -> bool:
    _, path = split_home(path)
    if path[0] == "groups":
        return path[-1] == "optimizer"
    return path[-1] == "name" or path in (("optimizer", "rule"), ("optimizer", "skeleton"))


def _apply(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], text: str, rule_files: RuleFiles
) -> list[str]:
    home, inner = split_home(path)
    if path == ("optimizer", "rule") and text:
        return choose_rule(document, unquoted(text), rule_files)
    if inner == ("optimizer", "skeleton"):
        return choose_skeleton(document, home, text, rule_files)
    if path == ("averaging", "name"):
        return choose_average(document, unquoted(text))
    if path[0] == "groups":
        return choose_member(document, path, unquoted(text))
    if path in (("model", "name"), ("data", "name")):
        return choose_part(document, path[0], unquoted(text))
    if inner in (("optimizer", "name"), ("scheduler", "name")) and text:
        return choose(document, inner[0], text, rule_files, home)
    assign(document, path, text, None)
    return []


def _assignment(text: str, problems: list[Problem]) -> tuple[tuple[str, ...], str] | None:
    key, equals, value = text.partition("=")
    try:
        parsed = tomlkit.parse(f"{key.strip()} = 0") if equals else {}
        path = []
        while isinstance(parsed, Mapping) and parsed:
            name, parsed = next(iter(parsed.items()))
            path.append(str(name))
    except TOMLKitError:
        path = []
    if not path:
        problems.append(
            Problem("--set", f"cannot read '{text}'", "write KEY=VALUE, KEY a dotted path")
        )
        return None
    return tuple(path), value.strip()


def _set_groups(
    document: tomlkit.TOMLDocument, wished: dict[str, dict[str, Any]], rule: Arguments
) -> None:
    order_tables(document, ("groups",), list(wished))
    groups = tables_in(content_of(document), "groups")
    for name, settings in wished.items():
        for key in _outdated(groups.get(name, {}), settings):
            drop_value(document, ("groups", name, key))
        # The class first: it says how its arguments are read.
        for key, value in sorted(settings.items(), key=lambda pair: pair[0] != "optimizer"):
            if isinstance(value, str) and key != "lr":
                assign(document, ("groups", name, key), value, rule)
            else:
                set_value(document, ("groups", name, key), toml_value(value))


def _outdated(table: Mapping[str, Any], settings: Mapping[str, Any]) -> set[str]:
    """The settings of a group that end as it is frozen, or trained again."""
    if settings.get("freeze") is True:
        return set(table) - {"match", "ndim"}
    return {"freeze", "lr"} if table.get("freeze") is True else set()
