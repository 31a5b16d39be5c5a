"""The spec file as text: read, and changed in place with comments and order kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from lightgen.problems import InputError, Problem
from lightgen.spec.model import SCHEMA_PATH

SPEC_NAME = "lightgen.toml"
HEADER = f"#:schema {SCHEMA_PATH}\n"


def read_text(path: Path) -> str:
    """Read a spec file. Raises InputError if it is missing, unreadable or not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problem = Problem(str(path), "there is no such file", "give the path of a spec file")
    except IsADirectoryError:
        problem = Problem(str(path), "this is a folder", "give the path of a spec file")
    except OSError as error:
        problem = Problem(str(path), f"cannot be read ({error.strerror})", "check the permissions")
    except UnicodeDecodeError as error:
        problem = Problem(
            str(path), f"byte {error.start} is not UTF-8", "save the file as UTF-8 text"
        )
    raise InputError(problem)


def parse_document(text: str, where: str = SPEC_NAME) -> tomlkit.TOMLDocument:
    """Parse TOML, keeping comments and order. Raises InputError with line and column."""
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, ValueError, RecursionError) as error:
        what = re.sub(r" at line \d+ col \d+$", "", str(error)).rstrip(".")
        problem = Problem(f"{where}{_place(text)}", f"this is not TOML: {what}", "mend that line")
        raise InputError(problem) from None


def _place(text: str) -> str:
    """The line and column of the first fault, counted from one as editors do."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        return f":{found[1]}:{found[2]}" if found else f":{text.count(chr(10)) + 1}"
    except (ValueError, RecursionError):  # a number or a nesting beyond all bounds
        return ""
    return ""


def new_document() -> tomlkit.TOMLDocument:
    """An empty spec that names its JSON Schema."""
    return tomlkit.parse(HEADER + "\n")


def content_of(document: tomlkit.TOMLDocument) -> dict[str, Any]:
    """The plain values of a document."""
    content: dict[str, Any] = document.unwrap()
    return content


def set_value(document: tomlkit.TOMLDocument, path: tuple[str, ...], value: Any) -> None:
    """Set the value at a path, making the tables on the way. A comment on the line stays."""
    table: Any = document
    for at, part in enumerate(path[:-1]):
        if not isinstance(table.get(part), Mapping):
            table[part] = tomlkit.table(is_super_table=path[: at + 1] == ("groups",))
        table = table[part]
    if path[-1] in table and hasattr(table[path[-1]], "trivia"):
        comment = table[path[-1]].trivia
        table[path[-1]] = value
        table[path[-1]].trivia.comment_ws = comment.comment_ws
        table[path[-1]].trivia.comment = comment.comment
        return
    table[path[-1]] = value


def drop_value(document: tomlkit.TOMLDocument, path: tuple[str, ...]) -> None:
    """Remove the value at a path, if it stands there."""
    table: Any = document
    for part in path[:-1]:
        table = table.get(part)
        if not isinstance(table, Mapping):
            return
    if path[-1] in table:
        del table[path[-1]]
