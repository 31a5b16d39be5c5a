"""The flow of an update: memory, spec, flags and the user's files -> what to write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from posixpath import join, normpath
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeAlias

from lightgen.changes import (
    STATE,
    Update,
    changes_of,
    left_alone,
    memory_changes,
    with_beside,
)
from lightgen.generate import Generated, generate
from lightgen.inside import MEMORY
from lightgen.memory import BASE_SUFFIX
from lightgen.merge import Kind, Labels, Outcome, Yours
from lightgen.merge.outcome import marker_line
from lightgen.problems import InputError, Problem, ProjectError, guess, raise_if_any
from lightgen.project import Project
from lightgen.rebuild import Base, find_base, stored_pack
from lightgen.ruled import merge_apart, rule_to_compile
from lightgen.spec.document import (
    SPEC_NAME,
    content_of,
    parse_document,
    take_over,
    text_from,
)
from lightgen.spec.flags import Flags
from lightgen.spec.model import SCHEMA_PATH
from lightgen.spec.rule import RuleFile, rule_reference, split_reference
from lightgen.standing import marker
from lightgen.tree import File, Tree

if TYPE_CHECKING:
    import tomlkit

Look: TypeAlias = Callable[[Collection[str]], Yours]

LABELS = Labels("yours", "new render")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Wish:
    """What is wanted of an update. `spec` is a whole spec that takes the place of the present.

    A path to restore is one of the project, or one as seen from the folder `here` in it; a pack's
    path is relative to `relative_to`, left out: to the project. `rules` are files to be copied to
    these paths.
    """

    flags: Flags = field(default_factory=Flags)
    spec: tomlkit.TOMLDocument | None = None
    restore: tuple[str, ...] = ()
    here: str = ""
    rebuild_base: bool = False
    trust: bool = False
    relative_to: Path | None = None
    rules: Mapping[str, RuleFile] = field(default_factory=dict)


def make_update(project: Project, wish: Wish, look: Look) -> Update:
    """Render the spec anew and merge; `look` reads the user's side at the paths that it is given.

    Raises InputError for what is wrong with spec or flags, ProjectError for unresolved markers.
    """
    document = _document(project, wish)
    before, said = document.as_string(), content_of(document)
    base = _base(project, said, wish)
    if wish.spec is not None:
        take_over(document, wish.spec)
    generated = _generate(project, wish, document, base, look)
    yours = look(with_beside(base.paths | generated.rendered.keys()))
    _refuse_other_rule(generated, wish, base, yours)
    tree = base.settled(yours.files)
    _refuse_markers(yours, tree.keys() | generated.rendered.keys(), tree)
    restore = _restored(project, wish, generated.rendered, yours)
    old = {path: file for path, file in tree.items() if path not in restore}
    recorded = project.memory.spec if project.memory else None
    rules = _rule_paths(said, recorded or {}, content_of(document))
    merged = merge_apart(old, yours, generated.rendered, LABELS, rules)
    _refuse_markers(yours, {outcome.path for outcome in merged} - tree.keys(), {})
    outcomes = tuple(_with_todo(outcome, yours) for outcome in merged)
    is_same = project.spec is not None and repr(content_of(document)) == repr(said)
    spec = None if is_same else _new_spec(project.spec, generated.tree[SPEC_NAME], before)
    update = _as_update(project, generated, outcomes, yours, spec)
    untouched = left_alone(outcomes, old, generated.rendered)
    return replace(update, left_alone=untouched, notes=(*base.notes, *generated.notes))


def rebuilt_base(project: Project) -> Base:
    """The base of a project whose memory has faults."""
    wish = Wish()
    return _base(project, content_of(_document(project, wish)), wish)


def _base(project: Project, content: Mapping[str, Any], wish: Wish) -> Base:
    state = project.memory_files.get(STATE)
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


def _generate(
    project: Project, wish: Wish, document: tomlkit.TOMLDocument, base: Base, look: Look
) -> Generated:
    is_fetched_anew = wish.flags.template is not None or wish.flags.checkout is not None
    return generate(
        document,
        wish.flags,
        project.package,
        relative_to=wish.relative_to or project.root,
        trust=wish.trust,
        stored=None if is_fetched_anew else stored_pack(project.memory, content_of(document)),
        rule_files=cache(lambda path: _rule_file(path, wish, base, look([path]))),
    )


def _rule_file(path: str, wish: Wish, base: Base, yours: Yours) -> RuleFile | None:
    was = base.settled(yours.files).get(path)
    restored = any(path in _meant(wish, typed) for typed in wish.restore)
    return rule_to_compile(path, was, yours, wish.rules.get(path), restored=restored)


def _refuse_other_rule(generated: Generated, wish: Wish, base: Base, yours: Yours) -> None:
    """The file of the rule was read before: what is merged must be what was compiled."""
    rule = generated.plan.optimizer.rule
    if rule is None:
        return
    found = _rule_file(rule.path, wish, base, yours)
    if found is None or found.file != rule.file:
        raise ProjectError(Problem(rule.path, "was changed meanwhile", "run it again"))


def _rule_paths(*specs: Mapping[str, Any]) -> set[str]:
    return {split_reference(named)[0] for spec in specs if (named := rule_reference(spec))}


def _meant(wish: Wish, typed: str) -> list[str]:
    """What a path may mean: seen from the folder where the user stands, or from the root."""
    return [normpath(join(wish.here, typed)), normpath(typed)]


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
    """The paths to bring back, as the project has them; a rule that is given is one."""
    there = {*new, SPEC_NAME}
    occupied = {*yours.files, *yours.blocked, *([SPEC_NAME] if project.spec else [])}
    found, problems = {path for path in wish.rules if path not in occupied}, []
    for typed in wish.restore:
        names = _meant(wish, typed)
        path = next((name for name in names if name in there), "")
        if not path:
            what = f"'{typed}' is no generated file"
            problems.append(Problem("--restore", what, guess(names[0], new)))
        elif path in occupied:
            problems.append(Problem("--restore", f"'{path}' is not deleted", "leave it out"))
        found.add(path)
    raise_if_any(problems)
    return found


def _with_todo(outcome: Outcome, yours: Yours) -> Outcome:
    """What to do about a file where its content does not say it."""
    path, todo = outcome.path, ""
    if outcome.kind == Kind.STILL_DELETED and outcome.notes:
        todo = f"to bring it back: lightgen update --restore {quote(path)}"
    elif outcome.beside and f"{path}.new" in yours.blocked:
        todo = f"the new render is in {MEMORY}/base/{path}{BASE_SUFFIX}: merge it by hand"
    return replace(outcome, notes=(*outcome.notes, todo)) if todo else outcome


def _as_update(
    project: Project,
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
    for path, file in memory_changes(project.memory_files, generated.tree).items():
        changes[path], expected[path] = file, project.memory_files.get(path)
    return Update(outcomes, changes, expected, beside)


def _new_spec(before: File | None, after: File, text: str) -> File:
    """The spec file as flags changed it: with the byte-order mark and the header that it had."""
    if before is None:
        return after
    content = after.content
    if SCHEMA_PATH not in text:
        content = content.partition(b"\n")[2]
    mark = _BOM if before.content.startswith(_BOM) else b""
    return File(mark + content, before.executable)
