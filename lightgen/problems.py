"""What can be wrong, as values: gathered, then raised once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that the user has to mend: where it stands, what it is, what to do about it."""

    where: str
    what: str
    todo: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.todo}" if self.todo else text


class LightgenError(Exception):
    """The one base of all errors that lightgen raises on purpose."""

    exit_code = 70

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class InputError(LightgenError):
    """The command line, the spec or a rule is wrong. Nothing was written."""

    exit_code = 2


class ProjectError(LightgenError):
    """The project on disk or the environment does not allow it. Nothing was written."""

    exit_code = 3


def raise_if_any(problems: Sequence[Problem]) -> None:
    """Raise InputError with all the problems at once, each told once."""
    if problems:
        raise InputError(*dict.fromkeys(problems))


def guess(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest known word, or the words there are."""
    names = sorted(known)
    return nearest(word, names) or (f"known: {', '.join(names)}" if names else "")


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> str:
    """Return "did you mean 'x'?" for the nearest known word, in any case; "" where none is near.

    `alike` is the least share of letters in common, from 0 to 1.
    """
    folded = {name.lower(): name for name in sorted(known, reverse=True)}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=alike)
    return f"did you mean '{folded[near[0]]}'?" if near else ""
