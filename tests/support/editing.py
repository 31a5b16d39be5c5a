"""A project as its user edits it, and all that lies on disk, byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.command import Lightgen

GROUPS = "backbone:1e-4,head:1e-3"
TRAIN, OPTIM, MODEL = "src/run/train.py", "src/run/optim.py", "src/run/model.py"
CUSTOM = "src/run/custom_optimizer.py"


class Project:
    """A generated project at `run`, and the command line in the folder above it."""

    def __init__(self, lightgen: Lightgen, *flags: str) -> None:
        self.lightgen = lightgen
        self.root = lightgen.folder / "run"
        lightgen.done("new", "run", "--groups", GROUPS, *flags)

    def text(self, path: str) -> str:
        """What a file of the project says."""
        return (self.root / path).read_bytes().decode()

    def write(self, path: str, text: str | bytes) -> None:
        """Write a file of the project."""
        self.lightgen.write(f"run/{path}", text)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the only occurrence of a text in a file."""
        text = self.text(path)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file."""
        self.write(path, self.text(path) + text)

    def disk(self) -> dict[str, tuple[bytes, bool] | str]:
        """All files with their bytes and executable bit, links with their targets."""
        return disk(self.root)


def disk(root: Path) -> dict[str, tuple[bytes, bool] | str]:
    """All that lies in a folder, but for git's own, the lock and what an undo needs."""
    left_out = {".git", ".lightgen/lock", ".lightgen/backup"}
    found: dict[str, tuple[bytes, bool] | str] = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if any(name == each or name.startswith(f"{each}/") for each in left_out):
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes(), bool(path.stat().st_mode & 0o100)
    return found


def git(folder: Path, *words: str, fails: bool = False) -> str:
    """Run git as somebody."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=False, capture_output=True, text=True
    )
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout
