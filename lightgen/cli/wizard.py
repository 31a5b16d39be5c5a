"""The questions of `new --interactive`, asked only for what the command line leaves open."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from lightgen.catalogue.optimizers import COMPOSITE, optimizers
from lightgen.catalogue.others import find_optimizer
from lightgen.catalogue.parts import DATA, MODELS, TASKS
from lightgen.catalogue.schedulers import schedulers
from lightgen.problems import InputError, LightgenError, Problem, ProjectError
from lightgen.spec.flags import Flags
from lightgen.spec.groups import parse_groups
from lightgen.write import check_target

_NONE = "none"


def ask(path: Path, flags: Flags) -> tuple[Path, Flags]:
    """Ask on the terminal; return the path and the flags that say the same.

    Raises InputError without a terminal, KeyboardInterrupt if the user breaks off.
    """
    import questionary

    _require_terminal()
    place = _answer(
        questionary.text("Folder of the project", default=str(path), validate=_valid_path)
    )
    said = {key: value for key, _, value in (text.partition("=") for text in flags.assignments)}
    chosen = []
    task = said.get("task", "classification").lower()
    if "task" not in said:
        task = _answer(questionary.select("Task", list(TASKS), default=task))
        chosen += [f"task={task}"] if task != "classification" else []
    ruled = "custom" if flags.rule else None
    optimizer = (
        flags.optimizer
        or ruled
        or _answer(
            questionary.select(
                "Optimizer", [*optimizers(), COMPOSITE.name, "custom"], default="AdamW"
            )
        )
    )
    if "model.name" not in said:
        fitting = _fitting_models(optimizer, task)
        model = _answer(questionary.select("Model", fitting)) if len(fitting) > 1 else fitting[0]
        chosen += [f"model.name={model}"] if model != fitting[0] else []
    groups = flags.groups
    if groups is None and not _single_group(optimizer):
        groups = _answer(
            questionary.text(
                "Parameter groups (NAME:RATE,..., empty for one)",
                validate=_valid_groups,
            )
        )
    scheduler = flags.scheduler
    if scheduler is None:
        scheduler = _answer(questionary.select("Schedule", [_NONE, *schedulers()], default=_NONE))
    return Path(place), Flags(
        None if ruled else optimizer,
        groups or None,
        None if scheduler == _NONE else scheduler,
        flags.lr,
        (*flags.assignments, *chosen),
        flags.template,
        flags.checkout,
        flags.rule,
    )


def equivalent_command(path: Path, flags: Flags) -> str:
    """The command line that says the same without questions."""
    words = ["lightgen", "new", str(path)]
    for name in ("optimizer", "rule", "groups", "scheduler", "lr", "template", "checkout"):
        value = getattr(flags, name)
        words += [f"--{name}", value] if value is not None else []
    for text in flags.assignments:
        words += ["--set", text]
    return shlex.join(words)


def _answer(question: Any) -> str:
    return str(question.unsafe_ask())


def _require_terminal() -> None:
    import sys

    if not sys.stdin.isatty():
        problem = Problem("--interactive", "there is no terminal to ask on", "say it with flags")
        raise InputError(problem)


def _single_group(optimizer: str) -> bool:
    record = find_optimizer(optimizer)
    return record is not None and record.single_group


def _fitting_models(optimizer: str, task: str) -> list[str]:
    record = find_optimizer(optimizer)
    wished = TASKS.get(task, TASKS["classification"])
    image = DATA[wished.data].image is not None
    if wished.inputs == "text":
        return [model.name for model in MODELS.values() if wished.inputs in model.reads]
    if record is not None and record.sparse_only:
        return ["embedding-bag"]
    if record is not None and record.matrices_only:
        return ["mlp"]
    if optimizer.lower() == COMPOSITE.name:
        return ["mlp", "transformer"]
    return [m.name for m in MODELS.values() if not m.sparse and (image or not m.images_only)]


def _valid_path(text: str) -> bool | str:
    try:
        check_target(Path(text))
    except ProjectError as error:
        return str(error)
    return bool(text.strip()) or "a folder is needed"


def _valid_groups(text: str) -> bool | str:
    try:
        if text.strip():
            parse_groups(text)
    except LightgenError as error:
        return str(error)
    return True
