"""Projects that copier and cruft can update: a template in git with two versions, and your edits.

Each tool has it as it likes it best: the versions are tags, and the project was committed as it was
generated, before it was edited, and again after.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trees import Files, as_template, read_files, without, write_files

BEFORE, AFTER = "v1.0.0", "v2.0.0"
_GIT_SETTINGS = """\
[user]
    name = Somebody
    email = somebody@example.org
[init]
    defaultBranch = main
"""


@dataclass(frozen=True)
class Updater:
    """One of the tools: the template of a tree, and the commands that create and update a project.

    `own` is the file in which the tool remembers where a project came from. `template` gets a tree
    and the package's name, `create` the places of template and project; `update` is run in it.
    """

    name: str
    own: str
    template: Callable[[Files, str], dict[str, bytes]]
    create: Callable[[str, Path], list[str]]
    update: list[str]

    def run_update(self, project: Path, home: Path) -> subprocess.CompletedProcess[bytes]:
        """Update a project, whatever comes of it."""
        return _run(self.update, project, home)


def copier(program: str) -> Updater:
    """The copier at this path."""

    def create(template: str, project: Path) -> list[str]:
        flags = ["--defaults", "--quiet", "--vcs-ref", BEFORE]
        return [program, "copy", *flags, template, str(project)]

    update = [program, "update", "--defaults", "--quiet", "--vcs-ref", AFTER]
    return Updater("copier", ".copier-answers.yml", _copier_template, create, update)


def cruft(program: str) -> Updater:
    """The cruft at this path."""

    def create(template: str, project: Path) -> list[str]:
        flags = ["--no-input", "--checkout", BEFORE, "--output-dir", str(project.parent)]
        return [program, "create", *flags, template]

    update = [program, "update", "--skip-apply-ask", "--checkout", AFTER]
    return Updater("cruft", ".cruft.json", _cookiecutter_template, create, update)


def _copier_template(tree: Files, package: str) -> dict[str, bytes]:
    variable = "{{ package }}"
    files = {
        "copier.yml": f"package:\n  type: str\n  default: {package}\n".encode(),
        "{{ _copier_conf.answers_file }}.jinja": b"{{ _copier_answers|to_nice_yaml -}}\n",
    }
    for path, content in tree.items():
        name, rendered = path.replace(package, variable), as_template(content, package, variable)
        files[name if rendered is None else f"{name}.jinja"] = rendered or content
    return files


def _cookiecutter_template(tree: Files, package: str) -> dict[str, bytes]:
    variable = "{{ cookiecutter.package }}"
    rendered = {path: as_template(content, package, variable) for path, content in tree.items()}
    verbatim = [path for path, content in rendered.items() if content is None]
    settings = {"package": package, "_copy_without_render": verbatim}
    files = {"cookiecutter.json": json.dumps(settings).encode()}
    for path, content in rendered.items():
        files[f"{variable}/{path.replace(package, variable)}"] = content or tree[path]
    return files


def add_programs(options: argparse.ArgumentParser) -> None:
    """Let the command line say where the tools are."""
    for name in ("copier", "cruft"):
        beside = Path(sys.executable).with_name(name)
        default = str(beside) if beside.exists() else shutil.which(name)
        options.add_argument(f"--{name}", default=default, metavar="PATH", help="the program")


def installed(arguments: argparse.Namespace) -> list[Updater]:
    """Those of the tools that there are."""
    makers = {arguments.copier: copier, arguments.cruft: cruft}
    return [make(program) for program, make in makers.items() if program]


def make_home(home: Path) -> None:
    """Make a home in which git knows who commits."""
    (home / ".gitconfig").write_text(_GIT_SETTINGS, encoding="utf-8")


def make_project(updater: Updater, home: Path, versions: Sequence[Files], package: str) -> Path:
    """A project made from the first version, edited to be the second; the template is at the third.

    It lies in a folder of the tool's name and is called as the package.
    """
    before, yours, after = versions
    template, project = home / updater.name / "template", home / updater.name / package
    template.mkdir(parents=True)
    git(template, home, "init", "--quiet")
    for tag, tree in ((BEFORE, before), (AFTER, after)):
        write_files(template, updater.template(tree, package))
        _commit(template, home, tag)
        git(template, home, "tag", tag)
    _succeed(updater.create(str(template), project), project.parent, home)
    made = read_files(project)
    if without(made, [updater.own]) != dict(before):
        raise RuntimeError(f"{updater.name} made another project")
    git(project, home, "init", "--quiet")
    _commit(project, home, "generated")
    write_files(project, {**yours, updater.own: made[updater.own]})
    _commit(project, home, "edited")
    return project


def _commit(folder: Path, home: Path, message: str) -> None:
    git(folder, home, "add", "--all", "--force")
    git(folder, home, "commit", "--quiet", "--allow-empty", "--message", message)


def git(folder: Path, home: Path, *words: str) -> str:
    """Run git in a folder and return what it prints."""
    return _succeed(["git", *words], folder, home)


def _succeed(command: Sequence[str], folder: Path, home: Path) -> str:
    done = _run(command, folder, home)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def _run(command: Sequence[str], folder: Path, home: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
