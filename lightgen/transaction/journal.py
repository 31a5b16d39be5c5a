"""The record of one change of a project, as bytes: what was there, and what comes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from lightgen.inside import write_fault
from lightgen.tree import File

_FORMAT = 1


@dataclass(frozen=True)
class Change:
    """One path: its file before and after, None for none. `mode` is that of the file before."""

    path: str
    before: File | None
    after: File | None
    mode: int = 0o644


@dataclass(frozen=True)
class Journal:
    """A change of several files, all of it or nothing.

    `token` is in the names of its temporary files, `folders` are made for it, the outer first;
    `undo` says whether it can be undone.
    """

    token: str
    changes: tuple[Change, ...]
    folders: tuple[str, ...] = ()
    undo: bool = True

    def temporary(self, path: str, purpose: str) -> str:
        """The path of a temporary file in the folder of a changed one."""
        folder = path.rpartition("/")[0]
        name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return f"{folder}{'/' if folder else ''}.lightgen-{self.token}-{name}.{purpose}"


class DamagedError(ValueError):
    """These bytes are no journal, or a hostile one."""


def encode_journal(journal: Journal) -> bytes:
    """Write a journal: its hash, a line of JSON, and the contents one after the other."""
    entries = [
        {
            "path": change.path,
            "mode": change.mode,
            "before": _entry(change.before),
            "after": _entry(change.after),
        }
        for change in journal.changes
    ]
    head = {
        "format": _FORMAT,
        "token": journal.token,
        "undo": journal.undo,
        "folders": journal.folders,
        "changes": entries,
    }
    files = [file for each in journal.changes for file in (each.before, each.after) if file]
    body = json.dumps(head).encode() + b"\n" + b"".join(file.content for file in files)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def decode_journal(content: bytes) -> Journal:
    """Read a journal back. Raises DamagedError unless it is whole and stays in the project."""
    digest, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise DamagedError("it is not whole")
    head, _, contents = body.partition(b"\n")
    try:
        return _journal(json.loads(head), BytesIO(contents))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamagedError(str(error)) from error


def _entry(file: File | None) -> Mapping[str, Any] | None:
    return None if file is None else {"size": len(file.content), "executable": file.executable}


def _journal(head: Mapping[str, Any], contents: BytesIO) -> Journal:
    token = head["token"]
    if head["format"] != _FORMAT or not re.fullmatch("[0-9a-f]{16}", token):
        raise ValueError("another lightgen wrote it")
    changes = tuple(_change(entry, contents) for entry in head["changes"])
    folders = tuple(_checked(folder) for folder in head["folders"])
    return Journal(token, changes, folders, head["undo"] is True)


def _change(entry: Mapping[str, Any], contents: BytesIO) -> Change:
    path = _checked(entry["path"])
    before, after = (_file(entry[side], contents) for side in ("before", "after"))
    return Change(path, before, after, int(entry["mode"]) & 0o777)


def _checked(path: str) -> str:
    fault = write_fault(path)
    if fault:
        raise ValueError(f"{path} {fault}")
    return path


def _file(entry: Mapping[str, Any] | None, contents: BytesIO) -> File | None:
    if entry is None:
        return None
    content = contents.read(max(0, entry["size"]))
    if len(content) != entry["size"]:
        raise ValueError("a content is missing")
    return File(content, entry["executable"] is True)
