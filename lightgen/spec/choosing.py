"""Values and classes that are written into the spec; what goes with a class goes with it."""

from __future__ import annotations

from typing import Any

import tomlkit
from tomlkit.items import Float, Trivia

from lightgen.catalogue.optimizers import COMPOSITE
from lightgen.catalogue.parts import AVERAGES
from lightgen.catalogue.path_schedulers import PATH_WIRING, any_scheduler
from lightgen.catalogue.skeletons import find_skeleton
from lightgen.problems import InputError
from lightgen.source import literal
from lightgen.spec.document import content_of, drop_value, set_value
from lightgen.spec.kinds import (
    CUSTOM,
    GROUP_KEYS,
    NAMED_KEYS,
    OF_NO_CLASS,
    Arguments,
    class_keys,
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
    parse_rule,
    rule_arguments,
    rule_reference,
    split_reference,
)
from lightgen.spec.several import alone, in_home


def choose_part(document: tomlkit.TOMLDocument, table: str, name: str) -> list[str]:
    """Choose a model or data; what belongs to another one is dropped, and that is said."""
    before = name_in(content_of(document), table) or ""
    if name == before:
        return []
    assign(document, (table, "name"), name, None)
    said = content_of(document).get(table, {})
    dropped = [key for key in said if key in keys_of_another(table, name)]
    for key in dropped:
        drop_value(document, (table, key))
    whose = before or f"lightgen's own {table}"
    return [f"{table}.{key} was for {whose}: it is dropped" for key in dropped]


def choose_member(document: tomlkit.TOMLDocument, path: tuple[str, ...], name: str) -> list[str]:
    """Choose the class of a group of a composite; an empty text is the default again."""
    assign(document, path, name, None)
    group = tables_in(content_of(document), "groups").get(path[1], {})
    known = member_keys(group)
    dropped = [key for key in group if key not in known] if known else []
    for key in dropped:
        drop_value(document, ("groups", path[1], key))
    return [f"{name} has no argument {key}: groups.{path[1]}.{key} is dropped" for key in dropped]


def choose_rule(document: tomlkit.TOMLDocument, reference: str, rule_files: RuleFiles) -> list[str]:
    """Choose the custom optimizer of a rule; arguments that it doesn't have are dropped."""
    set_value(document, ("optimizer", "name"), CUSTOM)
    set_value(document, ("optimizer", "rule"), reference)
    return choose(document, "optimizer", CUSTOM, rule_files)


def choose_average(document: tomlkit.TOMLDocument, name: str) -> list[str]:
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


def choose_skeleton(
    document: tomlkit.TOMLDocument, home: tuple[str, ...], text: str, rule_files: RuleFiles
) -> list[str]:
    """An empty text is the plain class again."""
    assign(document, in_home(home, ("optimizer", "skeleton")), text, None)
    content = alone(content_of(document), home)
    name = str(name_in(content, "optimizer"))
    known = not text or find_skeleton(unquoted(text)) is not None
    if name.lower() != CUSTOM or not known or rule_reference(content):
        return []
    return _drop_unknown(document, "optimizer", name, rule_files, home)


def arguments_of_rule(document: tomlkit.TOMLDocument, rule_files: RuleFiles) -> Arguments:
    """None, too, for a rule that cannot be read: the plan tells why."""
    reference = rule_reference(content_of(document))
    try:
        found = named_rule_file(reference, rule_files)
        function = split_reference(reference)[1]
        return rule_arguments(parse_rule(found, function)) if found else None
    except InputError:
        return None


def choose(
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
    rule = None if home else arguments_of_rule(document, rule_files)
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


def assign(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], text: str, rule: Arguments
) -> None:
    """Write a value, its text read as the field's type; an empty text takes the field away."""
    if not text:
        drop_value(document, path)
        if path[0] == "launchers" and not content_of(document).get("launchers"):
            drop_value(document, path[:1])
        return
    value = read_value(text, kind_of(content_of(document), path, rule))
    set_value(document, path, toml_value(value))


def toml_value(value: Any) -> Any:
    """Numbers as people write them: 1e-4 rather than 0.0001."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    try:
        return Float(value, Trivia(), literal(value))
    except ValueError:
        return value
