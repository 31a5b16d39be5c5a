"""What a run was trained with, kept in its checkpoints.

Optimizer and scheduler states win over the code when a run resumes, without a word: a
changed rate is ignored, a longer cosine climbs again, moments land on other parameters
of the same shape.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from torch.optim import Optimizer

Recipe: TypeAlias = dict[str, Any]


def recipe_of(optimizer: Optimizer, schedule: Recipe) -> Recipe:
    """Everything that must be the same when a run resumes, as plain values."""
    groups = {}
    for group in optimizer.param_groups:
        settings = {key: value for key, value in group.items() if key != "params"}
        groups[group["name"]] = settings
    return {
        "optimizer": type(optimizer).__name__,
        "schedule": schedule,
        "groups": groups,
    }


def check_recipe(saved: Recipe, current: Recipe) -> None:
    """Raise ValueError with every difference between a checkpoint and the code."""
    differences = list(compare(saved, current))
    if differences:
        raise ValueError(
            "the checkpoint was trained with another recipe: "
            + "; ".join(differences)
            + ". Bring the code back to it, or start a new run"
        )


def compare(saved: Any, current: Any, place: str = "") -> Iterator[str]:
    """Yield a line for each value that differs."""
    if isinstance(saved, dict) and isinstance(current, dict):
        for key in [*saved, *(key for key in current if key not in saved)]:
            inner = f"{place}.{key}".removeprefix(".")
            yield from compare(saved.get(key), current.get(key), inner)
    elif saved != current:
        yield f"{place} was {saved}, is {current}"
