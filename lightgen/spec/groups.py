"""The grammar of `--groups`: NAME[=PATTERN]:SETTING, comma-separated.

A setting is a rate (1e-4), a factor of the base rate (x0.1), freeze, or key=value; several are
joined by semicolons, or by commas: a part with = and no : continues the group before it. Commas
inside brackets don't split, and the colon of freeze=until_epoch:N belongs to the value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from lightgen.problems import Problem, raise_if_any

REST = "rest"
_FACTOR = re.compile(r"x(?P<number>.+)")
_UNTIL = re.compile(r"(?:^|[:;,\s])freeze\s*=\s*until_epoch\s*\Z")
_OPEN, _CLOSE = "([{", ")]}"


def parse_groups(text: str) -> dict[str, dict[str, Any]]:
    """Read the groups as tables of the spec; values of key=value stay text.

    Raises InputError with every problem.
    """
    groups: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for part in _join_continued(split_outside_brackets(text, ",")):
        name, table, found = _parse_group(part)
        problems += found
        if name in groups and not found:
            problems.append(
                Problem("--groups", f"group '{name}' stands twice", "give each group one name")
            )
        groups[name] = table
    raise_if_any(problems)
    return groups


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """Split at a separator that stands in no bracket; parts are stripped."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in _OPEN) - (char in _CLOSE and depth > 0)
        if char == separator and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _join_continued(parts: list[str]) -> Iterator[str]:
    current = None
    for part in parts:
        continues = "=" in part and not _at_settings(part)[1]
        if current is not None and continues:
            current = f"{current};{part}"
            continue
        if current is not None:
            yield current
        current = part
    if current is not None:
        yield current


def _at_settings(part: str) -> tuple[str, str, str]:
    """Split at the last colon that is none of freeze=until_epoch:N."""
    selector, colon, settings = part.rpartition(":")
    while colon and _UNTIL.search(selector):
        selector, colon, before = selector.rpartition(":")
        settings = f"{before}:{settings}"
    return (selector, colon, settings) if colon else ("", "", part)


def _parse_group(part: str) -> tuple[str, dict[str, Any], list[Problem]]:
    selector, colon, settings = _at_settings(part)
    if not colon or not selector.strip() or not settings.strip():
        what = f"cannot read group '{part}'" if part else "a group is empty"
        todo = "write NAME:RATE, for example backbone:1e-4 (or NAME:x0.1, NAME:freeze)"
        return part, {}, [Problem("--groups", what, todo)]
    name, equals, pattern = (text.strip() for text in selector.partition("="))
    table: dict[str, Any] = {}
    problems = []
    owner, second, _ = name.partition(":")
    if second and equals and owner != "re":
        what = f"group '{owner}': cannot read '{part[len(owner) + 1 :]}'"
        todo = "of all settings, freeze=until_epoch:N has a colon"
        return owner, {}, [Problem("--groups", what, todo)]
    if equals and not pattern:
        problems.append(Problem("--groups", f"group '{name}' has an empty pattern", "write one"))
    if pattern and pattern != name:
        table["match"] = pattern
    for setting in split_outside_brackets(settings, ";"):
        key, value, fault = _parse_setting(setting)
        if not fault and key in table:
            fault = f"{key} is set twice"
        if fault:
            problems.append(
                Problem(
                    "--groups",
                    f"group '{name}': {fault}",
                    "write a rate (1e-4), a factor (x0.1), freeze or key=value",
                )
            )
        table[key] = value
    return name, table, problems


def _parse_setting(setting: str) -> tuple[str, Any, str]:
    if setting == "freeze":
        return "freeze", True, ""
    key, equals, value = setting.partition("=")
    if equals:
        key, value = key.strip(), value.strip()
        fault = "" if key and value else f"'{setting}' is not key=value"
        return key, parse_rate(value)[0] if key == "lr" and value else value, fault
    rate, fault = parse_rate(setting)
    return "lr", rate, fault


def parse_rate(text: str) -> tuple[float | str, str]:
    """Read 1e-4 as a number and x0.1 as the factor it is; the second entry is the fault."""
    factor = _FACTOR.fullmatch(text)
    number = factor["number"] if factor else text
    try:
        value = float(number)
    except ValueError:
        return text, f"'{text}' is not a rate"
    if not math.isfinite(value):
        return text, f"'{text}' is not a finite rate"
    if value < 0:
        return text, f"the rate '{text}' is negative"
    return (text if factor else value), ""
