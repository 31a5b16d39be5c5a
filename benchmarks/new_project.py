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
        expected = read_tree(home / PACKAGE)
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


def read_tree(folder: Path) -> dict[str, bytes]:
    """Relative path to content of every file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_template(template: Path, tree: dict[str, bytes]) -> None:
    """Write a cookiecutter template that renders to the tree."""
    template.mkdir()
    variables = json.dumps({"package": PACKAGE})
    (template / "cookiecutter.json").write_text(variables, encoding="utf-8")
    for path, content in tree.items():
        target = template / VARIABLE / path.replace(PACKAGE, VARIABLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(as_template(content.decode("utf-8")).encode("utf-8"))


def as_template(text: str) -> str:
    """The text as a Jinja template: the name is the variable, all else is left as it is."""
    return VARIABLE.join(_escaped(part) for part in text.split(PACKAGE))


def _escaped(text: str) -> str:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    return f"{{% raw %}}{text}{{% endraw %}}"


def writing(command: list[str], home: Path, expected: dict[str, bytes]) -> Callable[[], float]:
    """A run of the command in a folder of its own; RuntimeError if it writes anything else."""

    def run() -> float:
        with tempfile.TemporaryDirectory(dir=home) as folder:
            seconds = seconds_of(command, home=home, cwd=Path(folder))
            if read_tree(Path(folder) / PACKAGE) != expected:
                raise RuntimeError(f"{command[0]} wrote another tree")
        return seconds

    return run


if __name__ == "__main__":
    main()
