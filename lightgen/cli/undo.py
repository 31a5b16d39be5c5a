"""lightgen undo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lightgen.changes import Update
from lightgen.cli.changes import Report, print_update, summary
from lightgen.cli.places import settle
from lightgen.cli.report import report_error
from lightgen.disk import find_project, read_yours
from lightgen.problems import LightgenError, Problem, ProjectError
from lightgen.remembered import read_memory, stored_files
from lightgen.transaction import locked, read_undo, write_changes
from lightgen.undo import make_undo, paths_to_read


def run_undo(path: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Take back the last update; return the exit code."""
    try:
        root = find_project(path)
        if dry_run:
            said = settle(root)
            update = _plan(root)
        else:
            with locked(root) as said:
                update = _plan(root)
                write_changes(root, update.changes, expected=update.expected, undo=False)
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    code = int(update.has_conflicts)
    report = Report(root, "the version before the update", code, not dry_run, dry_run, as_json)
    print_update(replace(update, notes=said), report, _last_line(update, dry_run))
    return code


def _plan(root: Path) -> Update:
    undo = read_undo(root)
    if undo is None:
        todo = "only the last update can be undone, once"
        raise ProjectError(Problem(str(root), "there is nothing to undo", todo))
    base = read_memory(root).base
    yours = read_yours(root, paths_to_read(undo, base))
    return make_undo(undo, stored_files(root), base, yours)


def _last_line(update: Update, dry_run: bool) -> str:
    counts = summary(update.outcomes)
    if dry_run:
        return f"would be: {counts}"
    if update.has_conflicts:
        return f"{counts}; resolve what is in conflict: there you had edited since the update"
    return f"{counts}; the last update is taken back"
