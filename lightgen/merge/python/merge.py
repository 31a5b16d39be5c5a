"""The merge of a Python file: text to text, guarded."""

from __future__ import annotations

import ast
from dataclasses import replace

from lightgen.merge.lines import merge_lines
from lightgen.merge.outcome import END, CannotMergeError, Conflict, Labels, MergedText, marked
from lightgen.merge.python.blocks import module_block
from lightgen.merge.python.bodies import merge_block
from lightgen.merge.python.names import imported_names, unresolved
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.reader import Elsewhere, Reader
from lightgen.merge.python.renames import renamed, without
from lightgen.merge.python.sides import Sides, Three, finished, taking_yours
from lightgen.merge.python.source import Source
from lightgen.merge.python.splice import Edit, apply_edits

_ROUNDS = 6


def merge_python(
    base: str,
    yours: str,
    new: str,
    labels: Labels,
    elsewhere: Elsewhere | None = None,
) -> MergedText:
    """Merge three versions of a Python file by structure, editing your text where it must be.

    CannotMergeError where a version doesn't parse.
    """
    if new in (base, yours):
        return MergedText(yours)
    elsewhere = elsewhere or Elsewhere(Reader())
    if yours == base and not elsewhere.renames:
        return MergedText(new)
    before, mine, theirs = (elsewhere.reader.read(text) for text in (base, yours, new))
    try:
        merged = _by_structure(before, mine, theirs, labels, elsewhere)
    except CannotMergeError:
        merged = _by_lines(before, mine, theirs, labels)
    return replace(merged, text=_end_like(merged.text, base, yours, new))


def is_same_code(one: Source, other: Source) -> bool:
    """Whether two sources have the same syntax, imports in any order, and the same comments."""
    words = (source.words_in(0, len(source.text)) for source in (one, other))
    return _parts(one) == _parts(other) and len(set(words)) == 1


def _parts(source: Source) -> tuple[list[tuple[object, ...]], list[int]]:
    imported, rest = [], []
    for node in source.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None), getattr(node, "level", None)
            imported += [(*map(str, module), source.key(alias)) for alias in node.names]
        else:
            rest.append(source.key(node))
    return sorted(imported), rest


def is_same_text(base: str, yours: str) -> bool:
    """Whether two texts have the same syntax and the same comments."""
    reader = Reader()
    one, other = reader.find(base), reader.find(yours)
    return bool(one and other and is_same_code(one, other))


def _by_structure(
    base: Source, yours: Source, new: Source, labels: Labels, elsewhere: Elsewhere
) -> MergedText:
    base, yours, new = _with_one_name(base, yours, new, elsewhere)
    text, sides, missing = _guarded(Sides((base, yours, new), labels))
    merged = finished(text, sides)
    if missing:
        what = f"{', '.join(sorted(missing))} is left without a definition"
        merged = replace(merged, conflicts=(*merged.conflicts, Conflict(what)))
    return merged


def _with_one_name(base: Source, yours: Source, new: Source, elsewhere: Elsewhere) -> Three[Source]:
    """The three versions, in each what either side renamed; not what both renamed differently."""
    reader = elsewhere.reader
    mine, theirs = reader.renames(base, yours), reader.renames(base, new)
    for_yours = without(theirs, mine)
    if for_yours:
        base, yours = (reader.read(renamed(source, for_yours)) for source in (base, yours))
    for renames in (without(reader.renames(base, yours), theirs), elsewhere.renames):
        if renames:
            base, new = (reader.read(renamed(source, renames)) for source in (base, new))
    return base, yours, new


def _by_lines(base: Source, yours: Source, new: Source, labels: Labels) -> MergedText:
    """Merge by lines; a result that doesn't parse or lacks a name is one whole conflict."""
    merged = merge_lines(base.text, yours.text, new.text, labels)
    if merged.conflicts:
        return merged
    known = unresolved(yours) | unresolved(new)
    what = "the two sides don't fit together"
    try:
        if unresolved(Source(merged.text, yours.keys)) <= known:
            return merged
    except CannotMergeError:
        what = "what the two sides make together doesn't parse"
    return MergedText(marked(yours.text, new.text, labels), (Conflict(what, 1),))


def _end_like(text: str, base: str, yours: str, new: str) -> str:
    """The last line end is yours where you changed it."""
    ends = [side.endswith("\n") for side in (base, yours, new)]
    wanted = ends[2] if ends[1] == ends[0] else ends[1]
    if wanted or text.rpartition("\n")[0].rpartition("\n")[2].startswith(END):
        return text
    return text.removesuffix("\n")


def _guarded(sides: Sides) -> tuple[str, Sides, set[str]]:
    """Merge, and merge again more cautiously until every name resolves that did before.

    Returns also the names for which that was not to be had.
    """
    before = unresolved(sides.yours) | unresolved(sides.new)
    bound = {name for source in sides.sources for name in imported_names(source.tree)}
    for _ in range(_ROUNDS):
        text, result = _merged(sides)
        names = {name for _, name in unresolved(result) - before}
        fresh = names - sides.needed - sides.doubtful
        if not names or not fresh:
            break
        imports = frozenset(name for name in fresh if name in bound)
        again = Sides(sides.sources, sides.labels)
        sides = replace(
            again,
            needed=sides.needed | imports,
            doubtful=sides.doubtful | (fresh - imports),
        )
    return text, sides, names


def _merged(sides: Sides) -> tuple[str, Source]:
    """The merged text with marks, and what it is when every conflict is decided for yours."""
    edits: list[Edit] = []
    try:
        base, yours, new = map(module_block, sides.sources)
        code = merge_block(sides, (base, yours, new), edits)
    except ClashError as error:
        raise CannotMergeError from error
    text = apply_edits(sides.yours.text, edits)
    result = Source(taking_yours(text), sides.yours.keys)
    if sides.yours.key(result.tree.body) != code:
        raise CannotMergeError
    return text, result
