"""Which piece of one list is which piece of another."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol

_ENOUGH = 0.55
_SMALL = 4


class Piece(Protocol):
    """A statement of a block, or an element between commas."""

    @property
    def code(self) -> int:
        """The number of its syntax."""

    @property
    def kind(self) -> str:
        """What it is; pieces of different kinds are never the same."""

    @property
    def name(self) -> Hashable | None:
        """What it is called among its neighbours, if anything."""

    @property
    def bag(self) -> Counter[str]:
        """Its words, for similarity."""


def words_of(nodes: Iterable[ast.AST]) -> Counter[str]:
    """The words of some nodes: names, attributes, values, kinds of syntax."""
    found: Counter[str] = Counter()
    for node in nodes:
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                found[child.id] += 1
            elif isinstance(child, ast.Attribute):
                found[child.attr] += 1
            elif isinstance(child, ast.Constant):
                found[repr(child.value)] += 1
            elif isinstance(child, ast.arg | ast.keyword):
                found[str(child.arg)] += 1
            elif not isinstance(child, ast.expr_context):
                found[type(child).__name__] += 1
    return found


def similarity(one: Counter[str], other: Counter[str]) -> float:
    """How much of two bags is common, from 0 to 1 (Dice)."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def align(base: Sequence[Piece], side: Sequence[Piece]) -> dict[int, int]:
    """For pieces of the base, by index, which piece of the side each has become.

    In order where possible; then what has moved: the same code, or the same name, if there is
    one such piece only.
    """
    head = 0
    while head < min(len(base), len(side)) and base[head].code == side[head].code:
        head += 1
    tail = 0
    while tail < min(len(base), len(side)) - head and base[-1 - tail].code == side[-1 - tail].code:
        tail += 1
    found = {index: index for index in range(head)}
    found |= {len(base) - 1 - k: len(side) - 1 - k for k in range(tail)}
    inner = _in_order(base[head : len(base) - tail], side[head : len(side) - tail])
    found |= {b + head: s + head for b, s in inner.items()}
    _add_moved(base, side, found, lambda piece: (piece.kind, piece.code))
    _add_moved(base, side, found, lambda piece: piece.name and (piece.kind, piece.name))
    return found


def _score(one: Piece, other: Piece) -> float:
    if one.code == other.code:
        return 2.0
    if one.kind != other.kind:
        return 0.0
    alike = similarity(one.bag, other.bag)
    if one.name is not None and other.name is not None:
        if one.name == other.name:
            return 1.0 + alike / 2
        if _are_calls_of_one(one.name, other.name):
            return 0.5 + alike / 2
        return alike / 2 if alike > 0.75 and one.bag.total() > _SMALL else 0.0
    return alike if alike > _ENOUGH else 0.0


def _are_calls_of_one(one: Hashable, other: Hashable) -> bool:
    """Whether two names are those of calls of one function."""
    if not (isinstance(one, tuple) and isinstance(other, tuple)):
        return False
    return one[0] == "call" and one[:2] == other[:2]


def _in_order(base: Sequence[Piece], side: Sequence[Piece]) -> dict[int, int]:
    """The alignment in order with the greatest sum of scores (Needleman and Wunsch 1970)."""
    rows, columns = len(base), len(side)
    if not rows or not columns:
        return {}
    scores = [[_score(one, other) for other in side] for one in base]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            skipped = max(best[i + 1][j], best[i][j + 1])
            score = scores[i][j]
            best[i][j] = max(skipped, score + best[i + 1][j + 1]) if score else skipped
    found, i, j = {}, 0, 0
    while i < rows and j < columns:
        if scores[i][j] and best[i][j] == scores[i][j] + best[i + 1][j + 1]:
            found[i] = j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _add_moved(
    base: Sequence[Piece], side: Sequence[Piece], found: dict[int, int], token: object
) -> None:
    taken = set(found.values())
    free_base = _unique(base, [i for i in range(len(base)) if i not in found], token)
    free_side = _unique(side, [j for j in range(len(side)) if j not in taken], token)
    for mark, index in free_base.items():
        if mark in free_side:
            found[index] = free_side[mark]


def _unique(pieces: Sequence[Piece], indices: Iterable[int], token: object) -> dict[object, int]:
    marks: dict[object, int] = {}
    seen: Counter[object] = Counter()
    for index in indices:
        mark = token(pieces[index])  # type: ignore[operator]
        if mark:
            seen[mark] += 1
            marks[mark] = index
    return {mark: index for mark, index in marks.items() if seen[mark] == 1}
