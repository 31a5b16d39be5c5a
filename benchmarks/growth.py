"""How update and status grow with the number of the user's files, and a merge with the size of one.

All is processor time, least of some rounds: what else the machine does then matters less.

The first table: whole processes in a project with that many files of the user's own, beside a
script that does no more than list and hash the same project. In the last column one generated file
was moved by the user, so that its new place is to be found among all of them.

The second: the merge of one Python file, in this process. `x4` has four times the code of `x1`. The
exponent is that of the power of the size with which the time grows from the row before: 1 is
linear.
"""

from __future__ import annotations

import math
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import black
from rich.console import Console
from rich.table import Table

from benchmarks.compare import Times, measure, parser, script, seconds_of
from benchmarks.trees import read_files, write_files
from benchmarks.update_project import CHANGE, FLAGS, PACKAGE, edited
from lightgen.merge.content import merge_content

COUNTS = (0, 500, 2000)
SIZES = (1, 4, 16)
LIST_AND_HASH = """\
import hashlib, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(f"{folder}/{name}", "rb") as stream:
            hashlib.sha256(stream.read()).hexdigest()
"""
OWN = '''\
"""Number {number} of the user's modules."""

import math

import torch
from torch import Tensor, nn

from quokka.model import Network


class Head{number}(nn.Module):
    """A head of its own."""

    def __init__(self, width: int = {number}) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 10)
        self.scale = math.sqrt(width)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.relu(self.layer(inputs))
        return hidden * self.scale


def make_head_{number}(network: Network) -> Head{number}:
    """Fit it to a network."""
    return Head{number}(network.head.in_features)
'''
PIECE = '''

class Stage{number}(nn.Module):
    """Stage {number} of the network."""

    def __init__(self, width: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Linear(width, 4 * width)
        self.second = nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        # What comes in is added at the end.
        hidden = self.first(self.norm(inputs))
        hidden = torch.nn.functional.gelu(hidden)
        if self.training and hidden.requires_grad:
            hidden = self.dropout(hidden)
        return inputs + self.second(hidden)


def build_stage_{number}(settings: dict[str, int]) -> Stage{number}:
    """Make it of the settings that are its own."""
    width = settings.get("width_{number}", 64)
    if width % 8:
        raise ValueError(f"width {{width}} is no multiple of 8")
    return Stage{number}(width, dropout=settings["dropout"] / 100)
'''
HEAD = '"""The stages."""\n\nimport torch\nfrom torch import Tensor, nn\n'


def main() -> None:
    arguments = parser(__doc__, rounds=5).parse_args()
    print_growth_with_files(arguments.rounds)
    print_growth_with_size(arguments.rounds)


# Files.


def print_growth_with_files(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        contestants = {}
        for count in COUNTS:
            project = make_project(home, count)
            for name, command in commands(home).items():
                contestants[f"{name} {count}"] = partial(in_copy, project, home, command)
        times = measure(contestants, rounds)
    names = list(commands(Path()))
    table = Table(title=f"{rounds} rounds, least milliseconds")
    table.add_column("files of the user's own")
    for name in names:
        table.add_column(name, justify="right")
    for count in COUNTS:
        table.add_row(str(count), *(f"{_least(times, name, count):,.0f}" for name in names))
    added = (_least(times, name, COUNTS[-1]) - _least(times, name, 0) for name in names)
    table.add_section()
    table.add_row("more for 1,000", *(f"{more / COUNTS[-1] * 1000:,.0f}" for more in added))
    Console(soft_wrap=True).print(table)


def _least(times: Times, name: str, count: int) -> float:
    return min(times[f"{name} {count}"]) * 1e3


def commands(home: Path) -> dict[str, tuple[list[str], bool]]:
    """What is timed, and whether a generated file is moved before."""
    update = [script("lightgen"), "update", *CHANGE]
    return {
        "list and hash": ([sys.executable, "-c", LIST_AND_HASH, "."], False),
        "status": ([script("lightgen"), "status"], False),
        "update": (update, False),
        "update, one moved": (update, True),
    }


def make_project(home: Path, count: int) -> Path:
    """A project with edits and this many files of the user's own."""
    project = home / str(count) / PACKAGE
    project.parent.mkdir()
    seconds_of([script("lightgen"), "new", str(project), *FLAGS], home=home)
    tree = read_files(project)
    own = {
        f"src/{PACKAGE}/own_{number // 50}/module_{number}.py": OWN.format(number=number).encode()
        for number in range(count)
    }
    write_files(project, {**tree, **edited(tree), **own})
    return project


def in_copy(project: Path, home: Path, command: tuple[list[str], bool]) -> float:
    """Seconds of processor time of the command in a fresh copy of the project."""
    words, is_moved = command
    with tempfile.TemporaryDirectory(dir=home) as folder:
        copy = Path(folder, PACKAGE)
        shutil.copytree(project, copy)
        if is_moved:
            package = copy / "src" / PACKAGE
            (package / "parts").mkdir()
            (package / "model.py").rename(package / "parts" / "network.py")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds_of(words, home=home, cwd=copy)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# Size.


def print_growth_with_size(rounds: int) -> None:
    table = Table(title=f"{rounds} rounds, least milliseconds")
    for head in ("merge of one Python file", "lines", "milliseconds", "exponent"):
        table.add_column(head, justify="left" if head.startswith("merge") else "right")
    for name, make in SHAPES.items():
        before = 0.0, 0
        for size in SIZES:
            versions = make(size)
            seconds = min(_merge_seconds(versions) for _ in range(rounds))
            lines = versions[0].count("\n")
            slope = math.log(seconds / before[0]) / math.log(lines / before[1]) if before[1] else 0
            row = [f"{name}, x{size}", f"{lines:,}", f"{seconds * 1e3:,.0f}"]
            table.add_row(*row, f"{slope:.2f}" if slope else "")
            before = seconds, lines
        table.add_section()
    Console(soft_wrap=True).print(table)


def _merge_seconds(versions: Sequence[str]) -> float:
    base, yours, new = (text.encode() for text in versions)
    start = time.process_time()
    merged = merge_content(base, yours, new, "stages.py")
    seconds = time.process_time() - start
    if merged is None or merged.conflicts:
        raise RuntimeError("conflicts, where there are none")
    return seconds


def definitions(size: int, *, change: str = "") -> tuple[str, str, str]:
    """A module of many definitions, ten for each unit of size; ten of them changed on each side."""
    base = HEAD + "".join(PIECE.format(number=number) for number in range(10 * size))
    yours, new = base, base
    for number in range(0, 10 * size, size):
        yours = _replaced(yours, number, "inputs + self.second(hidden)", "self.second(hidden)")
        new = _replaced(new, number, "{width} is no multiple", "{width} of {number} is no multiple")
    return base, yours, new


def _replaced(text: str, number: int, old: str, other: str) -> str:
    """The text with a change in the piece of that number."""
    start = text.index(f"class Stage{number}(")
    end = text.find(f"class Stage{number + 1}(")
    end = len(text) if end < 0 else end
    return text[:start] + text[start:end].replace(old, other) + text[end:]


def reformatted(size: int) -> tuple[str, str, str]:
    """The same, laid out anew by the user: shorter lines, no magic commas, other quotes."""
    base, yours, new = definitions(size)
    mode = black.Mode(line_length=60, magic_trailing_comma=False)
    return base, black.format_str(yours, mode=mode).replace('"', "'").replace("'''", '"""'), new


def statements(size: int) -> tuple[str, str, str]:
    """One function of many statements, most of them changed by the user in their layout."""

    def body(value: int) -> Iterator[str]:
        yield "def build(settings):\n    total = 0\n"
        for number in range(100 * size):
            factor = value if number % (10 * size) == 5 else 2
            yield f"    width_{number} = settings['width_{number}'] * {factor}\n"
            yield f"    total += width_{number}\n"
        yield "    return total\n"

    base = "".join(body(2))
    return base, base.replace("    total += width_7\n", "    total -= width_7\n"), "".join(body(3))


def entries(size: int) -> tuple[str, str, str]:
    """One list of many entries, some changed by either side."""

    def text(rate: str, decay: str) -> str:
        rows = (
            f'    {{"name": "layer_{number}", "lr": {rate if number % 7 == 3 else "1e-4"},'
            f' "weight_decay": {decay if number % 5 == 1 else "0.01"}}},\n'
            for number in range(50 * size)
        )
        return f"GROUPS = [\n{''.join(rows)}]\n"

    return text("1e-4", "0.01"), text("1e-4", "0.0"), text("3e-4", "0.01")


SHAPES: dict[str, Callable[[int], tuple[str, str, str]]] = {
    "definitions": definitions,
    "reformatted": reformatted,
    "statements": statements,
    "entries": entries,
}


if __name__ == "__main__":
    main()
