"""How the commands that merge show what becomes of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from lightgen.changes import Update
from lightgen.cli.differences import print_difference
from lightgen.cli.report import print_json, print_line, print_notes
from lightgen.difference import unified
from lightgen.inside import MEMORY
from lightgen.merge import Kind, Outcome
from lightgen.tree import File

_NO_FILE = "no file changes, but for what .lightgen remembers"
_COLOURS = {Kind.CONFLICT: "red", Kind.ORPHAN: "yellow", Kind.STILL_DELETED: "yellow"}
_WIDTH = max(map(len, Kind))
_KEPT = File(b"")  # what a path is to have that does not change: any file


@dataclass(frozen=True)
class Report:
    """What is said of a command that merged: whether and how, besides the update itself.

    `other` is what a file is called in it that lies beside one of the user's.
    """

    root: Path
    other: str
    code: int
    is_written: bool
    with_diff: bool
    as_json: bool


def print_update(update: Update, report: Report, last_line: str) -> None:
    """Print what becomes of each file, notes, and a last line; or all of it as one object."""
    files = told(update.outcomes)
    diffs = diffs_of(update) if report.with_diff else {}
    if report.as_json:
        objects = [as_object(each, update.beside.get(each.path, "")) for each in files]
        for each in objects if report.with_diff else ():
            each["diff"] = diffs.get(each["path"], "")
        print_json(
            report.code,
            path=str(report.root),
            written=report.is_written,
            files=objects,
            notes=list(update.notes),
        )
        return
    print_difference(diffs.values())
    if update.changes:
        for outcome in files:
            if outcome.path not in update.left_alone:
                print_outcome(outcome, update.beside.get(outcome.path, ""), report.other)
    print_notes(update.notes)
    typer.echo(last_line)


def told(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes that deserve a line."""
    silent = (Kind.UNCHANGED, Kind.STILL_DELETED)
    return [each for each in outcomes if each.kind not in silent or each.notes]


def as_object(outcome: Outcome, beside: str) -> dict[str, Any]:
    """What becomes of a file, as --json gives it."""
    return {
        "path": outcome.path,
        "kind": str(outcome.kind),
        "conflicts": [{"line": each.line, "what": each.what} for each in outcome.conflicts],
        "notes": list(outcome.notes),
        "moved_from": outcome.moved_from,
        "beside": beside,
    }


def print_outcome(outcome: Outcome, beside: str, other: str) -> None:
    """One line a file, and one below for each conflict and each note.

    `beside` is where the other version of it lies that was not merged, `other` what that is.
    """
    kind = typer.style(f"{outcome.kind:<{_WIDTH}}", fg=_COLOURS.get(outcome.kind))
    origin = f" (from {outcome.moved_from})" if outcome.moved_from else ""
    print_line(f"{outcome.path}{origin}", before=f"{kind}  ")
    for each in outcome.conflicts:
        place = f"line {each.line}: " if each.line else ""
        print_line(f"{place}{each.what}", before="    ")
    for note in outcome.notes:
        print_line(note, before="    ")
    if beside:
        print_line(f"{other} is in {beside}: merge it by hand, then delete that", before="    ")


def summary(
    outcomes: Iterable[Outcome], left_alone: Collection[str] = (), nothing: str = _NO_FILE
) -> str:
    """How many files became what; `nothing` where none became anything."""
    counts = Counter(each.kind for each in told(outcomes) if each.path not in left_alone)
    words = [f"{counts[kind]} {kind}" for kind in Kind if counts[kind]] or [nothing]
    if left_alone:
        files = "file" if len(left_alone) == 1 else "files"
        words.append(f"{len(left_alone)} edited {files} left alone")
    return ", ".join(words)


def diffs_of(update: Update) -> dict[str, str]:
    """The unified diff of each file that changes; one that moves is compared with its origin."""
    origins = {each.path: each.moved_from for each in update.outcomes if each.moved_from}
    moved = {
        path: origin
        for path, origin in origins.items()
        if update.changes.get(origin, _KEPT) is None and update.expected.get(path, _KEPT) is None
    }
    found = {}
    for path, after in sorted(update.changes.items()):
        if path.startswith(f"{MEMORY}/") or path in moved.values():
            continue
        origin = moved.get(path, "")
        found[path] = unified(path, update.expected[origin or path], after, came_from=origin)
    return {path: text for path, text in found.items() if text}
