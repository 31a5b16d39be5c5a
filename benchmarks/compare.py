"""Time contestants in turns and print how they compare.

The machine may be busy with other things: turns spread that over all contestants, so that the
ratios of one run mean something where its times alone do not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

Times = Mapping[str, Sequence[float]]


def parser(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """The command line that all comparisons share."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--rounds", type=int, default=rounds, metavar="N", help="turns of each")
    return made


def measure(contestants: Mapping[str, Callable[[], float]], rounds: int) -> Times:
    """Seconds of each contestant in each round, after a round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            seconds = run()
            if number:
                times[name].append(seconds)
    return times


def print_ratios(times: Times, reference: str, *, unit: str, scale: float) -> None:
    """Print minimum and median of each contestant and their ratios to those of the reference.

    `scale` is how many of the unit are a second.
    """
    rounds = len(times[reference])
    table = Table(title=f"{rounds} rounds, {unit}")
    table.add_column("", no_wrap=True)
    for head in ("minimum", "median", "ratio of minima", "ratio of medians"):
        table.add_column(head, justify="right")
    for name, seconds in times.items():
        low, middle = min(seconds), median(seconds)
        table.add_row(
            name,
            f"{low * scale:,.1f}",
            f"{middle * scale:,.1f}",
            f"{low / min(times[reference]):.2f}",
            f"{middle / median(times[reference]):.2f}",
        )
    Console(soft_wrap=True).print(table)


def script(name: str) -> str:
    """A console script of the environment that runs the benchmark."""
    return str(Path(sys.executable).with_name(name))


def seconds_of(command: Sequence[str], *, home: Path, cwd: Path | None = None) -> float:
    """Run a process to its end and return its time; CalledProcessError if it fails.

    It gets a home of its own, so that it neither reads nor leaves anything in the user's. Bytecode
    is kept there, as an installation has it: the round that does not count compiles it.
    """
    environment = {**os.environ, "HOME": str(home), "PYTHONPYCACHEPREFIX": str(home / "pycache")}
    for name in ("PYTHONDONTWRITEBYTECODE", "XDG_CACHE_HOME", "COOKIECUTTER_CONFIG"):
        environment.pop(name, None)
    start = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        cwd=cwd or home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start
