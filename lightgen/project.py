"""A project as it lies on disk: what it remembers, and its spec."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lightgen.inside import read_regular
from lightgen.plan.names import package_from
from lightgen.problems import Problem, ProjectError
from lightgen.remembered import Memory, NewerError, read_memory, stored_files
from lightgen.spec.document import SPEC_NAME
from lightgen.tree import File, Tree


@dataclass(frozen=True)
class Project:
    """A project as it was read: its memory, None where lost, and the files of that as they lie.

    `package` is the name of the package where the spec has none.
    """

    root: Path
    memory: Memory | None
    memory_files: Tree
    spec: File | None
    package: str


def read_project(root: Path, *, is_lost: bool = False) -> Project:
    """Read what the project at `root` remembers, and its spec.

    Raises ProjectError where that cannot be read, but for a memory that is taken for lost.
    """
    memory: Memory | None = None
    files: Tree = {}
    try:
        files = stored_files(root)
        memory = read_memory(root)
    except NewerError:
        raise
    except ProjectError:
        if not is_lost:
            raise
    recorded = (memory.spec or {}).get("project", {}) if memory else {}
    package = str(recorded.get("package") or "") or package_from(root)
    return Project(root, memory, files, _read_spec_file(root), package)


def _read_spec_file(root: Path) -> File | None:
    try:
        found = read_regular(root / SPEC_NAME)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        todo = "make it a plain file that can be read"
        raise ProjectError(Problem(SPEC_NAME, what, todo)) from error
    return File(found.content, found.executable)
