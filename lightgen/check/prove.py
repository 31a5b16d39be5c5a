"""Start the children that run the proofs, and gather what they tell.

A child that dies or takes too long fails the proof that it was at; another one runs the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightgen.check.proof import NAMES, Gathered, Proof, Report
from lightgen.check.run import LOG
from lightgen.check.sources import find_sources
from lightgen.problems import Problem, ProjectError

# What a run writes or a tool keeps: no child may find it where it writes.
_NOT_MIRRORED = {"runs", "lightning_logs", "wandb", "mlruns", ".git", "__pycache__", LOG}
# Last on the path, so that nothing beside lightgen hides what the project imports.
_BOOT = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from importlib import import_module; import_module(sys.argv.pop(1)).main()"
)
_WITHOUT_TORCH = "pip install 'lightgen[torch]', or run lightgen in the project's environment"


def prove_project(root: Path, timeout: float) -> Report:
    """Run all proofs of the project at `root`; `timeout` is each one's, in seconds.

    Raises ProjectError if torch is missing or the project can't be imported.
    """
    root = root.resolve()
    need_torch("check")
    find_sources(root)
    gathered = Gathered()
    with tempfile.TemporaryDirectory(prefix="lightgen-check-") as folder:
        mirror(root, Path(folder))
        wanted = list(NAMES)
        while wanted:
            wanted = _round(root, Path(folder), wanted, timeout, gathered)
    return gathered.report()


def need_torch(command: str) -> None:
    """Raise ProjectError if what the command runs on is not installed."""
    missing = [] if find_spec("torch") else ["torch"]
    if not any(find_spec(name) for name in ("pytorch_lightning", "lightning")):
        missing.append("pytorch_lightning")
    if missing:
        what = f"{command} needs {' and '.join(missing)}, not installed for {sys.executable}"
        raise ProjectError(Problem(f"lightgen {command}", what, _WITHOUT_TORCH))


def mirror(root: Path, folder: Path) -> None:
    """Links to what the project's folder holds: relative paths are read there, written here."""
    for entry in root.iterdir():
        if entry.name not in _NOT_MIRRORED:
            with contextlib.suppress(OSError):  # a system that has no links
                (folder / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())


def _round(
    root: Path, folder: Path, wanted: list[str], timeout: float, gathered: Gathered
) -> list[str]:
    """Run a child; return the proofs that are left when it ends."""
    child = start_child("lightgen.check.run", folder, str(root), *wanted)
    current, left = wanted[0], list(wanted)
    fault = ""
    try:
        for message in messages(child, timeout):
            if "problems" in message:
                raise ProjectError(*(Problem(**each) for each in message["problems"]))
            if "problem" in message:
                raise ProjectError(Problem(**message["problem"]))
            if "proof" in message:
                gathered.add(message)
                left.remove(message["proof"]["name"])
            elif message.get("begin") in left:
                current = message["begin"]
            if "end" in message:
                return []
    except TimeoutError:
        fault = f"took longer than {timeout:g} seconds; --timeout allows more"
    finally:
        end_child(child)
    if not left:
        return []
    current = current if current in left else left[0]
    gathered.proofs.append(Proof(current, False, fault or death(child), last_words(folder)))
    left.remove(current)
    if current != "start":
        return left
    gathered.proofs += [Proof(each, False, "not proven: nothing starts") for each in left]
    return []


def start_child(module: str, folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start the `main` of a module with these words, in the folder."""
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "WANDB_MODE": "disabled", "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _BOOT, str(Path(__file__).parents[2]), module, *words],
        cwd=folder,
        env={**os.environ, **quiet, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    )


def messages(child: subprocess.Popen[str], timeout: float) -> Iterator[dict[str, Any]]:
    """What the child tells until it ends; TimeoutError if it is silent for too long."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if not line:
            return
        yield json.loads(line)


def end_child(child: subprocess.Popen[str]) -> None:
    """End the child and all that it started; does nothing to one that has ended."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def death(child: subprocess.Popen[str]) -> str:
    """How a child ended."""
    code = child.returncode
    if code < 0:
        return f"the interpreter died of {signal.Signals(-code).name}"
    return f"the interpreter ended with exit code {code}"


def last_words(folder: Path) -> tuple[str, ...]:
    """The last line that it printed."""
    with contextlib.suppress(OSError):
        lines = (folder / LOG).read_text("utf-8", "replace").strip().splitlines()
        return tuple(lines[-1:])
    return ()
