"""lightgen new --interactive: a few questions, and the command that says the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest

ENTER, DOWN = "\r", "\x1b[B"


@pytest.fixture
def terminal(tmp_path: Path) -> pexpect.spawn:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "lightgen", "new", "--interactive", "--optimizer", "custom"],
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 200),
    )
    yield child
    child.close(force=True)


def test_it_asks_writes_and_prints_the_command(terminal: pexpect.spawn, tmp_path: Path) -> None:
    terminal.expect("Folder of the project")
    terminal.sendline("")
    terminal.expect("Task")
    terminal.send(ENTER)
    terminal.expect("Model")
    terminal.send(DOWN + ENTER)
    terminal.expect("Parameter groups")
    terminal.send("backbone:1e-4,head:1e-3" + ENTER)
    terminal.expect("Schedule")
    terminal.send(DOWN + ENTER)
    terminal.expect("lightgen new lightning-project --optimizer custom")
    terminal.expect("--groups backbone:1e-4,head:1e-3 --scheduler cosine --set model.name=cnn")
    terminal.expect("wrote")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0
    assert "nn.Conv2d" in next(tmp_path.rglob("model.py")).read_text()


def test_control_c_writes_nothing(terminal: pexpect.spawn, tmp_path: Path) -> None:
    terminal.expect("Folder of the project")
    terminal.sendcontrol("c")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 130
    assert not list(tmp_path.iterdir())


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "lightgen", "new", str(tmp_path / "x"), "--interactive"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no terminal to ask on" in done.stderr
