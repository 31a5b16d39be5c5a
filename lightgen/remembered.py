"""What a project remembers, read back from `.lightgen/`: input as little to be trusted as any."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightgen import __version__
from lightgen.inside import MEMORY, Found, outside_fault, read_regular
from lightgen.memory import BASE_SUFFIX, digest
from lightgen.merge.outcome import END, MIDDLE, START
from lightgen.problems import Problem, ProjectError
from lightgen.tree import File, Tree

_STATE = f"{MEMORY}/state.toml"
_BASE, _PACK = f"{MEMORY}/base/", f"{MEMORY}/pack/"
_NOT_MEMORY = frozenset({"backup", "lock"})
_MARKER = re.compile(rb"^(%s|%s) " % (START.encode(), END.encode()), re.M)
_ANY_MARKER = re.compile(
    rb"^(%s |%s\r?$|%s )" % (START.encode(), MIDDLE.encode(), END.encode()), re.M
)
_NAMED_FAULTS = 2
_AS_BEFORE = "restore it, or remove it and run lightgen update --rebuild-base"


@dataclass(frozen=True)
class Memory:
    """The last render as remembered.

    `faults` says each way in which `base` isn't to be trusted; it is then to be rebuilt from
    `spec`, which is None where that is lost too.
    """

    lightgen: str
    base: Tree
    spec: Mapping[str, Any] | None
    resolved: str
    pack: Tree | None
    faults: tuple[str, ...]

    @property
    def damage(self) -> str:
        """The faults, the first of them by name."""
        more = len(self.faults) - _NAMED_FAULTS
        named = "; ".join(self.faults[:_NAMED_FAULTS])
        return f"{named}; and {more} more" if more > 0 else named


class NewerError(ProjectError):
    """A newer lightgen wrote the memory."""


def read_memory(root: Path) -> Memory:
    """Read `.lightgen/` of the project at `root`.

    Raises ProjectError where there is none, where a newer lightgen wrote it, and for damage that
    can't be told from an attack.
    """
    stored = stored_files(root)
    pack = {path.removeprefix(_PACK): stored[path] for path in stored if path.startswith(_PACK)}
    faults = [f"{_PACK}{path} has conflict markers" for path in pack if _marked(pack[path])]
    state = _read_state(stored.get(_STATE))
    if state is None:
        lost = "has conflict markers" if _STATE in stored else "is missing"
        untold = {path: file for path, file in _stored_base(stored) if not outside_fault(path)}
        return Memory("", untold, None, "", pack or None, (f"{_STATE} {lost}", *faults))
    base, wrong = _read_base(stored, state["files"])
    return Memory(
        state["lightgen"],
        base,
        state["spec"],
        state.get("template_resolved", ""),
        pack or None,
        (*wrong, *faults),
    )


def stored_files(root: Path) -> Tree:
    """All that `.lightgen/` holds, without the lock and what an undo needs, by path from the root.

    Raises ProjectError where there is none, and for a link in it: it is none of lightgen's.
    """
    folder = f"{root}/{MEMORY}"
    if not os.path.isdir(folder) and not os.path.lexists(folder):
        todo = "run lightgen new, or go to a project"
        raise ProjectError(Problem(str(root), f"there is no {MEMORY}/ in it", todo))
    try:
        if os.path.islink(folder) or not os.path.isdir(folder):
            raise _hostile(MEMORY, "is no folder")
        found = dict(_walk(root, MEMORY))
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise ProjectError(Problem(MEMORY, what, "check the permissions")) from error
    return {path: File(found[path].content, found[path].executable) for path in sorted(found)}


def _walk(root: Path, folder: str) -> Iterator[tuple[str, Found]]:
    with os.scandir(f"{root}/{folder}") as entries:
        for entry in entries:
            path = f"{folder}/{entry.name}"
            if folder == MEMORY and entry.name in _NOT_MEMORY:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, path)
            elif entry.is_file(follow_symlinks=False):
                yield path, read_regular(entry.path)
            else:
                raise _hostile(path, "is a link" if entry.is_symlink() else "is no regular file")


def _hostile(where: str, what: str) -> ProjectError:
    return ProjectError(Problem(where, what, f"lightgen doesn't write that; {_AS_BEFORE}"))


def _read_state(file: File | None) -> Mapping[str, Any] | None:
    """The state, None where it is lost or has conflict markers."""
    if file is None:
        return None
    try:
        state = tomllib.loads(file.text)
    except (ValueError, RecursionError) as error:
        if _ANY_MARKER.search(file.content):
            return None
        raise _hostile(_STATE, f"is damaged: {error}") from error
    _check_version(state.get("lightgen"))
    fault = _state_fault(state)
    if fault:
        raise _hostile(_STATE, fault)
    return state


def _check_version(version: Any) -> None:
    if not isinstance(version, str) or not re.match(r"\d+(\.\d+)*", version):
        raise _hostile(_STATE, "names no version of lightgen")
    if _ordered(version) > _ordered(__version__):
        what = f"was written by lightgen {version}, and this is {__version__}"
        raise NewerError(Problem(MEMORY, what, "install that version, or a later one"))


def _ordered(version: str) -> tuple[list[int], bool]:
    """A version to compare by: its numbers, and whether it is the release and not one before it."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    found = [int(number) for number in numbers[0].split(".")] if numbers else []
    while found and not found[-1]:
        found.pop()
    return found, not re.search(r"(a|b|rc|dev)\d*", version)


def _state_fault(state: Mapping[str, Any]) -> str:
    """What is wrong with the shape of a state."""
    if not isinstance(state.get("template_resolved", ""), str):
        return "template_resolved is no text"
    for name in ("files", "spec"):
        if not isinstance(state.get(name), dict):
            return f"there is no table [{name}]"
    for path, entry in state["files"].items():
        fault = outside_fault(path)
        if fault:
            return f"a path of [files] {fault} ({path!a})"
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            return f"there is no hash for {path!a}"
        if not isinstance(entry.get("executable", False), bool):
            return f"executable of {path!a} is neither true nor false"
    return ""


def _stored_base(stored: Tree) -> Iterator[tuple[str, File]]:
    for path, file in stored.items():
        if path.startswith(_BASE) and path.endswith(BASE_SUFFIX):
            yield path[len(_BASE) : -len(BASE_SUFFIX)], File(file.content)


def _read_base(stored: Tree, files: Mapping[str, Any]) -> tuple[Tree, list[str]]:
    found = dict(_stored_base(stored))
    faults = [_base_fault(path, found.get(path), files.get(path)) for path in {**found, **files}]
    base = {
        path: File(found[path].content, files[path].get("executable", False))
        for path in sorted(files)
        if path in found
    }
    return base, sorted(filter(None, faults))


def _base_fault(path: str, file: File | None, entry: Mapping[str, Any] | None) -> str:
    where = f"{_BASE}{path}{BASE_SUFFIX}"
    if file is None:
        return f"{where} is missing"
    if entry is None:
        return f"{where} is not in {_STATE}"
    if digest(file.content) == entry["sha256"]:
        return ""
    return f"{where} {'has conflict markers' if _marked(file) else 'differs from its hash'}"


def _marked(file: File) -> bool:
    return b"<<<<<<<" in file.content and bool(_MARKER.search(file.content))
