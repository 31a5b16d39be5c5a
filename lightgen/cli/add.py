"""lightgen add launcher: a front for update."""

from __future__ import annotations

from pathlib import Path

from lightgen.cli.report import report_error
from lightgen.cli.update import Request, run_update
from lightgen.problems import InputError, Problem, guess
from lightgen.spec.flags import Flags
from lightgen.spec.launchers import LAUNCHERS


def run_add_launcher(
    kind: str, path: Path | None, assignments: tuple[str, ...], *, dry_run: bool, as_json: bool
) -> int:
    """Set the launcher's table and update the project; return the exit code."""
    name = kind.lower()
    if name not in LAUNCHERS:
        problem = Problem("launcher", f"unknown launcher '{kind}'", guess(name, LAUNCHERS))
        return report_error(InputError(problem), as_json=as_json)
    inside = tuple(f"launchers.{name}.{text.strip()}" for text in assignments)
    flags = Flags(assignments=inside, launcher=name)
    return run_update(Request(path, flags, None, False, (), False, dry_run, False, as_json))
