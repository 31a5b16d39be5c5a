"""Where each file of a pack goes in the project, all of it checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lightgen.packs.environment import Context, explainer, renderer
from lightgen.packs.names import clashes, path_fault
from lightgen.packs.settings import Settings
from lightgen.problems import InputError, Problem, raise_if_any
from lightgen.tree import Tree

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Placement:
    """Where a file of the pack goes, and whether its content stays as it is."""

    origin: str
    target: str
    is_verbatim: bool


def place_files(
    files: Tree, top: str, settings: Settings, environment: Environment, context: Context
) -> list[Placement]:
    """Render the path of each file in the template folder; one whose name is empty is left out.

    Raises InputError with all paths that cannot be rendered, that the project may not have, or that
    two files would share.
    """
    found: list[Placement] = []
    problems: list[Problem] = []
    for origin in sorted(path for path in files if path.startswith(f"{top}/")):
        parts = origin.split("/")[1:]
        copied = _copied_from(parts, settings.copied_globs)
        render = renderer(environment, context, explainer(origin, files, context))
        try:
            names = [render(part) for part in parts[:copied]] + parts[copied:]
        except InputError as error:
            problems += error.problems
            continue
        if names[-1]:
            found.append(Placement(origin, "/".join(names), copied <= len(parts)))
    problems += target_problems((place.origin, place.target) for place in found)
    raise_if_any(problems)
    return found


def target_problems(pairs: Iterable[tuple[str, str]]) -> list[Problem]:
    """Say of which (origin, target) the target is no path for the project, or is taken already."""
    problems = []
    origins: dict[str, str] = {}
    for origin, target in pairs:
        fault = path_fault(target)
        if fault:
            problems.append(
                Problem(origin, f"its path, {target!r}, {fault}", "rename it in the pack")
            )
        elif target in origins:
            what = f"its path, {target!r}, is also that of {origins[target]}"
            problems.append(Problem(origin, what, "rename it in the pack"))
        origins.setdefault(target, origin)
    for one, other in clashes(origins):
        what = f"its path, {other!r}, cannot stand beside {one!r} of {origins[one]}"
        problems.append(Problem(origins[other], what, "rename it in the pack"))
    return problems


def _copied_from(parts: list[str], globs: Iterable[str]) -> int:
    """Count the leading names that are rendered: one more than there are if nothing is copied."""
    for count in range(1, len(parts) + 1):
        path = "/".join(parts[:count])
        if any(fnmatchcase(path, glob) for glob in globs):
            return count
    return len(parts) + 1
