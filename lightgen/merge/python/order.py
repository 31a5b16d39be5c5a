"""The order of a merged list: yours, with the new side's insertions and moves."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias


class ClashError(Exception):
    """Both sides changed one thing in different ways; caught at the statement that holds it."""


@dataclass
class Slot:
    """One place of the merged list: which piece stands there on each side, by index."""

    base: int | None
    yours: int | None
    new: int | None


@dataclass
class Contest:
    """Both sides inserted at one point, and the order matters."""

    yours: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)


Place: TypeAlias = Slot | Contest


@dataclass(frozen=True)
class Lists:
    """Three lists as far as their order is concerned.

    `mine` and `theirs` map indices of the base to those of yours and new, `common` those of
    yours to new for what both added alike. `changed` tells whether a piece of the base that you
    deleted differs in new; `commute` whether two insertions, of yours and of new, may stand in
    any order; `first` whether that of new goes before yours. `is_loose` tells of an insertion,
    true for yours, whether it may stand anywhere; `is_double` of a piece of the base whether
    another is equal to it. In a list that `is_free` the order means nothing; where `moves_matter`,
    what one side moved the other must not have taken away. Pieces that are `inside` of another, of
    base, yours and new, have no place of their own.
    """

    counts: tuple[int, int, int]
    mine: dict[int, int]
    theirs: dict[int, int]
    common: dict[int, int]
    changed: Callable[[int, int], bool]
    commute: Callable[[int, int], bool]
    first: Callable[[int, int], bool] = lambda yours, new: False
    is_loose: Callable[[bool, int], bool] = lambda is_yours, index: False
    is_double: Callable[[int], bool] = lambda base: False
    is_free: bool = False
    moves_matter: bool = False
    inside: tuple[frozenset[int], frozenset[int], frozenset[int]] = (
        frozenset(),
        frozenset(),
        frozenset(),
    )


def merge_order(lists: Lists) -> list[Place]:
    """Place every piece once. ClashError where both sides reordered differently."""
    if not lists.is_free:
        _refuse_torn(lists)
        _refuse_lost_moves(lists)
    places = _yours(lists)
    moved = _moved_by_new(lists)
    if moved:
        places = [p for p in places if not (isinstance(p, Slot) and p.base in moved)]
    back = {new: base for base, new in lists.theirs.items()}
    for new in range(lists.counts[2]):
        base = back.get(new)
        if new in lists.inside[2] or (base is None and new in lists.common.values()):
            continue
        if base is None and _is_within_deleted(lists, new, lists.theirs, lists.mine, False):
            _place(places, Contest([], [new]), new, lists, contestable=False)
        elif base is None:
            _place(places, Slot(None, None, new), new, lists, contestable=True)
        elif base in moved:
            _place(places, Slot(base, lists.mine[base], new), new, lists, contestable=False)
        elif base not in lists.mine and lists.changed(base, new):
            _place(places, Slot(base, None, new), new, lists, contestable=False)
    return places


def _refuse_torn(lists: Lists) -> None:
    """Raise ClashError where equal pieces make it doubtful what both sides took away.

    Between two pieces that both sides kept, each took away something else, and one of the pieces
    there could as well be another.
    """
    gap: list[int] = []
    for base in range(lists.counts[0] + 1):
        if base in lists.mine and base in lists.theirs:
            gap = []
            continue
        if base < lists.counts[0]:
            gap.append(base)
        mine = {b for b in gap if b not in lists.mine and b not in lists.inside[0]}
        theirs = {b for b in gap if b not in lists.theirs}
        if mine and theirs and mine != theirs and any(map(lists.is_double, gap)):
            raise ClashError("both sides took away from a list with equal entries")


def _refuse_lost_moves(lists: Lists) -> None:
    """Raise ClashError where you moved what new took away, or has made into something else."""
    if not lists.moves_matter:
        return
    in_your_order = sorted(lists.mine, key=lists.mine.__getitem__)
    if in_your_order != sorted(in_your_order) and not lists.theirs.keys() >= lists.mine.keys():
        raise ClashError("you moved what the new side removes")
    in_new_order = sorted(lists.theirs, key=lists.theirs.__getitem__)
    if in_new_order != sorted(in_new_order) and not lists.mine.keys() >= lists.theirs.keys():
        raise ClashError("the new side moves what you removed")


def _is_within_deleted(
    lists: Lists, index: int, own: dict[int, int], other: dict[int, int], is_yours: bool
) -> bool:
    """Whether the other side has deleted all that stands around an insertion, or, of what the
    insertion stands in the stead of, anything.
    """
    if lists.is_free or lists.is_loose(is_yours, index):
        return False
    back = {at: base for base, at in own.items()}
    before = next((back[at] for at in range(index - 1, -1, -1) if at in back), None)
    after = next(
        (back[at] for at in range(index + 1, max(back, default=0) + 1) if at in back), None
    )
    around = [base for base in (before, after) if base is not None]
    held = other.keys() | lists.inside[0]
    first = 0 if before is None else before + 1
    last = lists.counts[0] if after is None else after
    replaced = [
        base for base in range(first, last) if base not in own and base not in lists.inside[0]
    ]
    if any(base not in held for base in replaced):
        return True
    return bool(around) and not any(base in held for base in around)


def _yours(lists: Lists) -> list[Place]:
    back = {mine: base for base, mine in lists.mine.items()}
    places: list[Place] = []
    for yours in range(lists.counts[1]):
        if yours in lists.inside[1]:
            continue
        base = back.get(yours)
        new = lists.common.get(yours) if base is None else lists.theirs.get(base)
        is_fresh = base is None and new is None
        if is_fresh and _is_within_deleted(lists, yours, lists.mine, lists.theirs, True):
            places.append(Contest([yours], []))
        else:
            places.append(Slot(base, yours, new))
    return places


def _moved_by_new(lists: Lists) -> set[int]:
    """Pieces that new moved and you did not."""
    both = sorted(lists.mine.keys() & lists.theirs.keys())
    by_new = sorted(both, key=lists.theirs.__getitem__)
    by_yours = sorted(both, key=lists.mine.__getitem__)
    if by_new in (both, by_yours):
        return set()
    moved = set(both) - _longest_increasing(by_new)
    if by_yours == both:
        return moved
    if not lists.is_free:
        raise ClashError("both sides reordered")
    return moved - (set(both) - _longest_increasing(by_yours))


def _longest_increasing(numbers: list[int]) -> set[int]:
    tails: list[int] = []
    chains: list[list[int]] = []
    for number in numbers:
        at = bisect_left(tails, number)
        chain = [*(chains[at - 1] if at else []), number]
        if at == len(tails):
            tails.append(number)
            chains.append(chain)
        else:
            tails[at], chains[at] = number, chain
    return set(chains[-1]) if chains else set()


def _place(places: list[Place], place: Place, new: int, lists: Lists, *, contestable: bool) -> None:
    after = _before_of(places, new)
    before = places[after] if after >= 0 else None
    if contestable and isinstance(before, Contest) and not _goes_first(lists, before.yours, new):
        before.new.append(new)
        return
    until = _after_of(places, new, after)
    dropped = [at for at in range(after + 1, until) if _is_dropped(places[at])]
    if dropped:
        _replace(places, place, new, lists, range(after + 1, until), dropped)
        return
    run = _run_of_yours(places, after + 1, until)
    if after < 0 and until < len(places) and not run:
        places.insert(until, place)
    elif not run or not contestable or _goes_first(lists, run, new):
        places.insert(after + 1, place)
    elif all(lists.commute(yours, new) for yours in run):
        places.insert(after + 1 + len(run), place)
    else:
        places[after + 1 : after + 1 + len(run)] = [Contest(run, [new])]


def _replace(
    places: list[Place], place: Place, new: int, lists: Lists, gap: range, dropped: list[int]
) -> None:
    """Place what stands in the stead of what new took away."""
    slots = [places[at] for at in gap]
    mine = [slot.yours for slot in slots if isinstance(slot, Slot) and slot.yours is not None]
    added = [
        u
        for u in mine
        if not any(isinstance(s, Slot) and s.yours == u and s.base is not None for s in slots)
    ]
    is_plain = isinstance(place, Slot) and place.base is None and len(mine) == len(slots)
    in_doubt = [u for u in added if not lists.commute(u, new)]
    if is_plain and in_doubt and _added_around(lists, new) != len(dropped):
        places[gap.start : gap.stop] = [Contest(mine, [new])]
    else:
        places.insert(dropped[0], place)


def _added_around(lists: Lists, new: int) -> int:
    """How many pieces new adds side by side, this one among them."""
    kept = set(lists.theirs.values())
    first = new
    while first > 0 and first - 1 not in kept:
        first -= 1
    last = new
    while last + 1 < lists.counts[2] and last + 1 not in kept:
        last += 1
    return last - first + 1


def _goes_first(lists: Lists, run: list[int], new: int) -> bool:
    return all(lists.first(yours, new) for yours in run)


def _before_of(places: list[Place], new: int) -> int:
    """Where the nearest piece of new before this one stands, -1 for nowhere."""
    best, found = -1, -1
    for at, place in enumerate(places):
        last = place.new if isinstance(place, Slot) else max(place.new, default=None)
        if last is not None and best < last < new:
            best, found = last, at
    return found


def _after_of(places: list[Place], new: int, after: int) -> int:
    """Where the nearest piece of new after this one stands behind `after`; else the end."""
    best, found = -1, len(places)
    for at in range(after + 1, len(places)):
        place = places[at]
        first = place.new if isinstance(place, Slot) else min(place.new, default=None)
        if first is not None and first > new and (best < 0 or first < best):
            best, found = first, at
    return found


def _is_dropped(place: Place) -> bool:
    """In the base and in yours, gone in new: what stands in its place replaces it."""
    return isinstance(place, Slot) and place.base is not None and place.new is None


def _run_of_yours(places: list[Place], start: int, until: int) -> list[int]:
    run = []
    for place in places[start:until]:
        if not isinstance(place, Slot) or place.base is not None or place.new is not None:
            break
        if place.yours is not None:
            run.append(place.yours)
    return run
