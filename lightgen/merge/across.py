"""The merge of Python files that know of each other: renames, definitions that moved, imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightgen.merge.outcome import Conflict, Kind, Labels, Outcome, Yours
from lightgen.merge.python.definitions import (
    Versions,
    definitions,
    merge_definition,
    with_definition,
)
from lightgen.merge.python.merge import is_same_code
from lightgen.merge.python.project import Modules, module_of, renamed_across
from lightgen.merge.python.reader import Elsewhere, Reader
from lightgen.merge.python.renames import ANY, Renames, attributes_in, renamed
from lightgen.merge.python.source import Source
from lightgen.merge.text import Text, decode
from lightgen.tree import File

if TYPE_CHECKING:
    from lightgen.merge.trees import Triple

Decide = Callable[["Triple", Yours, Labels, Elsewhere], Outcome]


@dataclass(frozen=True)
class Carried:
    """A definition that one side moved to another file, to be merged there."""

    origin: str
    path: str
    versions: Versions
    moved_by_you: bool


def merge_across(
    triples: Sequence[Triple], yours: Yours, labels: Labels, decide: Decide
) -> list[Outcome]:
    """Merge the files of a project, those of Python with an eye on each other."""
    merge = _Merge(triples, yours, labels)
    carried = list(merge.carried())
    outcomes = {}
    for triple in triples:
        whole = merge.without(merge.unedited(triple), carried)
        renames = merge.fitting(whole) if whole.is_python else Renames()
        if renames and whole.mine is None and whole.base is None and whole.new:
            whole = replace(whole, new=merge.renamed(whole.new, whole.path, renames))
        outcomes[whole.path] = decide(whole, yours, labels, Elsewhere(merge.reader, renames))
    for item in carried:
        merge.carry(item, outcomes)
    merge.doubt(outcomes)
    merge.vouch(outcomes)
    return list(outcomes.values())


class _Merge:
    """One merge of a project: its files, each decoded and parsed once."""

    def __init__(self, triples: Sequence[Triple], yours: Yours, labels: Labels) -> None:
        self.triples = [triple for triple in triples if triple.is_python]
        self.yours = yours
        self.labels = labels
        self.reader = Reader()
        self.modules = Modules()
        self._texts: dict[bytes, Text | None] = {}
        self._renames = self._find_renames()

    def _decoded(self, file: File | None, path: str) -> Text | None:
        if file is None:
            return None
        if file.content not in self._texts:
            self._texts[file.content] = decode(file.content, path)
        return self._texts[file.content]

    def text(self, file: File | None, path: str) -> str | None:
        """The text of a file, None where there is none."""
        decoded = self._decoded(file, path)
        return decoded.text if decoded else None

    def source(self, file: File | None, path: str) -> Source | None:
        """The syntax of a file, None where it has none."""
        return self.reader.find(self.text(file, path))

    def _find_renames(self) -> Renames:
        pairs = {}
        for triple in self.triples:
            base, mine = self.text(triple.base, triple.path), self.text(triple.mine, triple.path)
            if triple.is_edited and base is not None and mine is not None:
                pairs[triple.origin] = (base, mine)
        moved = {triple.origin: triple.path for triple in self.triples if triple.moved_by_you}
        homes = dict(home for triple in self.triples for home in self._homes_from(triple))
        return renamed_across(pairs, moved, homes, self.reader)

    def _homes_from(self, triple: Triple) -> Iterator[tuple[tuple[str, str], str]]:
        """The definitions that you took out of a file, and the modules where they are now."""
        if not triple.is_edited:
            return
        base, mine = (self.source(file, triple.path) for file in (triple.base, triple.mine))
        if not (base and mine):
            return
        kept = self.modules.bound(mine.text) | self.reader.renames(base, mine).names.keys()
        for name in definitions(base).keys() - kept:
            path = self._place_in_yours(name, triple)
            if path:
                yield (module_of(triple.origin), name), module_of(path)

    def unedited(self, triple: Triple) -> Triple:
        """A file that new drops, as untouched if it only follows what you renamed elsewhere."""
        if triple.new or not triple.is_edited:
            return triple
        base, mine = (self.source(file, triple.path) for file in (triple.base, triple.mine))
        if not (base and mine):
            return triple
        base = self.reader.find(renamed(base, self.fitting(triple))) or base
        return replace(triple, base=triple.mine) if is_same_code(base, mine) else triple

    def fitting(self, triple: Triple) -> Renames:
        """The renames that a file follows: not those whose old name you still import there."""
        renames = self._renames
        text = self.text(triple.mine, triple.path)
        if not renames or text is None:
            return renames
        imported = set(self.modules.imports(text))
        modules = {module for module, _ in imported}
        return Renames(
            attributes={ANY: self._dropped(triple)},
            imported={key: new for key, new in renames.imported.items() if key not in imported},
            modules={old: new for old, new in renames.modules.items() if old not in modules},
            members=renames.members,
            homes={key: home for key, home in renames.homes.items() if key not in imported},
            keywords={
                key: names
                for key, names in renames.keywords.items()
                if self._follows(triple, key, names)
            },
        )

    def _follows(self, triple: Triple, callee: tuple[str, str], names: Mapping[str, str]) -> bool:
        """Whether a file doesn't call something by the old names of its parameters any more."""
        text = self.text(triple.mine, triple.path)
        return (
            text is None
            or not any(f"{old}=" in text for old in names)
            or callee not in set(self.modules.imports(text))
        )

    def _dropped(self, triple: Triple) -> dict[str, str]:
        """Renamed attributes that you no longer use in a file, of whatever object."""
        base, mine = (self.source(file, triple.path) for file in (triple.base, triple.mine))
        if not (base and mine and self._renames.members):
            return {}
        gone = {name for _, name in attributes_in(base)} - {n for _, n in attributes_in(mine)}
        return {old: new for (_, old), new in self._renames.members.items() if old in gone}

    def renamed(self, file: File, path: str, renames: Renames) -> File:
        """A file with the names that you have given."""
        decoded, source = self._decoded(file, path), self.source(file, path)
        if not (decoded and source):
            return file
        return replace(file, content=decoded.encode(renamed(source, renames)))

    def carried(self) -> Iterator[Carried]:
        """Definitions that one side changed and the other moved to another file."""
        for triple in self.triples:
            if triple.is_edited and triple.new and triple.new != triple.base:
                yield from self._carried_of(triple)

    def _carried_of(self, triple: Triple) -> Iterator[Carried]:
        base, mine, new = (
            self.source(file, triple.path) for file in (triple.base, triple.mine, triple.new)
        )
        if not (base and mine and new):
            return
        here, there, theirs = definitions(base), definitions(mine), definitions(new)
        for name in here.keys() - self.reader.renames(base, mine).names.keys():
            before, kept, changed = here[name], there.get(name), theirs.get(name)
            if changed and not kept and changed.code != before.code:
                path = self._place_in_yours(name, triple)
                if path:
                    versions = Versions(name, before.text, "", changed.text, mine, new)
                    yield Carried(triple.origin, path, versions, moved_by_you=True)
            elif kept and not changed and kept.code != before.code:
                path = self._place_in_new(name, triple)
                if path:
                    versions = Versions(name, before.text, kept.text, "", mine, new)
                    yield Carried(triple.origin, path, versions, moved_by_you=False)

    def _place_in_yours(self, name: str, triple: Triple) -> str:
        files = self.yours.files
        for path in sorted(files):
            is_other = path.endswith(".py") and path != triple.path
            if is_other and self._defines(files[path], path, name):
                return path
        return ""

    def _place_in_new(self, name: str, triple: Triple) -> str:
        for other in self.triples:
            is_there = other.origin != triple.origin and self._defines(other.new, other.path, name)
            if is_there and not self._defines(other.base, other.path, name):
                return other.path
        return ""

    def _defines(self, file: File | None, path: str, name: str) -> bool:
        if file is None or name.encode() not in file.content:
            return False
        source = self.source(file, path)
        return source is not None and name in definitions(source)

    def without(self, triple: Triple, carried: Sequence[Carried]) -> Triple:
        """A file whose definition new moved elsewhere: your change goes there, not here."""
        for item in carried:
            if item.origin == triple.origin and not item.moved_by_you and triple.mine:
                decoded = self._decoded(triple.mine, triple.path)
                source = self.source(triple.mine, triple.path)
                if decoded and source:
                    text = with_definition(source, item.versions.name, item.versions.base)
                    mine = replace(triple.mine, content=decoded.encode(text))
                    triple = replace(triple, mine=mine)
        return triple

    def carry(self, item: Carried, outcomes: dict[str, Outcome]) -> None:
        """Merge a definition where it stands now."""
        outcome = outcomes.get(item.path)
        file = outcome.file if outcome else self.yours.files.get(item.path)
        decoded, source = self._decoded(file, item.path), self.source(file, item.path)
        name = item.versions.name
        if not (file and decoded and source and name in definitions(source)):
            return
        there = definitions(source)[name].text
        versions = (
            replace(item.versions, yours=there)
            if item.moved_by_you
            else replace(item.versions, new=there)
        )
        merged = merge_definition(source, versions, self.labels, self.reader)
        before = outcome or Outcome(item.path, Kind.KEPT, file)
        is_conflict = bool(merged.conflicts) or before.kind == Kind.CONFLICT
        note = f"{name}, from {item.origin}, is merged here"
        outcomes[item.path] = replace(
            before,
            kind=Kind.CONFLICT if is_conflict else Kind.MERGED,
            file=replace(file, content=decoded.encode(merged.text)),
            conflicts=(*before.conflicts, *merged.conflicts),
            notes=(*before.notes, note, *merged.notes),
        )
        _unsay(item, outcomes)

    def doubt(self, outcomes: dict[str, Outcome]) -> None:
        """Say where new uses an attribute that you renamed, of an object that may be another."""
        names = {old: (cls, new) for (cls, old), new in self._renames.members.items()}
        for path, outcome in outcomes.items() if names else ():
            after = self.source(outcome.file, path) if path.endswith(".py") else None
            before = self.source(self.yours.files.get(path), path)
            if after is None:
                continue
            known = attributes_in(before) if before else set()
            for scope, old in sorted(attributes_in(after) - known):
                if old in names:
                    cls, new = names[old]
                    note = f"uses {scope}{old}; you renamed {cls}.{old} to {new}: look at it"
                    outcomes[path] = replace(outcome, notes=(*outcomes[path].notes, note))

    def vouch(self, outcomes: dict[str, Outcome]) -> None:
        """Imports that resolved on both sides resolve in the result, or it is a conflict."""
        mine = self._side({t.path: t.mine for t in self.triples})
        result = self._side({path: outcome.file for path, outcome in outcomes.items()})
        self._vouch_for_calls(mine, result, outcomes)
        gone = {path for path, outcome in outcomes.items() if outcome.file is None}
        gone |= {outcome.moved_from for outcome in outcomes.values()}
        mine |= dict(self._users_of(self._lost(mine, result), mine))
        there = {path: text for path, text in mine.items() if path not in gone}
        others = {module_of(path) for path in self.yours.files if path.endswith(".py")}
        others -= {module_of(path) for path in (*mine, *gone)}
        broken = self.modules.broken({**there, **result}, others)
        if not broken:
            return
        theirs = self._side({t.path: t.new for t in self.triples})
        broken -= self.modules.broken(mine, others) | self.modules.broken(theirs)
        for lost in sorted(broken, key=lambda item: (item.path, item.module, item.name)):
            what = f"{lost.name or lost.module} is imported from {lost.module}, where it is no more"
            what = f"{what}: mend the import, or delete the file"
            self._accuse(lost.path, what, outcomes)

    def _vouch_for_calls(
        self, mine: dict[str, str], result: dict[str, str], outcomes: dict[str, Outcome]
    ) -> None:
        """Calls that fitted on both sides fit in the result, or it is a conflict."""
        theirs = self._side({t.path: t.new for t in self.triples})
        sides = (result, mine, theirs)
        same = {path for path, text in result.items() if mine.get(path) == theirs.get(path) == text}
        changed = ({p: text for p, text in side.items() if p not in same} for side in sides)
        takes, yours, new = map(self.modules.takes, changed)
        if all(
            takes.get(each, yours[each]) == new.get(each, yours[each]) for each in yours
        ) and all(takes[each] == yours.get(each, takes[each]) for each in takes):
            return
        found = self.modules.misfits(result)
        if found:
            found -= self.modules.misfits(mine) | self.modules.misfits(theirs)
        for misfit in sorted(found, key=lambda item: (item.path, item.callee)):
            self._accuse(misfit.path, f"{misfit.callee} {misfit.what}", outcomes)

    def _accuse(self, path: str, what: str, outcomes: dict[str, Outcome]) -> None:
        kept = Outcome(path, Kind.CONFLICT, self.yours.files.get(path))
        before = outcomes.get(path, kept)
        conflicts = (*before.conflicts, Conflict(what))
        outcomes[path] = replace(before, kind=Kind.CONFLICT, conflicts=conflicts)

    def _side(self, files: dict[str, File | None]) -> dict[str, str]:
        return {
            path: text
            for path, file in files.items()
            if path.endswith(".py") and (text := self.text(file, path)) is not None
        }

    def _lost(self, mine: dict[str, str], result: dict[str, str]) -> set[str]:
        """Modules that have lost a name, or are gone themselves."""
        return {
            module_of(path)
            for path, text in mine.items()
            if path not in result or self.modules.bound(text) - self.modules.bound(result[path])
        }

    def _users_of(self, modules: set[str], known: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Files of your own that may import one of some modules."""
        words = [module.rpartition(".")[2].encode() for module in modules]
        for path in sorted(self.yours.files) if words else ():
            if path.endswith(".py") and path not in known:
                file = self.yours.files[path]
                if any(word in file.content for word in words):
                    text = self.text(file, path)
                    if text is not None:
                        yield path, text


def _unsay(item: Carried, outcomes: dict[str, Outcome]) -> None:
    """The file that a definition came from said that it was deleted there."""
    for path, outcome in outcomes.items():
        if item.origin in (path, outcome.moved_from):
            start = f"{item.versions.name} stays deleted"
            notes = tuple(note for note in outcome.notes if not note.startswith(start))
            outcomes[path] = replace(outcome, notes=notes)
