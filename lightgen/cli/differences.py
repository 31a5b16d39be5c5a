"""Diffs on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import typer


def print_difference(texts: Iterable[str]) -> None:
    """Print diffs, in colour on a terminal."""
    for text in texts:
        for line in text.split("\n")[:-1]:
            typer.echo(typer.style(line, fg=_diff_colour(line), bold=_is_head(line) or None))


def _is_head(line: str) -> bool:
    return line.startswith(("--- ", "+++ "))


def _diff_colour(line: str) -> str | None:
    if _is_head(line):
        return None
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
