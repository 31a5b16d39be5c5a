"""lightgen merge."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer

from lightgen.changes import changes_of, left_alone
from lightgen.cli.changes import as_object, print_outcome, summary, told
from lightgen.cli.report import print_json, report_error
from lightgen.inside import read_regular
from lightgen.merge import Conflict, Kind, Outcome, Yours, merge_trees
from lightgen.problems import InputError, LightgenError, Problem, ProjectError
from lightgen.tree import File, Tree
from lightgen.write import check_target, write_file, write_project

_SIDES = ("BASE", "YOURS", "NEW")


@dataclass(frozen=True)
class _Merged:
    """What became of each file, the names of what lies beside one, those that only you changed."""

    outcomes: tuple[Outcome, ...]
    beside: Mapping[str, str] = field(default_factory=dict)
    left_alone: frozenset[str] = frozenset()


def run_merge(sides: tuple[Path, Path, Path], out: Path, name: str | None, *, as_json: bool) -> int:
    """Merge three files or three folders; return the exit code."""
    try:
        if _are_folders(sides):
            if name is not None:
                what = "names a file, and these are folders"
                raise InputError(Problem("--path", what, "leave it out"))
            check_target(out)
            merged, tree = _merge_folders(*map(_read_folder, sides))
            write_project(out, tree)
        else:
            merged = _Merged((_merge_files(sides, name or _name(sides, out)),))
            file = merged.outcomes[0].file
            assert file is not None, "a file that both sides have stays"
            write_file(out, file)
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    code = int(any(each.kind == Kind.CONFLICT for each in merged.outcomes))
    shown = told(merged.outcomes)
    if as_json:
        files = [as_object(each, merged.beside.get(each.path, "")) for each in shown]
        print_json(code, path=str(out), files=files)
        return code
    for each in shown:
        if each.path not in merged.left_alone:
            print_outcome(each, merged.beside.get(each.path, ""), "the new version")
    nothing = "nothing to merge: the new side changed nothing"
    typer.echo(summary(merged.outcomes, merged.left_alone, nothing))
    return code


def _are_folders(sides: tuple[Path, ...]) -> bool:
    missing = [
        Problem(side, f"there is no '{path}'", "give the path of a file or a folder")
        for side, path in zip(_SIDES, sides, strict=True)
        if not path.exists()
    ]
    if missing:
        raise InputError(*missing)
    kinds = {path.is_dir() for path in sides}
    if len(kinds) > 1:
        named = ", ".join(
            f"{side} is a {'folder' if path.is_dir() else 'file'}"
            for side, path in zip(_SIDES, sides, strict=True)
        )
        raise InputError(Problem("merge", named, "give three files or three folders"))
    return kinds == {True}


def _name(sides: tuple[Path, ...], out: Path) -> str:
    """A name that says what the files hold: temporary ones often have none."""
    names = [path.name for path in (sides[1], out, sides[2], sides[0])]
    return next((name for name in names if Path(name).suffix), names[0])


def _merge_files(sides: tuple[Path, Path, Path], name: str) -> Outcome:
    path = Path(os.path.normpath(name)).as_posix()
    base, yours, new = ({path: _read(side.resolve(), str(side))} for side in sides)
    outcome = merge_trees(base, Yours(yours), new)[0]
    if outcome.kind == Kind.CONFLICT and outcome.beside:
        what = f"{outcome.conflicts[0].what}: the result is yours"
        return Outcome(path, Kind.CONFLICT, outcome.file, (Conflict(what),))
    return outcome


def _merge_folders(base: Yours, yours: Yours, new: Yours) -> tuple[_Merged, Tree]:
    outcomes = merge_trees(base.files, yours, new.files)
    changes, beside = changes_of(outcomes, yours)
    tree = {**yours.files, **changes}
    lost = {**new.blocked, **yours.blocked}
    left_out = (
        Outcome(path, Kind.CONFLICT, None, (Conflict(f"{lost[path]}: it is left out"),))
        for path in sorted(lost)
    )
    told_before = [each for each in outcomes if each.path not in lost]
    merged = {path: file for path, file in sorted(tree.items()) if file is not None}
    alone = left_alone(outcomes, base.files, new.files)
    return _Merged((*told_before, *left_out), beside, alone), merged


def _read_folder(folder: Path) -> Yours:
    """All files of a folder but git's own; links are not followed."""
    files, blocked = {}, {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in (*names, *folders):
            path = Path(place, name)
            inner = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                files[inner] = _read(path, str(path))
            elif not stat.S_ISDIR(mode):
                blocked[inner] = "is a link" if stat.S_ISLNK(mode) else "is no regular file"
    return Yours(files, blocked)


def _read(path: Path, where: str) -> File:
    try:
        found = read_regular(path)
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise ProjectError(Problem(where, what, "check the permissions")) from error
    return File(found.content, found.executable)
