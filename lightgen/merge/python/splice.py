"""Edits of a text, and new text made to fit where it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightgen.merge.python.source import Source, Span


@dataclass(frozen=True)
class Edit:
    """Put `text` in the place of what stands between two offsets."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: list[Edit], within: Span | None = None) -> str:
    """The text, or the part within a span, after edits that don't overlap.

    Edits at one point go in the order of the list.
    """
    start, end = within or (0, len(text))
    parts, at = [], start
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        assert edit.start >= at, "edits overlap"
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    parts.append(text[at:end])
    return "".join(parts)


def lines_for(theirs: Source, first: int, last: int, indent: str, mine: Source) -> str:
    """Whole lines of one source, last excluded, as they would stand in another at an indent."""
    own = _least_indent(theirs, first, last)
    lines = in_quotes_of(mine, theirs).split("\n")
    fitted = [
        _fit_line(theirs, line, lines[line], own, indent, mine) for line in range(first, last)
    ]
    return "".join(f"{line}\n" for line in fitted)


def _least_indent(source: Source, first: int, last: int) -> str:
    for line in range(first, last):
        if source.lines[line].strip() and not source.lines[line].lstrip().startswith("#"):
            return source.indent_of(line)
    return source.indent_of(first)


def _fit_line(theirs: Source, line: int, text: str, own: str, indent: str, mine: Source) -> str:
    if not text.strip() or (line in theirs.string_lines and line not in theirs.docstrings):
        return text
    if own == indent and theirs.indent_unit == mine.indent_unit:
        return text
    before = theirs.indent_of(line)
    if not before.startswith(own):
        return indent + text.lstrip(" \t")
    levels, rest = _levels(before[len(own) :], theirs.indent_unit)
    return indent + mine.indent_unit * levels + rest + text[len(before) :]


def _levels(space: str, unit: str) -> tuple[int, str]:
    levels = 0
    while unit and space.startswith(unit):
        levels, space = levels + 1, space[len(unit) :]
    return levels, space


def part_for(theirs: Source, span: Span, indent: str, mine: Source) -> str:
    """Part of one source, its further lines moved to an indent of another."""
    first, last = theirs.line_of(span[0]), theirs.line_of(span[1])
    text = in_quotes_of(mine, theirs)
    own = theirs.indent_of(first)
    parts = [text[span[0] : min(span[1], theirs.starts[first + 1] - 1)]]
    for line in range(first + 1, last + 1):
        start = theirs.starts[line]
        end = theirs.starts[line + 1] - 1
        whole = _fit_line(theirs, line, text[start:end], own, indent, mine)
        parts.append(whole[: len(whole) - max(0, end - span[1])])
    return "\n".join(parts)


_PLAIN = re.compile(r"""([rRbBfFuU]{0,2})(["'])([^"'\\\n]*)\2""")


def in_quotes_of(mine: Source, theirs: Source) -> str:
    """The text of one source, its plain strings in the quotes that another uses throughout."""
    wanted = _quote_of(mine)
    if not wanted or wanted == _quote_of(theirs):
        return theirs.text
    parts, at = [], 0
    for start, end in theirs.strings:
        match = _PLAIN.fullmatch(theirs.text, start, end)
        if match:
            parts += [theirs.text[at:start], match[1], wanted, match[3], wanted]
            at = end
    return "".join([*parts, theirs.text[at:]])


def _quote_of(source: Source) -> str:
    """The quote of every plain string of a source, if it is one."""
    seen = set()
    for start, end in source.strings:
        match = _PLAIN.fullmatch(source.text, start, end)
        if match:
            seen.add(match[2])
    return seen.pop() if len(seen) == 1 else ""
