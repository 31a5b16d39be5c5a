"""Which piece of one list is which piece of another."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Protocol, TypeAlias

_ENOUGH = 0.55
_SMALL = 4
_FEW_PAIRS = 400


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


Token: TypeAlias = Callable[[Piece], Hashable]


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
    found = _in_order(base, side)
    _add_moved(base, side, found, _code)
    _add_moved(base, side, found, _name)
    return found


def _code(piece: Piece) -> Hashable:
    return piece.kind, piece.code


def _name(piece: Piece) -> Hashable:
    return piece.name and (piece.kind, piece.name)


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
    """What has stayed in order: equal ends, anchors in many pieces, the best between them."""
    head = 0
    while head < min(len(base), len(side)) and base[head].code == side[head].code:
        head += 1
    tail = 0
    while tail < min(len(base), len(side)) - head and base[-1 - tail].code == side[-1 - tail].code:
        tail += 1
    found = {index: index for index in range(head)}
    found |= {len(base) - 1 - k: len(side) - 1 - k for k in range(tail)}
    base, side = base[head : len(base) - tail], side[head : len(side) - tail]
    anchors = _anchors(base, side) if len(base) * len(side) > _FEW_PAIRS else []
    if not anchors:
        return found | {b + head: s + head for b, s in _best(base, side).items()}
    found |= {b + head: s + head for b, s in anchors}
    starts = [(0, 0), *((b + 1, s + 1) for b, s in anchors)]
    for (b, s), (end_b, end_s) in zip(starts, [*anchors, (len(base), len(side))], strict=True):
        between = _in_order(base[b:end_b], side[s:end_s])
        found |= {i + b + head: j + s + head for i, j in between.items()}
    return found


def _anchors(base: Sequence[Piece], side: Sequence[Piece]) -> list[tuple[int, int]]:
    """Pieces of one code, or else of one name, that both sides have once, as far as in order.

    To score every pair of many pieces would take the square of their number.
    """
    for token in (_code, _name):
        there = _unique(side, range(len(side)), token)
        here = _unique(base, range(len(base)), token)
        pairs = [(index, there[mark]) for mark, index in here.items() if mark in there]
        if pairs:
            return _rising(sorted(pairs))
    return []


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many of the pairs as possible whose second parts rise, of pairs whose first ones do."""
    ends: list[int] = []  # the pair with which the best run of each length ends
    before: list[int] = []
    for number, (_, second) in enumerate(pairs):
        at = bisect_left(ends, second, key=lambda end: pairs[end][1])
        before.append(ends[at - 1] if at else -1)
        ends[at : at + 1] = [number]
    found, number = [], ends[-1]
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _best(base: Sequence[Piece], side: Sequence[Piece]) -> dict[int, int]:
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
    base: Sequence[Piece], side: Sequence[Piece], found: dict[int, int], token: Token
) -> None:
    taken = set(found.values())
    free_base = _unique(base, [i for i in range(len(base)) if i not in found], token)
    free_side = _unique(side, [j for j in range(len(side)) if j not in taken], token)
    for mark, index in free_base.items():
        if mark in free_side:
            found[index] = free_side[mark]


def _unique(pieces: Sequence[Piece], indices: Iterable[int], token: Token) -> dict[object, int]:
    marks: dict[object, int] = {}
    seen: Counter[object] = Counter()
    for index in indices:
        mark = token(pieces[index])
        if mark:
            seen[mark] += 1
            marks[mark] = index
    return {mark: index for mark, index in marks.items() if seen[mark] == 1}
