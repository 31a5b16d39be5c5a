"""The merge of Python files that know of each other: renames, definitions that moved, imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightgen.merge.outcome import Conflict, Kind, Labels, Outcome, Yours
from lightgen.merge.python.definitions import (
    Versions,
    definitions,
    merge_definition,
    parse,
    with_definition,
)
from lightgen.merge.python.keys import Keys
from lightgen.merge.python.project import (
    bound_names,
    broken_imports,
    imports_of,
    module_of,
    renamed_across,
    syntax,
)
from lightgen.merge.python.renames import Renames, find_renames, renamed
from lightgen.merge.python.source import Source
from lightgen.merge.text import decode
from lightgen.tree import File

if TYPE_CHECKING:
    from lightgen.merge.trees import Triple

Decide = Callable[["Triple", Yours, Labels, object], Outcome]


@dataclass(frozen=True)
class _Carried:
    """A definition that one side moved to another file, to be merged there."""

    origin: str
    path: str
    versions: Versions
    moved_by_you: bool


def merge_across(
    triples: Sequence[Triple], yours: Yours, labels: Labels, decide: Decide
) -> list[Outcome]:
    """Merge the files of a project, those of Python with an eye on each other."""
    renames = _renames(triples)
    carried = list(_carried(triples, yours))
    outcomes = []
    for triple in triples:
        triple = _without(triple, carried)
        fitting = _fitting(renames, triple) if triple.is_python else None
        if fitting and triple.mine is None and triple.base is None and triple.new:
            triple = replace(triple, new=_renamed(triple.new, triple.path, fitting))
        outcomes.append(decide(triple, yours, labels, fitting or None))
    by_path = {outcome.path: outcome for outcome in outcomes}
    for item in carried:
        _carry(item, by_path, yours, labels)
    _vouch(triples, by_path, yours)
    return list(by_path.values())


def _text(file: File | None, path: str) -> str | None:
    decoded = decode(file.content, path) if file else None
    return decoded.text if decoded else None


def _texts(triple: Triple) -> tuple[str, str] | None:
    base, mine = _text(triple.base, triple.path), _text(triple.mine, triple.path)
    return None if base is None or mine is None else (base, mine)


def _renames(triples: Sequence[Triple]) -> Renames:
    pairs = {
        triple.origin: texts
        for triple in triples
        if triple.is_python and triple.is_edited and (texts := _texts(triple))
    }
    moved = {t.origin: t.path for t in triples if t.is_python and t.moved_by_you}
    return renamed_across(pairs, moved)


def _fitting(renames: Renames, triple: Triple) -> Renames:
    """The renames that a file follows: not those whose old name you still import there."""
    if not renames:
        return renames
    text = _text(triple.mine, triple.path)
    imported = set(imports_of(syntax(text))) if text else set()
    modules = {module for module, _ in imported}
    return Renames(
        imported={key: new for key, new in renames.imported.items() if key not in imported},
        modules={old: new for old, new in renames.modules.items() if old not in modules},
    )


def _renamed(file: File, path: str, renames: Renames) -> File:
    decoded = decode(file.content, path)
    source = parse(decoded.text) if decoded else None
    if not (decoded and source):
        return file
    return replace(file, content=decoded.encode(renamed(source, renames)))


def _carried(triples: Sequence[Triple], yours: Yours) -> Iterator[_Carried]:
    for triple in triples:
        if triple.is_python and triple.is_edited and triple.new and triple.new != triple.base:
            yield from _carried_of(triple, triples, yours)


def _carried_of(
    triple: Triple, triples: Sequence[Triple], yours: Yours
) -> Iterator[_Carried]:
    keys = Keys()
    sources = [
        parse(text, keys) if (text := _text(file, triple.path)) is not None else None
        for file in (triple.base, triple.mine, triple.new)
    ]
    base, mine, new = sources
    if not (base and mine and new):
        return
    before, there, theirs = definitions(base), definitions(mine), definitions(new)
    names = find_renames(base, mine).names
    for name, statement in before.items():
        if name in names:
            continue
        if name not in there and name in theirs and theirs[name].code != statement.code:
            path = _place_in_yours(name, triple, yours)
            if path:
                text = theirs[name].text
                versions = Versions(name, statement.text, "", text, mine, new)
                yield _Carried(triple.origin, path, versions, moved_by_you=True)
        elif name in there and name not in theirs and there[name].code != statement.code:
            path = _place_in_new(name, triple, triples)
            if path:
                versions = Versions(name, statement.text, there[name].text, "", mine, new)
                yield _Carried(triple.origin, path, versions, moved_by_you=False)


def _place_in_yours(name: str, triple: Triple, yours: Yours) -> str:
    for path in sorted(yours.files):
        if path.endswith(".py") and path != triple.path and _defines(yours.files[path], path, name):
            return path
    return ""


def _place_in_new(name: str, triple: Triple, triples: Sequence[Triple]) -> str:
    for other in triples:
        if other.is_python and other.origin != triple.origin and _defines(other.new, other.path, name):
            if not _defines(other.base, other.path, name):
                return other.path
    return ""


def _defines(file: File | None, path: str, name: str) -> bool:
    if file is None or name.encode() not in file.content:
        return False
    text = _text(file, path)
    source = parse(text) if text is not None else None
    return bool(source) and name in definitions(source)  # type: ignore[arg-type]


def _without(triple: Triple, carried: Sequence[_Carried]) -> Triple:
    """A file whose definition new moved elsewhere: your change of it goes there, not here."""
    for item in carried:
        if item.origin == triple.origin and not item.moved_by_you and triple.mine:
            decoded = decode(triple.mine.content, triple.path)
            source = parse(decoded.text) if decoded else None
            if decoded and source:
                text = with_definition(source, item.versions.name, item.versions.base)
                mine = replace(triple.mine, content=decoded.encode(text))
                triple = replace(triple, mine=mine)
    return triple


def _carry(item: _Carried, by_path: dict[str, Outcome], yours: Yours, labels: Labels) -> None:
    """Merge a definition where it stands now."""
    outcome = by_path.get(item.path)
    file = outcome.file if outcome else yours.files.get(item.path)
    decoded = decode(file.content, item.path) if file else None
    source = parse(decoded.text) if decoded else None
    if not (file and decoded and source and item.versions.name in definitions(source)):
        return
    there = definitions(source)[item.versions.name].text
    side = {"yours": there} if item.moved_by_you else {"new": there}
    merged = merge_definition(source.text, replace(item.versions, **side), labels)
    kind = Kind.CONFLICT if merged.conflicts else Kind.MERGED
    note = f"{item.versions.name}, from {item.origin}, is merged here"
    before = outcome or Outcome(item.path, Kind.KEPT, file)
    by_path[item.path] = replace(
        before,
        kind=Kind.CONFLICT if before.kind == Kind.CONFLICT else kind,
        file=replace(file, content=decoded.encode(merged.text)),
        conflicts=(*before.conflicts, *merged.conflicts),
        notes=(*before.notes, note, *merged.notes),
    )
    _unsay(item, by_path)


def _unsay(item: _Carried, by_path: dict[str, Outcome]) -> None:
    """The file that it came from said that it was deleted there."""
    for path, outcome in by_path.items():
        if item.origin in (path, outcome.moved_from):
            start = f"{item.versions.name} stays deleted"
            notes = tuple(note for note in outcome.notes if not note.startswith(start))
            by_path[path] = replace(outcome, notes=notes)


def _vouch(triples: Sequence[Triple], by_path: dict[str, Outcome], yours: Yours) -> None:
    """Imports that resolved on both sides resolve in the result, or it is a conflict."""
    mine = {t.path: text for t in triples if t.is_python and (text := _text(t.mine, t.path))}
    theirs = {t.path: text for t in triples if t.is_python and (text := _text(t.new, t.path))}
    result = {
        path: text
        for path, outcome in by_path.items()
        if path.endswith(".py") and (text := _text(outcome.file, path)) is not None
    }
    mine |= dict(_users_of(_lost(mine, result), yours, mine))
    broken = broken_imports({**mine, **result}) - broken_imports(mine) - broken_imports(theirs)
    for lost in sorted(broken, key=lambda item: (item.path, item.module, item.name)):
        what = f"{lost.name or lost.module} is imported from {lost.module}, where it is no more"
        before = by_path.get(lost.path) or Outcome(
            lost.path, Kind.CONFLICT, yours.files.get(lost.path)
        )
        conflicts = (*before.conflicts, Conflict(what))
        by_path[lost.path] = replace(before, kind=Kind.CONFLICT, conflicts=conflicts)


def _lost(mine: dict[str, str], result: dict[str, str]) -> set[str]:
    """Modules that have lost a name, or are gone themselves."""
    found = set()
    for path, text in mine.items():
        tree = syntax(text)
        now = syntax(result[path]) if path in result else None
        if path not in result or (tree and now and bound_names(tree) - bound_names(now)):
            found.add(module_of(path))
    return found


def _users_of(
    modules: set[str], yours: Yours, known: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Files of your own that may import one of some modules."""
    if not modules:
        return
    words = [module.rpartition(".")[2].encode() for module in modules]
    for path in sorted(yours.files):
        if path.endswith(".py") and path not in known:
            file = yours.files[path]
            if any(word in file.content for word in words):
                text = _text(file, path)
                if text is not None:
                    yield path, text


