"""The command line as a user meets it, called in this process: exit code, output, messages."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lightgen.cli.entry import run

NOTHING_WRITTEN = "nothing was written"


@dataclass(frozen=True)
class Outcome:
    """What a call left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)

    @property
    def messages(self) -> list[str]:
        """The problems that were told, each as 'where: what; what to do'."""
        found: list[str] = []
        for line in self.err.splitlines():
            if line.startswith("error: "):
                found.append(line.removeprefix("error: "))
            elif line.startswith("  ") and found:
                found[-1] += f"; {line.strip()}"
        return found

    @property
    def notes(self) -> list[str]:
        """The words that stop nothing."""
        lines = self.err.splitlines()
        return [line.removeprefix("note: ") for line in lines if line.startswith("note: ")]


class Lightgen:
    """Calls lightgen in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> Outcome:
        """Call `lightgen WORDS...` in the folder."""
        self._capsys.readouterr()
        terminate = signal.getsignal(signal.SIGTERM)
        with self._monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["lightgen", *map(str, words)])
            with pytest.raises(SystemExit) as stop:
                run()
        signal.signal(signal.SIGTERM, terminate)
        code = stop.value.code
        assert isinstance(code, int)
        return Outcome(code, *self._capsys.readouterr())

    def done(self, *words: str | Path) -> Outcome:
        """Call it and expect success."""
        outcome = self(*words)
        assert outcome.code == 0, outcome.err
        return outcome

    def refused(self, *words: str | Path, code: int = 2) -> list[str]:
        """Call it and expect that it refuses and writes nothing; return the messages."""
        before = self.files()
        outcome = self(*words)
        assert (outcome.code, outcome.out) == (code, ""), outcome.err
        assert "Traceback" not in outcome.err
        assert outcome.err.endswith(f"{NOTHING_WRITTEN}\n")
        assert self.files() == before
        return outcome.messages

    def spec(self, *words: str | Path) -> str:
        """The spec file that `new` would write."""
        return self.done("new", "run", "--dry-run", "--show", "lightgen.toml", *words).out

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def files(self, under: str = ".") -> set[str]:
        """Everything that stands in the folder, or below one of its folders."""
        root = self.folder / under
        return {path.relative_to(root).as_posix() for path in root.rglob("*")}
