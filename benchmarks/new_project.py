"""`lightgen new` against cookiecutter, which writes the same files from a template of them.

The template is made of what lightgen wrote: each file, `.lightgen/` too, with the package's name as
its variable. The two trees are compared before anything counts.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.compare import measure, parser, print_ratios, script, seconds_of
from benchmarks.trees import Files, as_template, read_files, write_files

# One word, so that the names of package, distribution and folder are the same.
PACKAGE = "quokka"
FLAGS = ("--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3")
VARIABLE = "{{ cookiecutter.package }}"


def main() -> None:
    arguments = parser(__doc__, rounds=20).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ours = [script("lightgen"), "new", PACKAGE, *FLAGS]
        seconds_of(ours, home=home)
        expected = read_files(home / PACKAGE)
        template = home / "template"
        write_template(template, expected)
        peer = [script("cookiecutter"), "--no-input", str(template)]
        contestants = {
            "cookiecutter": writing(peer, home, expected),
            "lightgen new": writing(ours, home, expected),
        }
        print(f"{len(expected)} files, {sum(map(len, expected.values())):,} bytes")
        times = measure(contestants, arguments.rounds)
    print_ratios(times, "cookiecutter", unit="milliseconds", scale=1e3)


def write_template(template: Path, tree: Files) -> None:
    """Write a cookiecutter template that renders to the tree."""
    files = {"cookiecutter.json": json.dumps({"package": PACKAGE}).encode("utf-8")}
    for path, content in tree.items():
        name = f"{VARIABLE}/{path.replace(PACKAGE, VARIABLE)}"
        files[name] = as_template(content, PACKAGE, VARIABLE) or content
    write_files(template, files)


def writing(command: list[str], home: Path, expected: Files) -> Callable[[], float]:
    """A run of the command in a folder of its own; RuntimeError if it writes anything else."""

    def run() -> float:
        with tempfile.TemporaryDirectory(dir=home) as folder:
            seconds = seconds_of(command, home=home, cwd=Path(folder))
            if read_files(Path(folder) / PACKAGE) != expected:
                raise RuntimeError(f"{command[0]} wrote another tree")
        return seconds

    return run


if __name__ == "__main__":
    main()
