"""Start the child that works out what a resume would do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from lightgen.check import prove
from lightgen.check.resumption import Resumption, read
from lightgen.check.sources import find_sources
from lightgen.problems import InputError, Problem, ProjectError

# In a checkpoint of parts, the file of all but the tensors.
METADATA = "meta.pt"
_CHILD = "lightgen.check.foresee"
_ANOTHER = "name a file that the project's training has saved"


def plan_resume(
    root: Path, checkpoint: Path, choice: str | None, arguments: Sequence[str], timeout: float
) -> Resumption:
    """What the project at `root` would do with a checkpoint.

    `arguments` are those of its training beside the checkpoint. Raises InputError for a file that
    is no checkpoint, and ProjectError if torch is missing or the training doesn't start.
    """
    _must_be_checkpoint(checkpoint)
    root = root.resolve()
    prove.need_torch("resume-plan")
    find_sources(root)
    asked = json.dumps([str(checkpoint.resolve()), choice, list(arguments)])
    with tempfile.TemporaryDirectory(prefix="lightgen-resume-") as place:
        folder = Path(place)
        prove.mirror(root, folder)
        child = prove.start_child(_CHILD, folder, str(root), asked)
        try:
            for message in prove.messages(child, timeout):
                if "begin" not in message:
                    return _resumption(message)
        except TimeoutError:
            what = f"took longer than {timeout:g} seconds"
            todo = "--timeout allows more"
            raise ProjectError(Problem("lightgen resume-plan", what, todo)) from None
        finally:
            prove.end_child(child)
        last = "".join(prove.last_words(folder))
        raise ProjectError(Problem("lightgen resume-plan", prove.death(child), last))


def _must_be_checkpoint(path: Path) -> None:
    if not path.exists():
        raise InputError(Problem(str(path), "there is no such file", _ANOTHER))
    if not (is_zipfile(path) if path.is_file() else (path / METADATA).is_file()):
        raise InputError(Problem(str(path), "is not a checkpoint", _ANOTHER))


def _resumption(message: dict[str, Any]) -> Resumption:
    if "problems" in message:
        raise ProjectError(*(Problem(**each) for each in message["problems"]))
    if "problem" in message:
        kind = InputError if message["of_input"] else ProjectError
        raise kind(Problem(**message["problem"]))
    return read(message["resumption"])
