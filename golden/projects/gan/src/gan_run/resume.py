"""How a run goes on from a checkpoint.

torch gives optimizer state to parameters by position; here it is given by name. Where
the code is to win, it replaces what the checkpoint says of rates and schedule.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import pytorch_lightning as pl

from gan_run.recipe import Recipe, check_recipe

Checkpoint: TypeAlias = dict[str, Any]


def resume(
    task: pl.LightningModule,
    checkpoint: Checkpoint,
    current: Sequence[Recipe],
    choice: str | None,
) -> Sequence[Recipe]:
    """Make a checkpoint's states what the Trainer is to restore; return their recipes.

    Raises AnotherRecipeError if the recipes differ and no choice settles it.
    """
    saved = checkpoint.get("recipe")
    if saved is None or "optimizer_states" not in checkpoint:
        return current
    saved = saved if isinstance(saved, list) else [saved]
    before, now = checkpoint["state_dict"].keys(), task.state_dict().keys()
    new = [f"{name} is new" for name in sorted(now - before)]
    gone = [f"{name} is gone" for name in sorted(before - now)]
    check_recipe(saved, current, choice, [*new, *gone])
    code_wins = choice == "schedule"
    if code_wins:
        states = iter(checkpoint["lr_schedulers"])
        moved = [next(states) if scheduled(recipe) else {} for recipe in saved]
        moved = [
            state for state, now in zip(moved, current, strict=True) if scheduled(now)
        ]
        configs = zip(task.trainer.lr_scheduler_configs, moved, strict=True)
        checkpoint["lr_schedulers"] = [
            advance(config.scheduler, moves(state)) for config, state in configs
        ]
    optimizers = zip(
        task.trainer.optimizers, checkpoint["optimizer_states"], strict=True
    )
    checkpoint["optimizer_states"] = [
        by_name(state, optimizer.state_dict(), code_wins)
        for optimizer, state in optimizers
    ]
    if code_wins:
        return current
    return [in_force(*recipes) for recipes in zip(saved, current, strict=True)]


def by_name(saved: Recipe, fresh: Recipe, code_wins: bool) -> Recipe:
    """A saved state for the code's parameters, by their names: new ones have none."""
    names = dict(numbered(saved))
    states = {names.get(key, key): state for key, state in saved["state"].items()}
    state = {key: states[name] for key, name in numbered(fresh) if name in states}
    state |= {key: value for key, value in saved["state"].items() if key not in names}
    groups = fresh["param_groups"]
    if not code_wins:
        kept = {group["name"]: group for group in saved["param_groups"]}
        parameters = ("params", "param_names")
        groups = [
            kept[group["name"]] | {key: group[key] for key in parameters}
            for group in groups
        ]
    return {**saved, "state": state, "param_groups": groups}


def numbered(state: Recipe) -> Iterator[tuple[int, str]]:
    """Yield torch's number and the name of each parameter."""
    for group in state["param_groups"]:
        yield from zip(group["params"], group["param_names"], strict=True)


def in_force(saved: Recipe, current: Recipe) -> Recipe:
    """The recipe of a checkpoint that wins, its parameters in the code's groups."""
    groups = {
        name: saved["groups"][name] | {"param_names": settings["param_names"]}
        for name, settings in current["groups"].items()
    }
    return {**saved, "groups": groups}


def scheduled(recipe: Recipe) -> bool:
    """Whether the optimizer of a recipe has a schedule."""
    return "scheduler" in recipe["schedule"]


def moves(state: Checkpoint) -> int:
    """How often a schedule has moved; a chained one counts in its parts alone."""
    if "_schedulers" in state and "last_epoch" not in state:
        return moves(state["_schedulers"][0])
    return int(state.get("last_epoch", 0))


def advance(scheduler: Any, intervals: int) -> Checkpoint:
    """The state of the code's schedule after so many intervals."""
    with warnings.catch_warnings():
        # torch misses the optimizer's steps: those are in the past.
        warnings.simplefilter("ignore")
        for _ in range(intervals):
            scheduler.step()
    state: Checkpoint = scheduler.state_dict()
    return state
