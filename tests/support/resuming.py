"""Save a run, resume it in a changed project, and hold `lightgen resume-plan` against that."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lightgen.check.resumption import CHOICES, Resumption, read
from support.checks import package_of
from support.projects import in_project

EPOCHS = 2


class _Stop(Exception):
    """Ends a run: it has told what is asked."""


@dataclass(frozen=True)
class Began:
    """The groups of all optimizers at the first step of a run, or why it stopped."""

    groups: tuple[dict[str, Any], ...] = ()
    stopped: str = ""


def checkpoint_of(root: Path, *arguments: str) -> Path:
    """The checkpoint of a run that was to go on after two epochs."""

    def act() -> Path:
        module, root_module = _training(root)

        class Interrupt(root_module.Callback):  # type: ignore[name-defined, misc]
            def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
                if trainer.current_epoch == EPOCHS:
                    raise _Stop

        with pytest.raises(_Stop):
            module.train(module.parse_arguments([*arguments]), [Interrupt()])
        return next(root.rglob("last.ckpt"))

    path: Path = in_project(root, act)
    return path


def resumptions(
    root: Path, checkpoint: Path, *arguments: str, choices: Sequence[str | None] = (None, *CHOICES)
) -> dict[str | None, tuple[Resumption, Began]]:
    """For each choice, what is foretold and what the Trainer begins with."""

    def act() -> dict[str | None, tuple[Resumption, Began]]:
        sys.dont_write_bytecode = True
        return {
            choice: (foretold(root, checkpoint, choice, arguments), _begun(root, words))
            for choice in choices
            for words in [[*arguments, f"--ckpt-path={checkpoint}", *_flag(choice)]]
        }

    found: dict[str | None, tuple[Resumption, Began]] = in_project(root, act)
    return found


def must_agree(foretold: Resumption, began: Began, choice: str | None) -> None:
    """What was foretold is what the Trainer did."""
    assert foretold.goes_on == (not began.stopped), began.stopped
    if began.stopped:
        return
    chosen = choice or "exact"
    assert foretold.choice == chosen
    rates = [each.rates[chosen] for each in foretold.next_rates]
    assert [each.group for each in foretold.next_rates] == [each["name"] for each in began.groups]
    assert rates == pytest.approx([each["lr"] for each in began.groups], abs=1e-12)
    groups = {each["name"]: each for each in began.groups}
    for setting in foretold.settings:
        # Schedules move rates, and some move momentum.
        if setting.name == "weight_decay" and setting.group in groups:
            winner = setting.checkpoint if chosen == "exact" else setting.code
            assert groups[setting.group]["weight_decay"] == winner


def _flag(choice: str | None) -> list[str]:
    return [f"--resume={choice}"] if choice else []


def _training(root: Path) -> tuple[Any, Any]:
    warnings.simplefilter("ignore")
    module = import_module(f"{package_of(root).name}.train")
    return module, module.pl


def _begun(root: Path, words: Sequence[str]) -> Began:
    module, root_module = _training(root)
    found: list[dict[str, Any]] = []

    class Begin(root_module.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_start(
            self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
        ) -> None:
            groups = [group for each in trainer.optimizers for group in each.param_groups]
            found.extend(_plain(group) for group in groups)
            raise _Stop

    try:
        module.train(module.parse_arguments(words), [Begin()])
    except _Stop:
        return Began(tuple(found))
    except module.AnotherRecipeError as error:
        return Began(stopped=str(error))
    raise AssertionError("the run ended before a batch")


def _plain(group: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.tolist() if hasattr(value, "tolist") else value
        for key, value in group.items()
        if key != "params"
    }


def foretold(
    root: Path, checkpoint: Path, choice: str | None, arguments: Sequence[str]
) -> Resumption:
    """What is foretold, in this process."""
    from lightgen.check import foresee

    told: list[dict[str, Any]] = []
    seen, folder = list(sys.path), Path.cwd()
    foresee.serve(root, checkpoint, choice, arguments, lambda message: told.append(dict(message)))
    sys.path[:] = seen
    os.chdir(folder)
    assert "resumption" in told[-1], told[-1]
    return read(told[-1]["resumption"])
