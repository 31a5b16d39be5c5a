"""The child that works out what a resume would do: the project, and what was asked as JSON.

Nothing of the project's own resume code is used: it builds optimizers and schedules as the code
has them, up to the first batch, and holds them against the checkpoint.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lightgen.check.paths import examine
from lightgen.check.place import told, where
from lightgen.check.plan_resume import METADATA
from lightgen.check.run import Tell, import_problem, tell_outside
from lightgen.check.sources import find_sources
from lightgen.problems import Problem


class _BadInputError(Exception):
    """The checkpoint is the problem."""


class _AnotherNetworkError(Exception):
    """The checkpoint is of a network that the code no longer builds."""


def serve(
    root: Path, checkpoint: Path, choice: str | None, arguments: Sequence[str], tell: Tell
) -> None:
    """Tell what a resume of the project at `root` would do, or why that can't be said."""
    tell({"begin": "plan"})
    try:
        sources = find_sources(root)
        from lightgen.check import launch

        named = examine(sources)
        if named.missing or named.faults:
            faults = [*named.missing, *(Problem("", each) for each in named.faults)]
            tell({"problems": [asdict(each) for each in faults], "of_input": False})
            return
        launcher = launch.open_project(sources)
    except BaseException as error:
        tell({"problem": asdict(import_problem(error, root)), "of_input": False})
        return
    try:
        saved = _loaded(checkpoint)
    except _BadInputError as error:
        problem = Problem(str(checkpoint), str(error), "name a checkpoint of the project")
        tell({"problem": asdict(problem), "of_input": True})
        return
    try:
        from lightgen.check.sides import resumption

        launched = replace(launcher, arguments=tuple(arguments))
        planned, counted = _planned(launched, checkpoint, saved)
        found = replace(resumption(saved, planned, choice), **counted)
    except _AnotherNetworkError as error:
        todo = "begin a new run, or bring the network back: no --resume goes on from here"
        problem = Problem(str(checkpoint), f"another network: {error}", todo)
        tell({"problem": asdict(problem), "of_input": True})
        return
    except BaseException as error:
        what = f"the training does not start: {launch.reason(error)}"
        problem = Problem(where(error, root) or str(root), what, "run lightgen check")
        tell({"problem": asdict(problem), "of_input": False})
        return
    tell({"resumption": asdict(found)})


def _loaded(path: Path) -> dict[str, Any]:
    import torch

    try:
        file = path / METADATA if path.is_dir() else path
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _BadInputError("holds more than values, and loading it could run code") from error
    except Exception as error:
        raise _BadInputError(f"is not a checkpoint: {told(error)}") from error
    if not isinstance(saved, dict) or not {"state_dict", "loops"} <= saved.keys():
        raise _BadInputError("is not a checkpoint of Lightning")
    return saved


def _planned(launcher: Any, checkpoint: Path, saved: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The planned run, of the module with the hyperparameters that the checkpoint stores.

    With it, for how many processes its steps are counted.
    """
    from lightgen.check.planned import plan
    from lightgen.check.processes import as_one_of, asked_for

    launched = launcher.planned()
    _must_fit(saved["state_dict"], launched.module.state_dict())
    if "--lr" not in " ".join(launcher.arguments):
        kind = type(launched.module)
        if checkpoint.is_dir():
            module = kind(**saved.get("hyper_parameters", {}))
        else:
            module = kind.load_from_checkpoint(
                checkpoint, map_location="cpu", strict=False, weights_only=True
            )
        module.configure_callbacks = launched.module.configure_callbacks
        arguments = {**launched.arguments, "model": module}
        launched = replace(launched, module=module, arguments=arguments)
    processes, assumed = asked_for(launched.asked)
    with as_one_of(launched.pl, launched.trainer, processes):
        return plan(launched), {"processes": processes, "assumed": assumed}


def _must_fit(saved: dict[str, Any], weights: dict[str, Any]) -> None:
    for name, tensor in weights.items():
        before = getattr(saved.get(name), "shape", tensor.shape)
        if before != tensor.shape:
            shapes = f"has {tuple(before)} in the checkpoint, {tuple(tensor.shape)} in the code"
            raise _AnotherNetworkError(f"{name} {shapes}")


def main() -> None:
    """Work out what the command line asks for."""
    root, asked = sys.argv[1:]
    checkpoint, choice, arguments = json.loads(asked)
    tell_outside(lambda tell: serve(Path(root), Path(checkpoint), choice, arguments, tell))
