"""What a run was trained with, kept in its checkpoints.

Optimizer and scheduler states win over the code when a run resumes, without a word: a
changed rate is ignored, a longer cosine climbs again, moments land on other parameters
of the same shape.
"""

from collections.abc import Iterable, Iterator, Sequence
from inspect import signature
from typing import Any, TypeAlias

from torch import Tensor
from torch.optim import Optimizer

Recipe: TypeAlias = dict[str, Any]

# What --resume takes: who wins where the checkpoint and the code differ.
CHOICES = {
    "exact": "the checkpoint wins: its rates, decays and schedule go on",
    "schedule": "the code wins, its schedule at the step of the run; moments are kept",
    "weights": "the code wins and starts anew; only the weights are kept",
}

# What makes a schedule another one: what a checkpoint holds of it would not fit.
CLASS = ("scheduler", "interval", "functions")


class AnotherRecipeError(ValueError):
    """A checkpoint and the code differ, and who wins is not said or can't win."""


def recipe_of(optimizer: Optimizer, schedule: Recipe) -> Recipe:
    """Everything that must be the same when a run resumes, as plain values."""
    groups = {}
    for group in optimizer.param_groups:
        settings = {
            key: plain(value) for key, value in group.items() if key != "params"
        }
        groups[group["name"]] = settings
    return {
        "optimizer": type(optimizer).__name__,
        "schedule": schedule,
        "groups": groups,
    }


def plain(value: Any) -> Any:
    """A copy without tensors: a schedule changes those in place."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value


def functions_of(scheduler: Any) -> Recipe:
    """The factors on the rates and their numbers, which are in no checkpoint else."""
    found = {}
    for at, factor in enumerate(dict.fromkeys(getattr(scheduler, "lr_lambdas", ()))):
        name = getattr(factor, "func", factor).__name__
        numbers = signature(factor).parameters.items()
        found[f"{name} {at + 1}" if at else name] = {
            key: repr(each.default)
            for key, each in numbers
            if each.default is not each.empty
        }
    return found


def check_recipe(
    saved: Sequence[Recipe],
    current: Sequence[Recipe],
    choice: str | None,
    weights: Iterable[str],
) -> None:
    """Raise AnotherRecipeError with every difference, unless a choice says who wins.

    A recipe for each optimizer; `weights` tells of names that only one side has.
    """
    if len(saved) != len(current):
        number = f"{len(saved)} optimizers, the code has {len(current)}"
        raise AnotherRecipeError(
            f"the checkpoint was trained with {number}: only --resume weights goes on"
        )
    differences = list(weights)
    impossible: dict[str, str] = {}
    for before, now in zip(saved, current, strict=True):
        differences += compare(before, now)
        differences += compare(owners(before), owners(now), "group of")
        impossible |= obstacles(before, now)
    if choice in impossible:
        raise AnotherRecipeError(f"--resume {choice}: {impossible[choice]}")
    if differences and choice is None:
        lines = ["the checkpoint was trained with another recipe:", *differences]
        lines.append("choose who wins with --resume:")
        for name, winner in CHOICES.items():
            lines.append(f"  {name}: {impossible.get(name, winner)}")
        raise AnotherRecipeError("\n  ".join(lines))


def obstacles(saved: Recipe, current: Recipe) -> dict[str, str]:
    """The choices that are not possible, each with the reason."""
    if saved["optimizer"] != current["optimizer"]:
        reason = f"not possible, {current['optimizer']} has another state"
        return {"exact": reason, "schedule": reason}
    if any(saved["schedule"].get(key) != current["schedule"].get(key) for key in CLASS):
        return {"exact": "not possible, the code has another schedule"}
    if saved["groups"].keys() != current["groups"].keys():
        return {"exact": "not possible, there are other groups"}
    return {}


def owners(recipe: Recipe) -> dict[str, str]:
    """The group of each parameter."""
    return {
        name: group
        for group, settings in recipe["groups"].items()
        for name in settings["param_names"]
    }


def compare(saved: Any, current: Any, place: str = "") -> Iterator[str]:
    """Yield a line for each value that differs, but for the order of parameters."""
    if isinstance(saved, dict) and isinstance(current, dict):
        for key in [*saved, *(key for key in current if key not in saved)]:
            if key != "param_names":
                inner = f"{place}.{key}".removeprefix(".")
                yield from compare(saved.get(key), current.get(key), inner)
    elif isinstance(saved, dict) or isinstance(current, dict):
        yield f"{place} is {'new' if saved is None else 'gone'}"
    elif saved != current:
        yield f"{place} was {saved}, is {current}"
