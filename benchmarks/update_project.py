"""`lightgen update` of an edited project against `copier update` and `cruft update` of the same.

Three Python files, pyproject.toml and the README are edited; then a rate changes and a scheduler
comes in, by flags for lightgen, for the others by a new version of their template, which is what
lightgen writes. All must end with the same files before anything counts.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.compare import measure, parser, print_ratios, script, seconds_of
from benchmarks.peers.updaters import add_programs, git, installed, make_home, make_project
from benchmarks.trees import Files, read_files, without, write_files

# One word, so that the names of package, distribution and folder are the same.
PACKAGE = "quokka"
FLAGS = ("--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3")
CHANGE = ("--set", "groups.backbone.lr=3e-4", "--scheduler", "cosine")
# What stands in a file, and what instead. Far enough from what the update changes, in lines too,
# that all merge it: this is about time.
EDITS = {
    "src/quokka/module.py": (
        ("loss, _ = cross_entropy(self.model, batch)", "loss, logits = self.losses(batch)"),
        (
            "    def validation_step(",
            "    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:\n"
            "        loss, logits = cross_entropy(self.model, batch)\n"
            "        return loss + 1e-4 * logits.square().mean(), logits\n\n"
            "    def validation_step(",
        ),
    ),
    "src/quokka/optim.py": (
        ("    widths = [", "    # The longest cell of each column.\n    widths = ["),
        ('"tensors", "parameters"', '"tensors", "numbers"'),
    ),
    "src/quokka/model.py": (
        ("nn.ReLU()", "nn.GELU()"),
        ("width: int = 256", "width: int = 320"),
    ),
    "pyproject.toml": (('    "scikit', '    "rich>=13",\n    "scikit'),),
    "README.md": (("# quokka\n", "# quokka\n\nA fork for the museum.\n"),),
}
OURS = "lightgen update"


def main() -> None:
    options = parser(__doc__, rounds=15)
    add_programs(options)
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_home(home)
        command = [script("lightgen"), "update", *CHANGE]
        project = home / "lightgen" / PACKAGE
        versions = make_ours(home, project, command)
        contestants = {}
        for updater in installed(arguments):
            theirs = make_project(updater, home, versions, PACKAGE)
            contestants[f"{updater.name} update"] = updating(updater.update, home, theirs)
        contestants[OURS] = updating(command, home, project)
        check({name: run()[1] for name, run in contestants.items()}, versions[1])
        before, yours, after = versions
        print(
            f"{len(before)} files, {len(changed(before, yours))} of them edited;"
            f" the update changes {len(changed(before, after))}"
        )
        times = measure(
            {name: lambda run=run: run()[0] for name, run in contestants.items()},
            arguments.rounds,
        )
    for name in times:
        if name != OURS or len(times) == 1:
            pair = {each: times[each] for each in (name, OURS)}
            print_ratios(pair, name, unit="milliseconds", scale=1e3)


def make_ours(home: Path, project: Path, command: list[str]) -> tuple[Files, Files, Files]:
    """Write the project and edit it; returns it as generated, as edited, and as it would be new."""
    project.parent.mkdir()
    seconds_of([script("lightgen"), "new", str(project), *FLAGS], home=home)
    before = read_files(project)
    seconds_of(command, home=home, cwd=project)
    after = read_files(project)
    yours = {**before, **edited(before)}
    shutil.rmtree(project)
    project.mkdir()
    write_files(project, yours)
    return tuple(without(files, _memory(files)) for files in (before, yours, after))


def edited(tree: Files) -> dict[str, bytes]:
    """The files that are edited."""
    found = {}
    for path, edits in EDITS.items():
        text = tree[path].decode("utf-8")
        for old, new in edits:
            if old not in text:
                raise RuntimeError(f"{path} has no {old!r}")
            text = text.replace(old, new)
        found[path] = text.encode("utf-8")
    return found


def _memory(files: Files) -> list[str]:
    return [path for path in files if path.startswith(".lightgen/")]


def updating(command: list[str], home: Path, project: Path) -> Callable[[], tuple[float, Files]]:
    """A run of the command in a fresh copy of the project: its seconds, and what it left."""

    def run() -> tuple[float, Files]:
        with tempfile.TemporaryDirectory(dir=home) as folder:
            copy = Path(folder, PACKAGE)
            shutil.copytree(project, copy)
            if (copy / ".git").exists():
                git(copy, home, "status")  # else the tool would read all files to know them again
            seconds = seconds_of(command, home=home, cwd=copy)
            return seconds, read_files(copy)

    return run


def check(results: dict[str, Files], yours: Files) -> None:
    """Raise RuntimeError unless all have merged, with the same outcome."""
    ours = without(results[OURS], _memory(results[OURS]))
    for name, files in results.items():
        theirs = without(files, [".copier-answers.yml", ".cruft.json", *_memory(files)])
        differing = changed(theirs, ours)
        if differing:
            raise RuntimeError(f"{name} and {OURS} differ in {', '.join(differing)}")
    if any(ours[path] == yours[path] for path in ("src/quokka/optim.py", "README.md")):
        raise RuntimeError("nothing was merged")


def changed(one: Files, other: Files) -> list[str]:
    """The paths at which two trees differ."""
    paths = sorted(one.keys() | other.keys())
    return [path for path in paths if one.get(path) != other.get(path)]


if __name__ == "__main__":
    main()
