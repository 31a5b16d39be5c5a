"""What a project remembers: `.lightgen/`, as files of the tree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightgen import __version__
from lightgen.inside import MEMORY
from lightgen.tree import File, Tree

BASE_SUFFIX = ".base"
_ATTRIBUTES = """\
# Written by lightgen; as it is, byte for byte.
base/** linguist-generated=true -text
pack/** linguist-generated=true -text
schema.json linguist-generated=true
state.toml linguist-generated=true
"""


def memory_of(
    rendered: Tree, spec: Mapping[str, Any], pack: Tree | None = None, resolved: str = ""
) -> Tree:
    """The files of `.lightgen/` for a render: its base, its state, the schema, the pack."""
    from lightgen.spec.model import SCHEMA_PATH  # who only reads a memory needs no pydantic

    base = {
        f"{MEMORY}/base/{path}{BASE_SUFFIX}": File(file.content) for path, file in rendered.items()
    }
    stored = {f"{MEMORY}/pack/{path}": file for path, file in (pack or {}).items()}
    schema = Path(__file__).with_name("lightgen.schema.json").read_bytes()
    return {
        **base,
        **stored,
        f"{MEMORY}/.gitattributes": File.from_text(_ATTRIBUTES),
        f"{MEMORY}/.gitignore": File.from_text("/backup/\n/lock\n"),
        SCHEMA_PATH: File(schema),
        f"{MEMORY}/state.toml": File.from_text(_state(rendered, spec, resolved)),
    }


def _state(rendered: Tree, spec: Mapping[str, Any], resolved: str) -> str:
    import tomlkit

    document = tomlkit.document()
    document["lightgen"] = __version__
    if resolved:
        document["template_resolved"] = resolved
    files = tomlkit.table()
    for path in sorted(rendered):
        entry = tomlkit.inline_table()
        entry["sha256"] = digest(rendered[path].content)
        if rendered[path].executable:
            entry["executable"] = True
        files[path] = entry
    document["files"] = files
    document["spec"] = _table(spec)
    return document.as_string()


def _table(content: Mapping[str, Any]) -> Any:
    """Plain values first: TOML would put them into the table before them."""
    import tomlkit

    table = tomlkit.table()
    for key, value in content.items():
        if not isinstance(value, Mapping):
            table[key] = value
    for key, value in content.items():
        if isinstance(value, Mapping):
            table[key] = _table(value)
    return table


def digest(content: bytes) -> str:
    """The hash that the state keeps of a file."""
    return hashlib.sha256(content).hexdigest()
