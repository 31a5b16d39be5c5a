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
    fitted = [_fit_line(theirs, line, own, indent, mine) for line in range(first, last)]
    return requote("".join(f"{line}\n" for line in fitted), theirs, mine)


def _least_indent(source: Source, first: int, last: int) -> str:
    for line in range(first, last):
        if source.lines[line].strip() and not source.lines[line].lstrip().startswith("#"):
            return source.indent_of(line)
    return source.indent_of(first)


def _fit_line(theirs: Source, line: int, own: str, indent: str, mine: Source) -> str:
    text = theirs.lines[line]
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
    text = theirs.segment(span)
    if first != last:
        own = theirs.indent_of(first)
        head, *lines = text.split("\n")
        fitted = [
            _fit_line_text(theirs, first + 1 + at, line, own, indent, mine)
            for at, line in enumerate(lines)
        ]
        text = "\n".join([head, *fitted])
    return requote(text, theirs, mine)


def _fit_line_text(
    theirs: Source, line: int, text: str, own: str, indent: str, mine: Source
) -> str:
    whole = _fit_line(theirs, line, own, indent, mine)
    return whole[: len(whole) - (len(theirs.lines[line]) - len(text))]


_PLAIN = re.compile(r"""(?<![\w"'])(["'])([^"'\\\n]*)\1(?!["'])""")


def requote(text: str, theirs: Source, mine: Source) -> str:
    """Plain strings in the quotes that the other source uses throughout."""
    wanted = _quote_of(mine)
    if not wanted or wanted == _quote_of(theirs) or wanted not in "'\"":
        return text
    if "#" in text or '"""' in text or "'''" in text:
        return text
    return _PLAIN.sub(lambda match: f"{wanted}{match[2]}{wanted}", text)


def _quote_of(source: Source) -> str:
    """The quote of every plain string of a source, if it is one."""
    seen = set()
    for start, end in source.strings:
        match = _PLAIN.fullmatch(source.text[start:end])
        if match:
            seen.add(match[1])
    return seen.pop() if len(seen) == 1 else ""
