"""The merge of a Python file: text to text, guarded."""

from __future__ import annotations

from dataclasses import replace

from lightgen.merge.outcome import CannotMergeError, Labels, MergedText
from lightgen.merge.python.blocks import module_block
from lightgen.merge.python.keys import Keys
from lightgen.merge.python.names import imported_names, unresolved
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.sides import Sides, finished, taking_yours
from lightgen.merge.python.source import Source
from lightgen.merge.python.splice import Edit, apply_edits
from lightgen.merge.python.suites import merge_block

_ROUNDS = 6


def merge_python(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge three versions of a Python file by structure, editing your text where it must be.

    CannotMergeError where a version doesn't parse, or the result is not what the structure says.
    """
    if new in (base, yours):
        return MergedText(yours)
    if yours == base:
        return MergedText(new)
    keys = Keys()
    sources = [Source(_ended(text), keys) for text in (base, yours, new)]
    text, sides = _guarded(Sides(*sources, labels))
    return finished(_end_like(text, base, yours, new), sides)


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def _end_like(text: str, base: str, yours: str, new: str) -> str:
    """The last line end is yours where you changed it."""
    ends = [side.endswith("\n") for side in (base, yours, new)]
    wanted = ends[2] if ends[1] == ends[0] else ends[1]
    return text if wanted or text.endswith((">\n", "\n\n")) else text.removesuffix("\n")


def _guarded(sides: Sides) -> tuple[str, Sides]:
    """Merge, and merge again more cautiously until every name resolves that did before."""
    before = unresolved(sides.yours.tree) | unresolved(sides.new.tree)
    bound = imported_names(sides.base.tree) | imported_names(sides.yours.tree)
    bound |= imported_names(sides.new.tree)
    for _ in range(_ROUNDS):
        text, tree = _merged(sides)
        missing = unresolved(tree.tree) - before
        names = {name for _, name in missing}
        fresh = names - sides.needed - sides.doubtful
        if not names or not fresh:
            break
        imports = frozenset(name for name in fresh if name in bound)
        again = Sides(sides.base, sides.yours, sides.new, sides.labels)
        sides = replace(
            again,
            needed=sides.needed | imports,
            doubtful=sides.doubtful | (fresh - imports),
        )
    return text, sides


def _merged(sides: Sides) -> tuple[str, Source]:
    """The merged text with marks, and what it is when every conflict is decided for yours."""
    blocks = [module_block(source) for source in (sides.base, sides.yours, sides.new)]
    edits: list[Edit] = []
    try:
        code = merge_block(sides, *blocks, edits)
    except ClashError as error:
        raise CannotMergeError from error
    text = apply_edits(sides.yours.text, edits)
    result = Source(taking_yours(text), sides.yours.keys)
    if sides.yours.key(result.tree.body) != code:
        raise CannotMergeError
    return text, result
