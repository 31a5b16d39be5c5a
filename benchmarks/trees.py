"""Folders as plain data, and as templates of Jinja."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeAlias

Files: TypeAlias = Mapping[str, bytes]


def read_files(folder: Path) -> dict[str, bytes]:
    """Relative path to content of every file but git's."""
    places = {path.relative_to(folder): path for path in sorted(folder.rglob("*"))}
    return {
        path.as_posix(): place.read_bytes()
        for path, place in places.items()
        if place.is_file() and path.parts[0] != ".git"
    }


def write_files(folder: Path, files: Files) -> None:
    """Make a folder hold these files, and nothing else but what is git's."""
    for path in read_files(folder).keys() - files.keys():
        (folder / path).unlink()
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def without(files: Files, paths: Collection[str]) -> dict[str, bytes]:
    """The files but for those at these paths."""
    return {path: content for path, content in files.items() if path not in paths}


def as_template(content: bytes, name: str, variable: str) -> bytes | None:
    """The content as a Jinja template: the name is the variable, all else is left as it is.

    None for what Jinja would not leave as it is: other line ends, what is no text.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\r" in text or "\0" in text:
        return None
    return variable.join(_escaped(part) for part in text.split(name)).encode("utf-8")


def _escaped(text: str) -> str:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    return f"{{% raw %}}{text}{{% endraw %}}"
