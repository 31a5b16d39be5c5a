"""What a newcomer does: generate, install, train, run the project's tests, resume."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

COMMAND = "new some/digits-run --optimizer custom --groups backbone:1e-4,head:1e-3"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command as from a shell, and return what it prints; it must exit with 0."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**clean, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The written project and the interpreter of an environment where it is installed."""
    folder = tmp_path_factory.mktemp("newcomer")
    run(sys.executable, "-m", "lightgen", *COMMAND.split(), cwd=folder)
    venv.create(folder / "env", with_pip=True, system_site_packages=False)
    python = folder / "env" / "bin" / "python"
    project = folder / "some" / "digits-run"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "-e", "."]
    run(*install, cwd=project)
    # The packages of this environment serve the new one, so that torch is not installed twice.
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "shared.pth").write_text("\n".join(ours))
    return project, python


@pytest.fixture(scope="module")
def trained(written: tuple[Path, Path]) -> str:
    project, python = written
    return run(python, "-m", "digits_run.train", cwd=project)


def test_it_trains_well_and_says_so(trained: str) -> None:
    accuracy = re.search(r"^val/accuracy (\S+) after 20 epochs$", trained, flags=re.M)
    assert accuracy is not None, trained
    assert float(accuracy[1]) > 0.9
    assert "best.ckpt" in trained


def test_it_prints_the_groups(trained: str) -> None:
    assert re.search(r"^backbone +4 +[\d,]+ +0\.0001 ", trained, flags=re.M), trained
    assert re.search(r"^head +2 +[\d,]+ +0\.001 ", trained, flags=re.M)


def test_it_warns_of_nothing(trained: str) -> None:
    assert "warning" not in trained.lower()


def test_it_logs_each_group(written: tuple[Path, Path], trained: str) -> None:
    project, _ = written
    head = next(project.rglob("metrics.csv")).read_text().splitlines()[0].split(",")
    assert {"train/loss", "val/loss", "val/accuracy"} <= set(head)
    assert {name.rpartition("/")[2] for name in head if name.startswith("lr")} == {
        "backbone",
        "head",
    }


def test_it_resumes_to_the_same_end(written: tuple[Path, Path]) -> None:
    project, python = written
    train = [python, "-m", "digits_run.train"]
    printed = run(*train, "--max-epochs=2", "--lr=head=2e-3", cwd=project)
    checkpoint = printed.rsplit("--ckpt-path ", 1)[1].split()[0]
    resumed = run(*train, "--max-epochs=3", "--ckpt-path", checkpoint, cwd=project)
    assert "after 3 epochs" in resumed
    assert re.search(r"^head +2 +[\d,]+ +0\.002 ", resumed, flags=re.M), resumed
    assert "warning" not in resumed.lower()


def test_its_own_tests_pass(written: tuple[Path, Path]) -> None:
    project, python = written
    assert re.search(r"\d+ passed in", run(python, "-m", "pytest", cwd=project))


def test_nothing_imports_lightgen(written: tuple[Path, Path]) -> None:
    project, _ = written
    assert not [path for path in project.rglob("*.py") if "lightgen" in path.read_text()]
