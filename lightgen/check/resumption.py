"""What a resume would do, as plain values that travel from the child as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CHOICES = ("exact", "schedule", "weights")


@dataclass(frozen=True)
class Setting:
    """A setting of a parameter group on both sides, None where a side lacks it."""

    group: str
    name: str
    checkpoint: Any
    code: Any

    @property
    def differs(self) -> bool:
        """Whether the sides disagree."""
        return bool(self.checkpoint != self.code)


@dataclass(frozen=True)
class NextRate:
    """The rate of a group at the first resumed step, by choice; None where that is not possible."""

    group: str
    rates: dict[str, float | None]


@dataclass(frozen=True)
class Resumption:
    """What a run from a checkpoint would begin with.

    `choice` is who wins: the one that was named, "exact" if both sides agree, else none, and the
    run would stop. `impossible` maps choices to the reason. `moved` are parameters with the group
    that they had and the one that they have. `processes` is how many the steps are counted for, and
    `assumed` why there may be others.
    """

    step: int
    epoch: int
    choice: str | None
    goes_on: bool
    differences: tuple[str, ...]
    impossible: dict[str, str]
    settings: tuple[Setting, ...]
    next_rates: tuple[NextRate, ...]
    moved: tuple[tuple[str, str, str], ...] = ()
    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = field(default=())
    processes: int = 1
    assumed: str = ""


def read(message: dict[str, Any]) -> Resumption:
    """The values that a child told."""
    return Resumption(
        **{
            **message,
            "differences": tuple(message["differences"]),
            "settings": tuple(Setting(**each) for each in message["settings"]),
            "next_rates": tuple(NextRate(**each) for each in message["next_rates"]),
            "moved": tuple(tuple(each) for each in message["moved"]),
            "new": tuple(message["new"]),
            "missing": tuple(message["missing"]),
        }
    )
