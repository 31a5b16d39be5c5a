"""The project's package and the module that starts its training, found without importing it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightgen.problems import Problem, ProjectError

# Names that lightgen gives.
SPEC, ENTRY = "lightgen.toml", "train"
_LIGHTNING = re.compile(r"^\s*(?:from|import)\s+(pytorch_lightning|lightning)\b", re.MULTILINE)


@dataclass(frozen=True)
class Sources:
    """Where the project's code is.

    `entry` is the module that `python -m` trains with, None if none was found; `lightning` the
    module that has the Trainer; `trainer` the table of the spec; `notes` what was not where it is
    in a generated project.
    """

    root: Path
    folder: Path
    package: str
    entry: str | None
    lightning: str
    trainer: dict[str, Any]
    notes: tuple[str, ...]


def find_sources(root: Path) -> Sources:
    """Find the code of a project: by the generated names, else by what imports Lightning.

    Raises ProjectError if no package, or more than one, may be meant.
    """
    spec = read_spec(root)
    name = str(spec.get("project", {}).get("package", ""))
    notes: list[str] = []
    package = next(
        (base / name for base in (root / "src", root) if name and _has(base, name)), None
    )
    if package is None:
        package = _only_package(root, name)
        notes.append(f"there is no package '{name}'; '{package.name}' is taken")
    files = {module: path.read_text("utf-8", "replace") for module, path in _modules(package)}
    entry = f"{package.name}.{ENTRY}"
    if entry not in files:
        found = _entry(files)
        notes.append(f"there is no module {entry}" + (f"; {found} is taken" if found else ""))
        entry = found or ""
    roots = _LIGHTNING.findall("\n".join(files.values()))
    lightning = "lightning.pytorch" if "lightning" in roots else "pytorch_lightning"
    trainer = dict(spec.get("trainer", {}))
    return Sources(
        root, package.parent, package.name, entry or None, lightning, trainer, tuple(notes)
    )


def read_spec(root: Path) -> dict[str, Any]:
    """The spec as far as it can be read: a check is of the code."""
    try:
        return tomllib.loads((root / SPEC).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _has(base: Path, package: str) -> bool:
    return any((base / package).glob("*.py"))


def _only_package(root: Path, name: str) -> Path:
    folders = [each for base in (root / "src", root) if base.is_dir() for each in base.iterdir()]
    found = sorted(
        folder
        for folder in folders
        if folder.name.isidentifier() and folder.is_dir() and folder.name != "tests"
        if any(
            _LIGHTNING.search(path.read_text("utf-8", "replace")) for path in folder.glob("*.py")
        )
    )
    if len(found) == 1:
        return found[0]
    what = f"there is no package '{name}', and " + (
        f"several others use Lightning: {', '.join(folder.name for folder in found)}"
        if found
        else "none that uses Lightning in src or beside it"
    )
    raise ProjectError(Problem(str(root), what, f"name it in {SPEC}: [project] package"))


def _modules(package: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _entry(files: dict[str, str]) -> str | None:
    """The one module that calls fit and can be run; else the one that calls fit."""
    fitting = [module for module, text in files.items() if ".fit(" in text]
    run = [module for module in fitting if "__main__" in files[module]]
    return next((found[0] for found in (run, fitting) if len(found) == 1), None)
