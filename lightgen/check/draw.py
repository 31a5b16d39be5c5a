"""Curves as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#@"


def draw(points: Sequence[float], width: int, height: int, *, ascii_only: bool) -> list[str]:
    """Lines of so many characters: bars from zero at the bottom to the highest point."""
    signs = _ASCII if ascii_only else _BLOCKS
    steps = len(signs) - 1
    levels = [_level(rate, max(map(_finite, points)), height * steps) for rate in points]
    columns = [levels[at * len(levels) // width] for at in range(width)]
    return [
        "".join(signs[min(steps, max(0, level - row * steps))] for level in columns)
        for row in reversed(range(height))
    ]


def _level(rate: float, peak: float, most: int) -> int:
    """Above zero is seen, however little it is."""
    if _finite(rate) <= 0 or peak <= 0:
        return 0
    return max(1, round(_finite(rate) / peak * most))


def _finite(rate: float) -> float:
    return rate if math.isfinite(rate) else 0.0
