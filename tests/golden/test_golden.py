"""Every generated project is, byte for byte, what was looked at and accepted.

To accept a change: `python -m pytest tests/golden --accept`, then read the diff.
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.projects import lay_out, plan_of

from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.schedulers import schedulers
from lightgen.render.optim import render_optim
from lightgen.render.project import render_project
from lightgen.tree import Tree

GOLDEN = Path(__file__).parents[2] / "golden"
GOT = GOLDEN / ".got"
PROJECTS = sorted(path.parent.name for path in GOLDEN.glob("projects/*/lightgen.toml"))


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    wanted = bool(request.config.getoption("--accept"))
    if wanted and os.environ.get("CI"):
        pytest.fail("CI accepts nothing")
    return wanted


def rendered(name: str) -> Tree:
    folder = GOLDEN / "projects" / name
    return render_project(plan_of(tomllib.loads((folder / "lightgen.toml").read_text()), folder))


def rendered_project(name: str) -> dict[str, bytes]:
    return {path: file.content for path, file in rendered(name).items()}


def stored_files(folder: Path) -> dict[str, bytes]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "."],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    else:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    return {
        name: (folder / name).read_bytes()
        for name in names
        if name != "lightgen.toml" and (folder / name).is_file()
    }


def differences(got: bytes | None, stored: bytes | None, path: str) -> str:
    old = (stored or b"").decode().splitlines(keepends=True)
    new = (got or b"").decode().splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, f"golden/{path}", f"got/{path}"))


@pytest.mark.parametrize("name", PROJECTS)
def test_project(name: str, accept: bool) -> None:
    folder = GOLDEN / "projects" / name
    got, stored = rendered_project(name), stored_files(folder)
    if accept:
        for path in stored.keys() - got.keys():
            (folder / path).unlink()
        for path, content in got.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return
    if got != stored:
        saved = GOT / name
        shutil.rmtree(saved, ignore_errors=True)
        for path, content in got.items():
            (saved / path).parent.mkdir(parents=True, exist_ok=True)
            (saved / path).write_bytes(content)
    diffs = [
        differences(got.get(path), stored.get(path), path)
        for path in sorted(got.keys() | stored.keys())
        if got.get(path) != stored.get(path)
    ]
    assert not diffs, f"what was rendered is in {GOT / name}\n" + "\n".join(diffs)


FRAGMENTS = [
    *(("optimizers", name) for name in (*optimizers(), "composite", "custom")),
    *(("schedulers", name) for name in schedulers()),
]


@pytest.mark.parametrize(("kind", "name"), FRAGMENTS)
def test_fragment(kind: str, name: str, accept: bool) -> None:
    """optim.py of a spec that says nothing but one name."""
    got = render_optim(plan_of({kind.removesuffix("s"): {"name": name}}))
    path = GOLDEN / kind / f"{name}.py"
    if accept:
        path.write_text(got)
        return
    assert path.is_file(), "run with --accept, then read it"
    assert got == path.read_text(), differences(got.encode(), path.read_bytes(), path.name)


def test_nothing_stale_is_kept() -> None:
    for kind in ("optimizers", "schedulers"):
        kept = {path.stem for path in (GOLDEN / kind).glob("*.py")}
        assert kept == {name for each, name in FRAGMENTS if each == kind}


def run_tool(*command: str, cwd: Path = GOLDEN) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_black_leaves_every_file() -> None:
    # The given rules are as their writers laid them out.
    given = "--extend-exclude=rules/given/"
    run_tool("black", "--check", "--quiet", "--line-length=88", "--config=/dev/null", given, ".")


@pytest.mark.parametrize("name", PROJECTS)
def test_ruff_and_mypy_are_content(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a folder of its own, as its owner has it: the project's own configuration counts."""
    folder = tmp_path_factory.mktemp(name)
    lay_out(rendered(name), folder)
    run_tool("ruff", "check", "--no-cache", ".", cwd=folder)
    run_tool("ruff", "format", "--no-cache", "--check", ".", cwd=folder)
    cache = tmp_path_factory.getbasetemp() / "mypy-cache"
    run_tool("mypy", f"--cache-dir={cache}", cwd=folder)
