"""The spec file as text: read, and changed in place with comments and order kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from lightgen.problems import InputError, Problem
from lightgen.spec.model import SCHEMA_PATH
from lightgen.spec.several import TABLE

SPEC_NAME = "lightgen.toml"
HEADER = f"#:schema {SCHEMA_PATH}\n"
_BLANK_END = re.compile(r"\n\s*\n\Z")


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
        return f":{found[1]}:{found[2]}" if found else f":{len(text.rstrip().splitlines())}"
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
            inline = isinstance(table, InlineTable)
            is_super = path[at] in ("groups", "launchers", TABLE) and at in (0, 2)
            table[part] = tomlkit.inline_table() if inline else tomlkit.table(is_super)
        table = table[part]
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


def take_over(document: tomlkit.TOMLDocument, other: tomlkit.TOMLDocument) -> None:
    """Make a document say what another says; what stays keeps its comments and order.

    The name of the package stays where the other has none.
    """
    for path, names in _orders(other):
        order_tables(document, path, names)
    _take_over(document, document, other, ())


def _take_over(
    document: tomlkit.TOMLDocument, table: Any, other: Mapping[str, Any], path: tuple[str, ...]
) -> None:
    for key in list(table):
        if key not in other and (*path, key) not in (("project",), ("project", "package")):
            drop_value(document, (*path, key))
    for key, value in other.items():
        known = table.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            _take_over(document, known, value, (*path, key))
        elif known is None or _unwrapped(known) != _unwrapped(value):
            set_value(document, (*path, key), value)


def _unwrapped(value: Any) -> tuple[type, Any]:
    plain = value.unwrap() if hasattr(value, "unwrap") else value
    return type(plain), plain


def _orders(content: Mapping[str, Any]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Where the order of tables has a meaning, and what it is."""
    found = _order_at(content, ("groups",))
    for path, names in _order_at(content, (TABLE,)):
        found.append((path, names))
        for name in names:
            found += _order_at(content, (TABLE, name, "groups"))
    return found


def _order_at(
    content: Mapping[str, Any], path: tuple[str, ...]
) -> list[tuple[tuple[str, ...], list[str]]]:
    table: Any = content
    for part in path:
        table = table.get(part) if isinstance(table, Mapping) else None
    return [(path, list(table))] if isinstance(table, Mapping) and table else []


def order_tables(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], wished: Sequence[str]
) -> None:
    """Leave these subtables, in this order; those that stay keep their comments."""
    parent: Any = document
    for part in path[:-1]:
        parent = parent.get(part, {})
    table = parent.get(path[-1], {}) if isinstance(parent, Mapping) else {}
    old = dict(table) if isinstance(table, Mapping) else {}
    if not (isinstance(table, Table) and all(type(each) is Table for each in old.values())):
        # None yet, or inline, dotted, scattered: written anew.
        old = {key: tomlkit.item(_unwrapped(each)[1]) for key, each in old.items()}
        drop_value(document, path)
        set_value(document, path, tomlkit.table(is_super_table=True))
        table = _at(document, path)
    staying = [key for key in old if key in wished]
    in_order = [*staying, *(key for key in wished if key not in old)] == list(wished)
    for key in list(table):
        if key not in wished or not in_order:
            table.remove(key)
    for key in wished:
        if key not in table:
            table.append(key, old.get(key, tomlkit.table()))


def _at(document: tomlkit.TOMLDocument, path: tuple[str, ...]) -> Any:
    table: Any = document
    for part in path:
        table = table[part]
    return table


def text_of(document: tomlkit.TOMLDocument, before: str) -> str:
    """The text of a document that was changed: as it was before, with the changes.

    It names the schema, has one kind of line end, and reads back as the document.
    """
    text = document.as_string()
    if SCHEMA_PATH not in text:
        text = HEADER + text
    spaced = _set_apart(text, before)
    if not _BLANK_END.search(before):  # a table may have been dropped from the end
        spaced = _BLANK_END.sub("\n", spaced)
    if "\r\n" in before:
        spaced = re.sub(r"\r?\n", "\r\n", spaced)
    content = content_of(document)
    for candidate in (spaced, text):
        if _reads_as(candidate, content):
            return candidate
    # tomlkit cannot add a table among dotted keys: the text would say something else.
    return text_from(content)


def text_from(content: Mapping[str, Any]) -> str:
    """A spec file that says this."""
    return HEADER + "\n" + tomlkit.dumps(_plain(content))


def _set_apart(text: str, before: str) -> str:
    """One blank line around each table that was added."""
    known = {line.strip() for line in before.splitlines() if line.startswith("[")}
    lines: list[str] = []
    after_added = False
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            added = line.strip() not in known
            if added or after_added:
                while len(lines) > 1 and not lines[-1].strip() and not lines[-2].strip():
                    lines.pop()
                if lines and lines[-1].strip() and not lines[-1].startswith("#"):
                    lines.append("\n")
            after_added = added
        lines.append(line)
    return "".join(lines)


def _reads_as(text: str, content: Mapping[str, Any]) -> bool:
    """Whether a text has that content, the order of groups and optimizers included."""
    try:
        found = content_of(tomlkit.parse(text))
    except TOMLKitError:
        return False
    return found == content and _orders(found) == _orders(content)


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values first: TOML would put them into the table before them."""
    ordered = sorted(content.items(), key=lambda pair: isinstance(pair[1], Mapping))
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in ordered}
