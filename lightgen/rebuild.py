"""The base of a merge: as it is remembered, or rendered again where that cannot be trusted."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lightgen.generate import render_content
from lightgen.merge.outcome import END, MIDDLE, START, marker_line
from lightgen.problems import LightgenError
from lightgen.remembered import Memory
from lightgen.tree import Tree

if TYPE_CHECKING:
    from lightgen.packs import Pack

Content: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Base:
    """What the user's files began as.

    `others` are further renders that may stand in the project after a merge by git: a file that is
    one of them, byte for byte, has no edit of the user's.
    """

    tree: Tree
    others: tuple[Tree, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> set[str]:
        """Every path that any of the renders has."""
        return set().union(self.tree, *self.others)

    def settled(self, yours: Tree) -> Tree:
        """The base of each file: of the renders, the one that the user's file is."""
        settled = dict(self.tree)
        for other in reversed(self.others):
            for path, file in other.items():
                mine = yours.get(path)
                if mine and mine.content == file.content != _content(self.tree, path):
                    settled[path] = file
        return settled


def _content(tree: Tree, path: str) -> bytes | None:
    return tree[path].content if path in tree else None


def find_base(
    root: Path, memory: Memory | None, state: str, content: Content, *, rebuild: bool, trust: bool
) -> Base:
    """The base as remembered; where it is lost, at odds with its hashes, or not wanted: rendered.

    `state` is the text of the remembered state as it lies, which may hold two of them between the
    markers of git; `content` what the spec file says.
    """
    if memory is None or rebuild:
        note = "the base is rebuilt from lightgen.toml: what differs from its render is your edit"
        return Base(_render(root, memory, [content], trust)[0], notes=(note,))
    if not memory.faults:
        return Base(memory.base)
    recorded = [memory.spec] if memory.spec is not None else []
    sides = [] if recorded else _both_sides(state)
    first, *others = _render(root, memory, [*recorded, content, *sides], trust)
    first = {**first, **{path: memory.base[path] for path in memory.intact}}
    source = "the recorded spec" if recorded else "lightgen.toml"
    note = f".lightgen is not as it was left ({'; '.join(memory.faults)})"
    return Base(first, tuple(others), (f"{note}: the base is rebuilt from {source}",))


def _render(
    root: Path, memory: Memory | None, contents: Sequence[Content], trust: bool
) -> list[Tree]:
    """The renders of these specs, without those that cannot be; the last error if that is all."""
    renders: list[Tree] = []
    failure: LightgenError | None = None
    for content in contents:
        try:
            pack = stored_pack(memory, content)
            renders.append(render_content(content, relative_to=root, trust=trust, stored=pack))
        except LightgenError as error:
            failure = failure or error
    if not renders and failure:
        raise failure
    return renders


def _both_sides(text: str) -> list[Content]:
    """The specs of the two states that git left between its markers."""
    if not marker_line(text):
        return []
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
    return [spec for side in sides if (spec := _spec_in("".join(side)))]


def _spec_in(text: str) -> Content:
    try:
        spec = tomllib.loads(text).get("spec", {})
    except ValueError:
        return {}
    return spec if isinstance(spec, dict) else {}


def stored_pack(memory: Memory | None, content: Content) -> Pack | None:
    """The pack that the project has stored, as long as it is the one that a spec names."""
    if (
        memory is None
        or not memory.pack
        or any(_marked(file.content) for file in memory.pack.values())
    ):
        return None
    from lightgen.packs import Pack

    recorded = (memory.spec or content).get("template", {})
    source, ref = recorded.get("source", ""), recorded.get("ref", "")
    return Pack(source, ref, memory.resolved, memory.pack)


def _marked(content: bytes) -> bool:
    return START.encode() in content and marker_line(content.decode("latin-1")) > 0
