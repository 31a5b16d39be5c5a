"""The rule that a spec names: where its file is, and what it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lightgen.catalogue.arguments import Argument
from lightgen.inside import outside_fault
from lightgen.problems import InputError, Problem
from lightgen.source import is_identifier
from lightgen.tree import File

if TYPE_CHECKING:
    from lightgen.rules.rule import Hyper, Rule

FOLDER = "rules"
"""Where a rule goes that is copied into a project."""
_PLAIN = re.compile(r"[\w.-]+(/[\w.-]+)*\.py", re.ASCII)


@dataclass(frozen=True)
class RuleFile:
    """The file of a rule, and what messages call it."""

    file: File
    where: str


# The file at a path of the project, None where there is none.
RuleFiles: TypeAlias = Callable[[str], RuleFile | None]


def no_rule_files(path: str) -> RuleFile | None:
    """For a spec that stands alone."""
    return None


def split_reference(text: str) -> tuple[str, str]:
    """FILE:FUNCTION as its two parts; the second is empty where no function is named."""
    path, colon, function = text.rpartition(":")
    return (path, function) if colon and path and is_identifier(function) else (text, "")


def path_fault(path: str) -> str:
    """Why no rule can be at this path of a project; nothing where one can."""
    if not _PLAIN.fullmatch(path):
        return "is no plain path of a Python file"
    return outside_fault(path)


def place_for(name: str) -> str:
    """Where a rule file of that name goes in a project."""
    stem = re.sub(r"\W+", "_", name.removesuffix(".py"), flags=re.ASCII).strip("_")
    return f"{FOLDER}/{stem or 'rule'}.py"


def rule_reference(content: Mapping[str, Any]) -> str:
    """What a spec says of its rule, empty where it has none."""
    table = content.get("optimizer")
    found = table.get("rule") if isinstance(table, Mapping) else None
    return found if isinstance(found, str) else ""


def named_rule_file(reference: str, files: RuleFiles) -> RuleFile | None:
    """The file that a reference names, None where there is none or can't be one."""
    path, _ = split_reference(reference)
    return None if not reference or path_fault(path) else files(path)


def parse_rule(found: RuleFile, function: str) -> Rule:
    """The rule in a file: that function, or the only one. Raises InputError with every problem."""
    from lightgen.rules.reading.parse import read_rule

    return read_rule(_decoded(found), found.where, function)


def _decoded(found: RuleFile) -> str:
    try:
        text = found.file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        raise InputError(Problem(found.where, what, "save the file as UTF-8 text")) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def rule_arguments(rule: Rule) -> dict[str, Argument]:
    """The hyperparameters of a rule, as what a call of its class and a group can set."""
    return {hyper.name: _argument(hyper) for hyper in rule.hypers}


def _argument(hyper: Hyper) -> Argument:
    default: Any = hyper.default
    if isinstance(default, bool):
        return Argument(hyper.name, default, kind="flag")
    entries = len(default) if isinstance(default, tuple) else 0
    return Argument(
        hyper.name,
        list(default) if entries else default,
        "numbers" if entries else "number",
        hyper.min,
        hyper.max,
        hyper.above,
        hyper.below,
        length=entries,
    )
