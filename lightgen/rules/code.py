"""A rule as Python text."""

from __future__ import annotations

from dataclasses import dataclass

from lightgen.rules.rule import Function


@dataclass(frozen=True)
class UpdateCode:
    """One function of a rule, printed three times; each text is a whole function.

    `condition` is Python on the parameter `p`, empty where the function serves every one.
    """

    function: Function
    suffix: str
    condition: str
    single: str
    foreach: str
    functional: str
