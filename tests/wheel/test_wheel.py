"""The wheel, installed in a clean environment, generates the same projects as the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, env=clean
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def content_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the scripts of an environment that has the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    venv.create(folder / "env", with_pip=True)
    scripts = folder / "env" / "bin"
    install = [scripts / "python", "-m", "pip", "install", "--quiet"]
    install += ["-c", ROOT / "constraints.txt", next(folder.glob("*.whl"))]
    run(*install, cwd=folder)
    return scripts


def test_it_is_light(installed: Path) -> None:
    listed = run(installed / "python", "-m", "pip", "list", cwd=installed)
    assert "lightgen" in listed
    assert "torch" not in listed


def test_it_generates_what_the_checkout_generates(installed: Path, tmp_path: Path) -> None:
    flags = ["--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3"]
    run(installed / "lightgen", "new", "a/digits-run", *flags, cwd=tmp_path)
    run(sys.executable, "-m", "lightgen", "new", "b/digits-run", *flags, cwd=tmp_path)
    written = {side: content_of(tmp_path / side) for side in "ab"}
    assert written["a"] == written["b"]
    assert len(written["a"]) > 30


def test_it_compiles_rules(installed: Path, tmp_path: Path) -> None:
    """The class, its tests and the kernels of a rule, in a project and on their own."""
    rule = ROOT / "golden" / "rules" / "adamw.py"
    flags = ["--rule", rule, "--set", "optimizer.fused=true"]
    files = {}
    for side, command in {
        "a": [installed / "lightgen"],
        "b": [sys.executable, "-m", "lightgen"],
    }.items():
        folder = tmp_path / side
        folder.mkdir()
        run(*command, "new", "digits-run", *flags, cwd=folder)
        build = ["rule", "build", rule, "-o", "own.py", "--tests", "test_own.py"]
        run(*command, *build, cwd=folder)
        files[side] = content_of(folder)
    assert files["a"] == files["b"]
    assert {"own.py", "test_own.py"} <= files["a"].keys()
    assert "digits-run/src/digits_run/fused_update.cpp" in files["a"]


def test_it_lists_and_shows(installed: Path, tmp_path: Path) -> None:
    assert "AdamW" in run(installed / "lightgen", "list", "optimizers", cwd=tmp_path)
    assert "betas" in run(installed / "lightgen", "show", "optimizer", "adamw", cwd=tmp_path)


def test_every_golden_project_is_generated(installed: Path, tmp_path: Path) -> None:
    for spec in sorted((ROOT / "golden" / "projects").glob("*/lightgen.toml")):
        name = spec.parent.name
        run(installed / "lightgen", "new", name, "--spec", spec, cwd=tmp_path)
        for path in spec.parent.rglob("*.py"):
            written = tmp_path / name / path.relative_to(spec.parent)
            assert written.read_bytes() == path.read_bytes(), path
