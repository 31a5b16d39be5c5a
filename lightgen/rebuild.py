"""The base of a merge: as it is remembered, or rendered again where that cannot be trusted."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lightgen.generate import render_content
from lightgen.inside import outside_fault
from lightgen.memory import digest
from lightgen.merge.outcome import END, MIDDLE, START, marker_line
from lightgen.problems import LightgenError
from lightgen.remembered import Memory
from lightgen.rulefile import read_rule_file
from lightgen.spec.rule import RuleFile, RuleFiles
from lightgen.tree import Tree

if TYPE_CHECKING:
    from lightgen.packs import Pack

Content: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Base:
    """What the user's files began as.

    `hashes` are those of renders that may stand in the project besides, as after a merge by git: a
    file that has one of them is as lightgen wrote it.
    """

    tree: Tree
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> set[str]:
        """Every path that any of the renders has."""
        return {*self.tree, *self.hashes}

    def settled(self, yours: Tree) -> Tree:
        """The base of each file; a file that is as lightgen wrote it is its own."""
        as_written = {
            path: yours[path]
            for path, hashes in self.hashes.items()
            if path in yours and digest(yours[path].content) in hashes
        }
        return {**self.tree, **as_written}


def find_base(
    root: Path, memory: Memory | None, state: str, content: Content, *, rebuild: bool, trust: bool
) -> Base:
    """The base as remembered; where it is lost, at odds with its hashes, or not wanted: rendered.

    `state` is the text of the remembered state as it lies, which may hold two of them between the
    markers of git; `content` what the spec file says.
    """
    if memory is None or rebuild:
        rules = partial(_rule_file, root, {})
        note = "the base is rebuilt from lightgen.toml: what differs from its render is your edit"
        return Base(_render(root, memory, [content], trust, rules), notes=(note,))
    if not memory.faults:
        return Base(memory.base)
    states = list(_states(state))
    specs = [each["spec"] for each in states if isinstance(each.get("spec"), Mapping)]
    recorded = specs[:1] if all(spec == specs[0] for spec in specs) else []
    hashes = _hashes(states)
    intact = {
        path: file
        for path, file in memory.base.items()
        if digest(file.content) in hashes.get(path, ())
    }
    rules = partial(_rule_file, root, intact)
    rendered = _render(root, memory, [*recorded, content], trust, rules)
    source = "the recorded spec" if recorded else "lightgen.toml"
    note = f".lightgen is not as it was left ({memory.damage})"
    return Base({**rendered, **intact}, hashes, (f"{note}: the base is rebuilt from {source}",))


def _render(
    root: Path, memory: Memory | None, contents: Sequence[Content], trust: bool, rules: RuleFiles
) -> Tree:
    """The render of the first of these specs that can be rendered."""
    for number, content in enumerate(contents, start=1):
        try:
            pack = stored_pack(memory, content)
            return render_content(
                content, relative_to=root, trust=trust, stored=pack, rule_files=rules
            )
        except LightgenError:
            if number == len(contents):
                raise
    return {}


def _rule_file(root: Path, recorded: Tree, path: str) -> RuleFile | None:
    """A rule as it was recorded; where that is lost, as it lies in the project."""
    if path in recorded:
        return RuleFile(recorded[path], path)
    return read_rule_file(root, path)


def _states(text: str) -> Iterator[Content]:
    """The state in a text, or the two that git left between its markers; none that is no TOML."""
    for side in _both_sides(text) if marker_line(text) else [text]:
        try:
            yield tomllib.loads(side)
        except (ValueError, RecursionError):
            continue


def _both_sides(text: str) -> list[str]:
    sides: list[list[str]] = [[], []]
    into: tuple[int, ...] = (0, 1)
    for line in text.splitlines(keepends=True):
        if line.startswith(f"{START} "):
            into = (0,)
        elif line.startswith("||||||| "):
            into = ()
        elif line.rstrip() == MIDDLE:
            into = (1,)
        elif line.startswith(f"{END} "):
            into = (0, 1)
        else:
            for side in into:
                sides[side].append(line)
    return ["".join(side) for side in sides]


def _hashes(states: Sequence[Content]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for state in states:
        files = state.get("files")
        for path, entry in files.items() if isinstance(files, Mapping) else ():
            if isinstance(entry, Mapping) and not outside_fault(path):
                found[path] = found.get(path, frozenset()) | {str(entry.get("sha256"))}
    return found


def stored_pack(memory: Memory | None, content: Content) -> Pack | None:
    """The pack that the project has stored, as long as it is the one that a spec names."""
    if memory is None or not memory.pack:
        return None
    if any(_is_marked(file.content) for file in memory.pack.values()):
        return None
    from lightgen.packs import Pack

    recorded = (memory.spec or content).get("template", {})
    source, ref = recorded.get("source", ""), recorded.get("ref", "")
    return Pack(source, ref, memory.resolved, memory.pack)


def _is_marked(content: bytes) -> bool:
    return START.encode() in content and marker_line(content.decode("latin-1")) > 0
