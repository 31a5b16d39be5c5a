"""The flow of an update: memory, spec, flags and the user's files -> what to write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join, normpath
from typing import TYPE_CHECKING, Any, TypeAlias

from lightgen.generate import Generated, generate
from lightgen.inside import MEMORY
from lightgen.merge import Kind, Labels, Outcome, Yours, merge_trees
from lightgen.merge.outcome import marker_line
from lightgen.problems import InputError, Problem, ProjectError, guess, raise_if_any
from lightgen.project import Project
from lightgen.rebuild import Base, find_base, stored_pack
from lightgen.spec.document import (
    SPEC_NAME,
    content_of,
    parse_document,
    take_over,
    text_from,
)
from lightgen.spec.flags import Flags
from lightgen.spec.model import SCHEMA_PATH
from lightgen.standing import marker
from lightgen.tree import File, Tree

if TYPE_CHECKING:
    import tomlkit

Look: TypeAlias = Callable[[Collection[str]], Yours]
Changes: TypeAlias = Mapping[str, File | None]

LABELS = Labels("yours", "new render")
_BOM = b"\xef\xbb\xbf"
_STATE = f"{MEMORY}/state.toml"


@dataclass(frozen=True)
class Wish:
    """What is wanted of an update. `spec` is a whole spec that takes the place of the present.

    A path to restore is one of the project, or one as seen from the folder `here` in it; a pack's
    path is relative to `relative_to`, left out: to the project.
    """

    flags: Flags = field(default_factory=Flags)
    spec: tomlkit.TOMLDocument | None = None
    restore: tuple[str, ...] = ()
    here: str = ""
    rebuild_base: bool = False
    trust: bool = False
    relative_to: Path | None = None


@dataclass(frozen=True)
class Update:
    """What becomes of each file, and every path to write or remove with what is there before.

    `beside` says under which name the new render of a file is written that is not merged.
    """

    outcomes: tuple[Outcome, ...]
    changes: Changes
    expected: Changes
    beside: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def has_conflicts(self) -> bool:
        """Whether something is left for the user to decide."""
        return any(outcome.kind == Kind.CONFLICT for outcome in self.outcomes)


def make_update(project: Project, wish: Wish, look: Look) -> Update:
    """Render the spec anew and merge; `look` reads the user's side at the paths that it is given.

    Raises InputError for what is wrong with spec or flags, ProjectError for unresolved markers.
    """
    document = _document(project, wish)
    before, said = document.as_string(), content_of(document)
    base = _base(project, said, wish)
    if wish.spec is not None:
        take_over(document, wish.spec)
    generated = _generate(project, wish, document)
    yours = look(with_beside(base.paths | generated.rendered.keys()))
    tree = base.settled(yours.files)
    _refuse_markers(yours, tree.keys() | generated.rendered.keys(), tree)
    restore = _restored(project, wish, generated.rendered, yours)
    old = {path: file for path, file in tree.items() if path not in restore}
    outcomes = merge_trees(old, yours, generated.rendered, LABELS)
    _refuse_markers(yours, {outcome.path for outcome in outcomes} - tree.keys(), {})
    is_same = project.spec is not None and repr(content_of(document)) == repr(said)
    spec = None if is_same else _new_spec(project.spec, generated.tree[SPEC_NAME], before)
    return _as_update(project, (*base.notes, *generated.notes), generated, outcomes, yours, spec)


def rebuilt_base(project: Project) -> Base:
    """The base of a project whose memory has faults."""
    wish = Wish()
    return _base(project, content_of(_document(project, wish)), wish)


def _base(project: Project, content: Mapping[str, Any], wish: Wish) -> Base:
    state = project.memory_files.get(_STATE)
    return find_base(
        project.root,
        project.memory,
        state.content.decode("utf-8", "replace") if state else "",
        content,
        rebuild=wish.rebuild_base,
        trust=wish.trust,
    )


def _document(project: Project, wish: Wish) -> tomlkit.TOMLDocument:
    """The spec as it stands; where its file is gone, the one that is to take its place."""
    if project.spec is not None:
        return parse_document(_read_spec(project.spec))
    if wish.spec is not None:
        return parse_document(wish.spec.as_string())
    recorded = project.memory.spec if project.memory else None
    if SPEC_NAME in wish.restore and recorded is not None:
        return parse_document(text_from(recorded))
    todo = "give one with --spec FILE"
    if recorded is not None:
        todo = f"bring back the last one with --restore {SPEC_NAME}, or {todo}"
    raise ProjectError(Problem(SPEC_NAME, "the spec file is gone", todo))


def _read_spec(file: File) -> str:
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        raise InputError(Problem(SPEC_NAME, what, "save the file as UTF-8 text")) from error
    line = marker_line(text)
    if line:
        raise ProjectError(_unresolved(SPEC_NAME, line))
    return text


def _generate(project: Project, wish: Wish, document: tomlkit.TOMLDocument) -> Generated:
    is_fetched_anew = wish.flags.template is not None or wish.flags.checkout is not None
    return generate(
        document,
        wish.flags,
        project.package,
        relative_to=wish.relative_to or project.root,
        trust=wish.trust,
        stored=None if is_fetched_anew else stored_pack(project.memory, content_of(document)),
    )


def with_beside(paths: Collection[str]) -> set[str]:
    """These paths and where a render that is not merged would go."""
    return {name for path in paths for name in (path, f"{path}.new")}


def _refuse_markers(yours: Yours, paths: Collection[str], base: Tree) -> None:
    """A file with markers would be merged as if they were the user's text."""
    problems = [
        _unresolved(path, line)
        for path in sorted(paths)
        if (line := marker(yours.files.get(path))) and not marker(base.get(path))
    ]
    if problems:
        raise ProjectError(*problems)


def _unresolved(path: str, line: int) -> Problem:
    return Problem(f"{path}:{line}", "an unresolved conflict starts here", "resolve it first")


def _restored(project: Project, wish: Wish, new: Tree, yours: Yours) -> set[str]:
    """The paths to bring back, as the project has them."""
    there = {*new, SPEC_NAME}
    occupied = {*yours.files, *yours.blocked, *([SPEC_NAME] if project.spec else [])}
    found, problems = set(), []
    for typed in wish.restore:
        names = [normpath(join(wish.here, typed)), normpath(typed)]
        path = next((name for name in names if name in there), "")
        if not path:
            what = f"'{typed}' is no generated file"
            problems.append(Problem("--restore", what, guess(names[0], new)))
        elif path in occupied:
            problems.append(Problem("--restore", f"'{path}' is not deleted", "leave it out"))
        found.add(path)
    raise_if_any(problems)
    return found


def _as_update(
    project: Project,
    notes: tuple[str, ...],
    generated: Generated,
    outcomes: tuple[Outcome, ...],
    yours: Yours,
    spec: File | None,
) -> Update:
    changes, beside = changes_of(outcomes, yours)
    expected = {path: yours.files.get(path) for path in changes}
    if spec is not None:
        kind = Kind.UPDATED if project.spec else Kind.ADDED
        outcomes = (Outcome(SPEC_NAME, kind, spec), *outcomes)
        changes[SPEC_NAME], expected[SPEC_NAME] = spec, project.spec
    for path, file in _memory_changes(project.memory_files, generated.tree).items():
        changes[path], expected[path] = file, project.memory_files.get(path)
    return Update(outcomes, changes, expected, beside, notes)


def _new_spec(before: File | None, after: File, text: str) -> File:
    """The spec file as flags changed it: with the byte-order mark and the header that it had."""
    if before is None:
        return after
    content = after.content
    if SCHEMA_PATH not in text:
        content = content.partition(b"\n")[2]
    mark = _BOM if before.content.startswith(_BOM) else b""
    return File(mark + content, before.executable)


def changes_of(
    outcomes: Collection[Outcome], yours: Yours
) -> tuple[dict[str, File | None], dict[str, str]]:
    """What outcomes change on disk, each path with what stands there afterwards; names beside."""
    changes: dict[str, File | None] = {}
    beside: dict[str, str] = {}
    known = {outcome.path for outcome in outcomes}
    for outcome in outcomes:
        path, origin = outcome.path, outcome.moved_from
        if path not in yours.blocked and outcome.file != yours.files.get(path):
            changes[path] = outcome.file
        if origin in yours.files and origin not in known:
            changes[origin] = None
        name = _beside_name(outcome, yours)
        if name:
            beside[path] = name
            if name not in yours.files:
                changes[name] = outcome.beside
    return changes, beside


def _beside_name(outcome: Outcome, yours: Yours) -> str:
    """Where the new render of a file goes that is not merged: to a free name.

    Empty where there is nothing to write, or no place for it: behind a link.
    """
    name, count = f"{outcome.path}.new", 1
    if outcome.beside is None or name in yours.blocked:
        return ""
    while (taken := yours.files.get(name)) and taken.content != outcome.beside.content:
        count += 1
        name = f"{outcome.path}.new{count}"
    return name


def _memory_changes(before: Tree, tree: Tree) -> Changes:
    """The files of `.lightgen/` to write, and those of renders and packs gone by to remove."""
    after = {path: file for path, file in tree.items() if path.startswith(f"{MEMORY}/")}
    changes: dict[str, File | None] = {
        path: file for path, file in after.items() if not _remembers(before.get(path), file, path)
    }
    kept = (f"{MEMORY}/base/", f"{MEMORY}/pack/")
    changes.update({path: None for path in before if path.startswith(kept) and path not in after})
    return changes


def _remembers(before: File | None, after: File, path: str) -> bool:
    if before is None:
        return False
    if path == _STATE:  # another version of lightgen alone, in the first line, is no change
        return _rest(before) == _rest(after)
    is_executed = path.startswith(f"{MEMORY}/pack/")
    return before.content == after.content and (
        not is_executed or before.executable == after.executable
    )


def _rest(file: File) -> bytes:
    return file.content.partition(b"\n")[2]
