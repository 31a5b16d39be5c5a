"""`lightgen status` in an edited project against the --help of typer's hello world."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.compare import measure, parser, print_ratios, script, seconds_of
from benchmarks.help import HELLO
from benchmarks.trees import read_files, write_files
from benchmarks.update_project import FLAGS, PACKAGE, edited


def main() -> None:
    arguments = parser(__doc__, rounds=20).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        hello = home / "hello.py"
        hello.write_text(HELLO, encoding="utf-8")
        project = home / PACKAGE
        seconds_of([script("lightgen"), "new", str(project), *FLAGS], home=home)
        tree = read_files(project)
        write_files(project, {**tree, **edited(tree)})
        contestants = {
            "typer hello": [sys.executable, str(hello), "you"],
            "typer hello --help": [sys.executable, str(hello), "--help"],
            "lightgen status": [script("lightgen"), "status", str(project)],
        }
        runs = {
            name: partial(seconds_of, command, home=home) for name, command in contestants.items()
        }
        times = measure(runs, arguments.rounds)
    print_ratios(times, "typer hello", unit="milliseconds", scale=1e3)


if __name__ == "__main__":
    main()
