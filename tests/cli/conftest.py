"""The command line in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Lightgen
from support.editing import Project


@pytest.fixture
def lightgen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lightgen:
    for name in ("FORCE_COLOR", "_LIGHTGEN_COMPLETE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "work"
    folder.mkdir()
    return Lightgen(folder, monkeypatch, capsys)


@pytest.fixture
def project(lightgen: Lightgen) -> Project:
    """A project with two groups at `run`."""
    return Project(lightgen)
