"""The spec flags of `new` and `update`: they change the document, text read as the field's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Float, Trivia

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.groups import GROUP_SETTINGS
from lightgen.catalogue.optimizers import COMPOSITE, find_optimizer
from lightgen.catalogue.parts import AVERAGES
from lightgen.catalogue.schedulers import WIRING, find_scheduler
from lightgen.catalogue.skeletons import find_skeleton
from lightgen.catalogue.trainer import trainer_arguments
from lightgen.problems import InputError, Problem
from lightgen.source import literal
from lightgen.spec.document import content_of, drop_value, order_groups, set_value
from lightgen.spec.groups import parse_groups, parse_rate, split_outside_brackets
from lightgen.spec.rule import (
    RuleFiles,
    named_rule_file,
    no_rule_files,
    parse_rule,
    rule_arguments,
    rule_reference,
    split_reference,
)

_TRUE = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


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


# The arguments of the rule that the document names, None where it names none.
Arguments: TypeAlias = Mapping[str, Argument] | None


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
    assignments.sort(key=lambda pair: (not _chooses(pair[0]), not _declares(pair[0])))
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
    while assignments and (_chooses(assignments[0][0]) or _declares(assignments[0][0])):
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
    for path, text in assignments:
        _assign(document, path, text, rule)
    return notes, problems


def _declares(path: tuple[str, ...]) -> bool:
    return path[:2] == ("optimizer", "hyperparameters")


def _chooses(path: tuple[str, ...]) -> bool:
    if path[0] == "groups":
        return path[-1] == "optimizer"
    return path[-1] == "name" or path in (("optimizer", "rule"), ("optimizer", "skeleton"))


def _apply(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], text: str, rule_files: RuleFiles
) -> list[str]:
    if path == ("optimizer", "rule") and text:
        return _choose_rule(document, _unquoted(text), rule_files)
    if path == ("optimizer", "skeleton"):
        return _choose_skeleton(document, text, rule_files)
    if path == ("averaging", "name"):
        return _choose_average(document, _unquoted(text))
    if path[0] == "groups":
        return _choose_member(document, path, _unquoted(text))
    if path in (("optimizer", "name"), ("scheduler", "name")) and text:
        return _choose(document, path[0], text, rule_files)
    _assign(document, path, text, None)
    return []


def _choose_member(document: tomlkit.TOMLDocument, path: tuple[str, ...], name: str) -> list[str]:
    """Choose the class of a group of a composite; an empty text is the default again."""
    _assign(document, path, name, None)
    group = _tables(content_of(document), "groups").get(path[1], {})
    known = _member_keys(group)
    dropped = [key for key in group if key not in known] if known else []
    for key in dropped:
        drop_value(document, ("groups", path[1], key))
    return [f"{name} has no argument {key}: groups.{path[1]}.{key} is dropped" for key in dropped]


def _member_keys(group: Mapping[str, Any]) -> set[str] | None:
    """What a group of a composite may say; None where its class is unknown."""
    member = find_optimizer(str(group.get("optimizer", MEMBER)))
    return None if member is None else {"optimizer", *_GROUP_KEYS, *member.arguments}


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


def _choose_skeleton(document: tomlkit.TOMLDocument, text: str, rule_files: RuleFiles) -> list[str]:
    """An empty text is the plain class again."""
    _assign(document, ("optimizer", "skeleton"), text, None)
    content = content_of(document)
    name = str(_name(content, "optimizer"))
    known = not text or find_skeleton(_unquoted(text)) is not None
    if name.lower() != CUSTOM or not known or rule_reference(content):
        return []
    return _drop_unknown(document, "optimizer", name, rule_files)


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
    document: tomlkit.TOMLDocument, table: str, name: str, rule_files: RuleFiles
) -> list[str]:
    """Choose a class; arguments that it doesn't have are dropped, which is said."""
    if table == "scheduler" and name.lower() == "none":
        drop_value(document, ("scheduler",))
        return []
    set_value(document, (table, "name"), name)
    return _drop_unknown(document, table, name, rule_files)


def _drop_unknown(
    document: tomlkit.TOMLDocument, table: str, name: str, rule_files: RuleFiles
) -> list[str]:
    content = content_of(document)
    rule = _rule_arguments(document, rule_files)
    known = _class_keys(table, name, rule, content)
    if known is None or (name.lower() == CUSTOM and rule is None and rule_reference(content)):
        return []
    dropped: list[tuple[str, ...]] = [
        (table, key)
        for key in content[table]
        if key not in known and (table, key) not in _OF_NO_CLASS
    ]
    if table == "optimizer":
        composite = name.lower() == COMPOSITE.name
        dropped += [
            ("groups", group, key)
            for group, settings in _tables(content, "groups").items()
            for key in settings
            if key not in (_member_keys(settings) or settings if composite else known | _GROUP_KEYS)
        ]
    for path in dropped:
        drop_value(document, path)
    owner = name
    if name.lower() == CUSTOM:
        skeleton = find_skeleton(content["optimizer"].get("skeleton"))
        owner = "the rule" if rule is not None else skeleton.name if skeleton else name
    return [f"{owner} has no argument {path[-1]}: {'.'.join(path)} is dropped" for path in dropped]


def _class_keys(
    table: str, name: str, rule: Arguments, content: Mapping[str, Any]
) -> set[str] | None:
    if table == "optimizer":
        optimizer = find_optimizer(name)
        if name.lower() == COMPOSITE.name:
            return {"name"}
        if name.lower() == CUSTOM and rule is not None:
            return {"name", "rule", *_RULE_KINDS, *rule}
        if name.lower() == CUSTOM:
            declared = content["optimizer"].get("hyperparameters")
            own = declared if isinstance(declared, Mapping) else ()
            return {"name", "hyperparameters", "skeleton", *_custom_kinds(content), *own}
        return None if optimizer is None else {"name", *optimizer.arguments}
    scheduler = find_scheduler(name)
    return None if scheduler is None else {"name", *WIRING, *scheduler.arguments}


def _set_groups(
    document: tomlkit.TOMLDocument, wished: dict[str, dict[str, Any]], rule: Arguments
) -> None:
    order_groups(document, list(wished))
    groups = _tables(content_of(document), "groups")
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


def _tables(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The subtables of a table; what is none is left for the check to refuse."""
    found = content.get(name)
    tables = found if isinstance(found, Mapping) else {}
    return {key: each for key, each in tables.items() if isinstance(each, Mapping)}


def _assign(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], text: str, rule: Arguments
) -> None:
    if not text:
        drop_value(document, path)
        return
    value = read_value(text, _kind(document, path, rule))
    set_value(document, path, _toml(value))


def _toml(value: Any) -> Any:
    """Numbers as people write them: 1e-4 rather than 0.0001."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    try:
        return Float(value, Trivia(), literal(value))
    except ValueError:
        return value


CUSTOM = "custom"
# The class of a group of a composite that names none.
MEMBER = "AdamW"
# What stays whatever class is chosen.
_GROUP_KEYS = frozenset({"match", "freeze", "lr", "ndim", *GROUP_SETTINGS})
_OF_NO_CLASS = frozenset({("optimizer", "layer_decay"), ("optimizer", "lr_finder")})
_RULE_KINDS = {
    "class_name": "text",
    "maximize": "flag",
    "foreach": "flag",
    "fused": "flag",
    "differentiable": "flag",
}
CUSTOM_KINDS = {
    **{name: kind for name, kind in _RULE_KINDS.items() if name != "fused"},
    "lr": "number",
    "betas": "numbers",
    "eps": "number",
    "weight_decay": "number",
}
_GROUP_KINDS = {
    "lr": "rate",
    "match": "texts",
    "freeze": "flag",
    "ndim": "integer",
    "optimizer": "text",
}
_KINDS = {
    ("seed",): "integer",
    ("data", "batch_size"): "integer",
    ("model", "width"): "integer",
    ("model", "bias"): "flag",
    ("model", "compile"): "flag",
    ("model", "gradient_checkpointing"): "flag",
    ("optimizer", "lr_finder"): "flag",
    ("averaging", "decay"): "number",
    ("averaging", "lr_factor"): "number",
    ("averaging", "start_epoch"): "integer",
    ("scheduler", "schedulers"): "toml",
}


def _kind(document: tomlkit.TOMLDocument, path: tuple[str, ...], rule: Arguments) -> str:
    if path in _KINDS:
        return _KINDS[path]
    content = content_of(document)
    key = path[-1]
    if path[0] == "groups" and key in _GROUP_KINDS:
        return _GROUP_KINDS[key]
    if path in _OF_NO_CLASS or (path[0] == "groups" and key in GROUP_SETTINGS):
        return GROUP_SETTINGS[key].kind
    if path[0] in ("optimizer", "groups"):
        name = str(_name(content, "optimizer") or ("AdamW" if rule is None else CUSTOM))
        if _declares(path):
            return "toml"
        if path[0] == "groups" and name.lower() == COMPOSITE.name:
            name = str(_tables(content, "groups").get(path[1], {}).get("optimizer", MEMBER))
        optimizer = find_optimizer(name)
        if rule is not None and name.lower() == CUSTOM:
            return _RULE_KINDS.get(key) or _kind_in(rule, key)
        if name.lower() == CUSTOM:
            return _custom_kinds(content).get(key) or _declared_kind(content, key)
        return _kind_in(optimizer.arguments if optimizer else {}, key)
    if path[0] == "scheduler":
        scheduler = find_scheduler(str(_name(content, "scheduler") or ""))
        return _kind_in({**WIRING, **(scheduler.arguments if scheduler else {})}, key)
    if path[0] == "trainer":
        return _kind_in(trainer_arguments(), key)
    return "text"


def _custom_kinds(content: Mapping[str, Any]) -> Mapping[str, str]:
    """The kinds of what a custom optimizer takes that declares nothing."""
    skeleton = find_skeleton(content["optimizer"].get("skeleton"))
    if skeleton is None:
        return CUSTOM_KINDS
    own = {name: argument.kind for name, argument in skeleton.arguments.items()}
    return {"class_name": "text", "maximize": "flag", **own}


def _declared_kind(content: Mapping[str, Any], key: str) -> str:
    """The kind of a custom optimizer's own hyperparameter: that of its default."""
    declared = content["optimizer"].get("hyperparameters")
    value = declared.get(key) if isinstance(declared, Mapping) else None
    if isinstance(value, Mapping):
        value = value.get("default")
    if isinstance(value, bool):
        return "flag"
    return "numbers" if isinstance(value, list) else "number or text"


def _name(content: Mapping[str, Any], table: str) -> Any:
    found = content.get(table)
    return found.get("name") if isinstance(found, Mapping) else None


def _kind_in(arguments: Mapping[str, Argument], key: str) -> str:
    argument = arguments.get(key)
    return "text" if argument is None else argument.kind


def read_value(text: str, kind: str) -> Any:
    """Read text as a kind of value; what cannot be read stays text, for the check to refuse."""
    if kind == "rate":
        return parse_rate(text)[0]
    if kind in ("numbers", "integers", "texts"):
        inner = text[1:-1] if text[:1] in "([" and text[-1:] in ")]" else text
        items = [item for item in split_outside_brackets(inner, ",") if item]
        if kind == "texts":
            return [_unquoted(item) for item in items] if len(items) > 1 else _unquoted(text)
        return [read_value(item, kind.removesuffix("s")) for item in items]
    if kind == "toml":
        try:
            return tomlkit.value(text)
        except TOMLKitError:
            return text
    if kind == "flag":
        return _TRUE.get(text.lower(), text)
    if kind == "number or text":
        value = _number(text, whole=False)
        return _unquoted(value) if isinstance(value, str) else value
    if kind in ("integer", "number"):
        return _number(text, whole=kind == "integer")
    return _unquoted(text)


def _number(text: str, *, whole: bool) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if whole and value.is_integer() else value


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
