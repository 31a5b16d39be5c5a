"""What stands between commas: arguments, entries, parameters, imported names."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

from lightgen.merge.python.align import words_of
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.source import NOWHERE, Comment, Source, Span

LIMIT_COLUMNS = 88


@dataclass(frozen=True)
class Element:
    """One element: its span without the comma, the comments above and behind it."""

    source: Source
    span: Span
    nodes: tuple[ast.AST, ...]
    name: Hashable | None
    kind: str
    above: tuple[Comment, ...] = ()
    behind: tuple[Comment, ...] = ()

    @cached_property
    def code(self) -> int:
        """The number of its syntax."""
        return self.source.keys.of_all(
            [self.source.key(self.kind), *(self.source.key(node) for node in self.nodes)]
        )

    @cached_property
    def full(self) -> tuple[object, ...]:
        """Its syntax and all its comments."""
        inner = self.source.words_in(*self.span)
        return self.code, self.above_words, inner, self.behind_words

    @property
    def above_words(self) -> tuple[str, ...]:
        """The comments above it."""
        return tuple(comment.text for comment in self.above)

    @property
    def behind_words(self) -> tuple[str, ...]:
        """The comments behind it, on its last line."""
        return tuple(comment.text for comment in self.behind)

    @cached_property
    def bag(self) -> Counter[str]:
        """Its words."""
        return words_of(self.nodes)


@dataclass(frozen=True)
class Elements:
    """A list of elements in `region`, which lies between the brackets if there are any.

    `opened` is the offset of the bracket, or NOWHERE.
    """

    source: Source
    items: list[Element]
    region: Span
    opened: int
    tail: tuple[Comment, ...] = ()

    @property
    def one_a_line(self) -> bool:
        """Whether each element, its comments included, has lines of its own."""
        if self.opened == NOWHERE or not self.items:
            return False
        line = self.source.line_of(self.opened)
        for item in self.items:
            start = self.source.line_of(item.span[0])
            if start <= line:
                return False
            line = self.source.line_of(item.span[1])
        return self.source.line_of(self.region[1]) > line

    @property
    def is_spread(self) -> bool:
        """Whether the elements stand on more than one line."""
        return "\n" in self.source.segment(self.region)

    @property
    def has_comments(self) -> bool:
        """Whether a comment stands between the elements."""
        return bool(self.tail or any(item.above or item.behind for item in self.items))


@dataclass(frozen=True)
class Part:
    """What an element is made of, before its place in the text is known."""

    nodes: tuple[ast.AST, ...]
    name: Hashable | None
    kind: str = ""


def read_elements(source: Source, opened: int, region: Span, parts: Sequence[Part]) -> Elements:
    """Split a region at its commas. ClashError where that doesn't give one span a part."""
    around = source.enclosing(region[0]) if opened == NOWHERE else opened
    commas = [c for c in source.within[around] if region[0] <= c < region[1]]
    bounds = [region[0], *(comma + 1 for comma in commas), region[1]]
    cells = list(zip(bounds, [*commas, region[1]], strict=False))
    spans = [_shrink(source, cell) for cell in cells]
    if spans and spans[-1][0] == spans[-1][1]:
        spans.pop()
    if len(spans) != len(parts) or any(start == end for start, end in spans):
        raise ClashError("a list that can't be taken apart")
    above, behind, tail = _comments(source, region, spans)
    items = [
        Element(source, span, part.nodes, part.name, part.kind, tuple(above[i]), tuple(behind[i]))
        for i, (span, part) in enumerate(zip(spans, parts, strict=True))
    ]
    return Elements(source, items, region, opened, tuple(tail))


def _shrink(source: Source, cell: Span) -> Span:
    """A cell without the space and the comments at its ends."""
    start, end = cell
    while True:
        while start < end and source.text[start] in " \t\n\\":
            start += 1
        if start < end and source.text[start] == "#":
            start = min(end, source.text.find("\n", start))
            continue
        break
    for comment in reversed(source.comments_in(start, end)):
        if source.text[comment.end : end].strip():
            break
        end = comment.start
    while end > start and source.text[end - 1] in " \t\n\\":
        end -= 1
    return start, end


def _comments(
    source: Source, region: Span, spans: list[Span]
) -> tuple[list[list[Comment]], list[list[Comment]], list[Comment]]:
    """Comments between elements: above the next, or behind the one before on its line."""
    above: list[list[Comment]] = [[] for _ in spans]
    behind: list[list[Comment]] = [[] for _ in spans]
    tail: list[Comment] = []
    for comment in source.comments_in(*region):
        if any(start <= comment.start < end for start, end in spans):
            continue
        before = [i for i, span in enumerate(spans) if span[1] <= comment.start]
        if before and not comment.own_line:
            behind[before[-1]].append(comment)
        elif len(before) < len(spans):
            above[len(before)].append(comment)
        else:
            tail.append(comment)
    return above, behind, tail


def parts_of_call(node: ast.Call | ast.ClassDef) -> list[Part]:
    """The arguments of a call or the bases of a class, in the order of the text."""
    given: list[ast.expr] = node.args if isinstance(node, ast.Call) else node.bases
    found: list[tuple[tuple[int, int], Part]] = []
    for value in given:
        found.append(((value.lineno, value.col_offset), Part((value,), None, "positional")))
    for keyword in node.keywords:
        name = keyword.arg if keyword.arg else ("**", ast.dump(keyword.value))
        found.append(((keyword.lineno, keyword.col_offset), Part((keyword,), name, "keyword")))
    return [part for _, part in sorted(found, key=lambda pair: pair[0])]


def parts_of_dict(node: ast.Dict, source: Source) -> list[Part]:
    """The entries of a dictionary; `**x` is named for what it spreads."""
    return [
        (
            Part((value,), ("**", source.key(value)), "**")
            if key is None
            else Part((key, value), source.key(key), "entry")
        )
        for key, value in zip(node.keys, node.values, strict=True)
    ]


def parts_of_list(nodes: Sequence[ast.expr], source: Source) -> list[Part]:
    """The elements of a list, a tuple or a set; dictionaries are named for their "name"."""
    return [Part((node,), _name_of_element(node, source), "element") for node in nodes]


def _name_of_element(node: ast.expr, source: Source) -> Hashable | None:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in ("name", "params"):
                return ("entry", source.key(value))
    return None


def parts_of_names(node: ast.Import | ast.ImportFrom) -> list[Part]:
    """The names that an import binds."""
    return [Part((alias,), (alias.name, alias.asname), "name") for alias in node.names]


def parts_of_parameters(arguments: ast.arguments) -> list[Part]:
    """The parameters of a function, / and * among them, in the order of the text."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    defaults += arguments.defaults
    found = [_parameter(arg, default) for arg, default in zip(plain, defaults, strict=True)]
    if arguments.posonlyargs:
        found.insert(len(arguments.posonlyargs), Part((), "/", "/"))
    if arguments.vararg:
        found.append(Part((arguments.vararg,), "*" + arguments.vararg.arg, "*args"))
    elif arguments.kwonlyargs:
        found.append(Part((), "*", "*"))
    keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    found += [_parameter(arg, default) for arg, default in keyword_only]
    if arguments.kwarg:
        found.append(Part((arguments.kwarg,), "**" + arguments.kwarg.arg, "**kwargs"))
    return found


def _parameter(arg: ast.arg, default: ast.expr | None) -> Part:
    return Part((arg, *([default] if default else [])), arg.arg, "parameter")
