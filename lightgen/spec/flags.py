"""The spec flags of `new` and `update`: they change the document, text read as the field's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Float, Trivia

from lightgen.catalogue.optimizers import COMPOSITE
from lightgen.catalogue.parts import AVERAGES
from lightgen.catalogue.path_schedulers import PATH_WIRING, any_scheduler
from lightgen.catalogue.skeletons import find_skeleton
from lightgen.problems import InputError, Problem
from lightgen.source import literal
from lightgen.spec.document import content_of, drop_value, order_tables, set_value
from lightgen.spec.groups import parse_groups
from lightgen.spec.kinds import (
    CUSTOM,
    GROUP_KEYS,
    NAMED_KEYS,
    OF_NO_CLASS,
    Arguments,
    class_keys,
    declares,
    keys_of_another,
    kind_of,
    member_keys,
    name_in,
    tables_in,
)
from lightgen.spec.reading import read_value, unquoted
from lightgen.spec.rule import (
    RuleFiles,
    named_rule_file,
    no_rule_files,
    parse_rule,
    rule_arguments,
    rule_reference,
    split_reference,
)
from lightgen.spec.several import TABLE, alone, in_home, split_home


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
        notes += _choose_rule(document, flags.rule, rule_files)
    elif flags.optimizer is not None:
        notes += _choose(document, "optimizer", flags.optimizer, rule_files)
    if flags.scheduler is not None:
        notes += _choose(document, "scheduler", flags.scheduler, rule_files)
    while assignments and (_chooses(assignments[0][0]) or declares(assignments[0][0])):
        notes += _apply(document, *assignments.pop(0), rule_files)
    rule = _rule_arguments(document, rule_files)
    if flags.groups is not None:
        try:
            _set_groups(document, parse_groups(flags.groups), rule)
        except InputError as error:
            problems += error.problems
    if flags.lr is not None:
        _assign(document, ("optimizer", "lr"), flags.lr, rule)
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
        _assign(document, path, text, rule)
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
        return _choose_rule(document, unquoted(text), rule_files)
    if inner == ("optimizer", "skeleton"):
        return _choose_skeleton(document, home, text, rule_files)
    if path == ("averaging", "name"):
        return _choose_average(document, unquoted(text))
    if path[0] == "groups":
        return _choose_member(document, path, unquoted(text))
    if path in (("model", "name"), ("data", "name")):
        return _choose_part(document, path[0], unquoted(text))
    if inner in (("optimizer", "name"), ("scheduler", "name")) and text:
        return _choose(document, inner[0], text, rule_files, home)
    _assign(document, path, text, None)
    return []


def _choose_part(document: tomlkit.TOMLDocument, table: str, name: str) -> list[str]:
    """Choose a model or data; what belongs to another one is dropped, and that is said."""
    before = name_in(content_of(document), table) or ""
    if name == before:
        return []
    _assign(document, (table, "name"), name, None)
    said = content_of(document).get(table, {})
    dropped = [key for key in said if key in keys_of_another(table, name)]
    for key in dropped:
        drop_value(document, (table, key))
    whose = before or f"lightgen's own {table}"
    return [f"{table}.{key} was for {whose}: it is dropped" for key in dropped]


def _choose_member(document: tomlkit.TOMLDocument, path: tuple[str, ...], name: str) -> list[str]:
    """Choose the class of a group of a composite; an empty text is the default again."""
    _assign(document, path, name, None)
    group = tables_in(content_of(document), "groups").get(path[1], {})
    known = member_keys(group)
    dropped = [key for key in group if key not in known] if known else []
    for key in dropped:
        drop_value(document, ("groups", path[1], key))
    return [f"{name} has no argument {key}: groups.{path[1]}.{key} is dropped" for key in dropped]


def _choose_rule(
    document: tomlkit.TOMLDocument, reference: str, rule_files: RuleFiles
) -> list[str]:
    set_value(document, ("optimizer", "name"), CUSTOM)
    set_value(document, ("optimizer", "rule"), reference)
    return _choose(document, "optimizer", CUSTOM, rule_files)


def _choose_average(document: tomlkit.TOMLDocument, name: str) -> list[str]:
    """Nothing, or none, is a project without an average."""
    if name.lower() in ("", "none"):
        drop_value(document, ("averaging",))
        return []
    set_value(document, ("averaging", "name"), name)
    known = AVERAGES.get(name.lower())
    table = content_of(document)["averaging"]
    dropped = [key for key in table if known and key not in ("name", *known)]
    for key in dropped:
        drop_value(document, ("averaging", key))
    return [f"{name} has no {key}: averaging.{key} is dropped" for key in dropped]


def _choose_skeleton(
    document: tomlkit.TOMLDocument, home: tuple[str, ...], text: str, rule_files: RuleFiles
) -> list[str]:
    """An empty text is the plain class again."""
    _assign(document, in_home(home, ("optimizer", "skeleton")), text, None)
    content = alone(content_of(document), home)
    name = str(name_in(content, "optimizer"))
    known = not text or find_skeleton(unquoted(text)) is not None
    if name.lower() != CUSTOM or not known or rule_reference(content):
        return []
    return _drop_unknown(document, "optimizer", name, rule_files, home)


def _rule_arguments(document: tomlkit.TOMLDocument, rule_files: RuleFiles) -> Arguments:
    """None, too, for a rule that cannot be read: the plan tells why."""
    reference = rule_reference(content_of(document))
    try:
        found = named_rule_file(reference, rule_files)
        function = split_reference(reference)[1]
        return rule_arguments(parse_rule(found, function)) if found else None
    except InputError:
        return None


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


def _choose(
    document: tomlkit.TOMLDocument,
    table: str,
    name: str,
    rule_files: RuleFiles,
    home: tuple[str, ...] = (),
) -> list[str]:
    """Choose a class; arguments that it doesn't have are dropped, which is said."""
    if table == "scheduler" and name.lower() == "none":
        drop_value(document, in_home(home, ("scheduler",)))
        return []
    before = name_in(alone(content_of(document), home), table)
    set_value(document, in_home(home, (table, "name")), name)
    dropped = _drop_unknown(document, table, name, rule_files, home)
    if table == "scheduler" and before not in (None, name):
        dropped += _drop_before_path(document, name, home)
    return dropped


def _drop_before_path(
    document: tomlkit.TOMLDocument, path: str, home: tuple[str, ...]
) -> list[str]:
    """What the class before took is not known to be an argument of an unknown path."""
    if "." not in path or any_scheduler(path) is not None:
        return []
    table = alone(content_of(document), home)["scheduler"]
    dropped = [key for key in table if key not in ("name", *PATH_WIRING)]
    places = [in_home(home, ("scheduler", key)) for key in dropped]
    for place in places:
        drop_value(document, place)
    return [f"{path} is another one: {'.'.join(place)} is dropped" for place in places]


def _drop_unknown(
    document: tomlkit.TOMLDocument,
    table: str,
    name: str,
    rule_files: RuleFiles,
    home: tuple[str, ...],
) -> list[str]:
    content = alone(content_of(document), home)
    rule = None if home else _rule_arguments(document, rule_files)
    known = class_keys(table, name, rule, content)
    if known is None or (name.lower() == CUSTOM and rule is None and rule_reference(content)):
        return []
    dropped: list[tuple[str, ...]] = [
        (table, key)
        for key in content[table]
        if key not in known and (table, key) not in OF_NO_CLASS and not (home and key in NAMED_KEYS)
    ]
    if table == "optimizer":
        composite = name.lower() == COMPOSITE.name
        dropped += [
            ("groups", group, key)
            for group, settings in tables_in(content, "groups").items()
            for key in settings
            if key not in (member_keys(settings) or settings if composite else known | GROUP_KEYS)
        ]
    dropped = [in_home(home, path) for path in dropped]
    for path in dropped:
        drop_value(document, path)
    owner = name
    if name.lower() == CUSTOM:
        skeleton = find_skeleton(content["optimizer"].get("skeleton"))
        owner = "the rule" if rule is not None else skeleton.name if skeleton else name
    return [f"{owner} has no argument {path[-1]}: {'.'.join(path)} is dropped" for path in dropped]


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
                _assign(document, ("groups", name, key), value, rule)
            else:
                set_value(document, ("groups", name, key), _toml(value))


def _outdated(table: Mapping[str, Any], settings: Mapping[str, Any]) -> set[str]:
    """The settings of a group that end as it is frozen, or trained again."""
    if settings.get("freeze") is True:
        return set(table) - {"match", "ndim"}
    return {"freeze", "lr"} if table.get("freeze") is True else set()


def _assign(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], text: str, rule: Arguments
) -> None:
    if not text:
        drop_value(document, path)
        if path[0] == "launchers" and not content_of(document).get("launchers"):
            drop_value(document, path[:1])
        return
    value = read_value(text, kind_of(content_of(document), path, rule))
    set_value(document, path, _toml(value))


# The flags that speak of the only optimizer.
_OF_ONE = ("optimizer", "rule", "groups", "scheduler", "lr")


def _toml(value: Any) -> Any:
    """Numbers as people write them: 1e-4 rather than 0.0001."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    try:
        return Float(value, Trivia(), literal(value))
    except ValueError:
        return value
