"""lightgen update."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lightgen.changes import Update
from lightgen.cli.changes import Report, print_update, summary
from lightgen.cli.places import settle
from lightgen.cli.report import report_error
from lightgen.disk import find_project, read_yours
from lightgen.generate import anchored, read_spec
from lightgen.inside import MEMORY
from lightgen.problems import LightgenError
from lightgen.project import read_project
from lightgen.rulefile import given_rule
from lightgen.spec.document import SPEC_NAME
from lightgen.spec.flags import Flags
from lightgen.transaction import locked, write_changes
from lightgen.update import Wish, make_update

NOTHING = "nothing to update: the project is what its spec says, but for your edits"


@dataclass(frozen=True)
class Request:
    """Everything that the command line says."""

    path: Path | None
    flags: Flags
    spec: Path | None
    trust: bool
    restore: tuple[str, ...]
    rebuild_base: bool
    dry_run: bool
    check: bool
    json: bool


def run_update(request: Request) -> int:
    """Update a project; return the exit code."""
    try:
        # A project that lost its memory is known by its spec file.
        root = find_project(request.path, SPEC_NAME if request.rebuild_base else MEMORY)
        if request.dry_run or request.check:
            said = settle(root)
            update = plan_update(root, _wish(request, root))
        else:
            with locked(root) as said:
                update = plan_update(root, _wish(request, root))
                if update.changes:
                    write_changes(root, update.changes, expected=update.expected)
    except LightgenError as error:
        return report_error(error, as_json=request.json)
    return _report(replace(update, notes=(*said, *update.notes)), request, root)


def plan_update(root: Path, wish: Wish) -> Update:
    """What an update would write."""
    project = read_project(root, is_lost=wish.rebuild_base)
    return make_update(project, wish, partial(read_yours, root))


def _wish(request: Request, root: Path) -> Wish:
    """What the command line says; the paths in it, which are seen from here, seen from the root."""
    spec = read_spec(request.spec) if request.spec else None
    folder = request.spec.parent if request.spec else root
    given = given_rule(spec, request.flags, folder, root)
    flags, relative_to = anchored(spec, given.flags, folder, root)
    here = Path(os.path.relpath(os.getcwd(), os.path.realpath(root))).as_posix()
    restore = tuple(Path(path).as_posix() for path in request.restore)
    return Wish(
        flags,
        spec,
        restore,
        here,
        request.rebuild_base,
        request.trust,
        relative_to,
        given.files,
    )


def _report(update: Update, request: Request, root: Path) -> int:
    would_only = request.dry_run or request.check
    is_written = bool(update.changes) and not would_only
    code = int(bool(update.changes) if request.check else update.has_conflicts)
    report = Report(root, "the new render", code, is_written, request.dry_run, request.json)
    print_update(update, report, _last_line(update, would_only))
    return code


def _last_line(update: Update, would_only: bool) -> str:
    if not update.changes:
        return NOTHING
    counts = summary(update.outcomes, update.left_alone)
    if would_only:
        return f"would be: {counts}"
    if update.has_conflicts:
        return f"{counts}; resolve what is in conflict, or take all back: lightgen undo"
    return f"{counts}; to take it back: lightgen undo"
