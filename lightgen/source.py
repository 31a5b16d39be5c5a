"""Text that may stand in a generated file: every hole of a template holds one of these.

A value that a user typed becomes source only through `literal` or `Identifier`, so that no text of
the user reaches the output unquoted.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable, Mapping
from typing import Any


class Source(str):
    """Text that is ready for the output as it stands."""

    __slots__ = ()


class Expr(Source):
    """A Python expression."""

    __slots__ = ()


class Identifier(Source):
    """A Python identifier that is no keyword."""

    __slots__ = ()

    def __new__(cls, name: str) -> Identifier:
        """Raise ValueError for a name that is none."""
        if not is_identifier(name):
            raise ValueError(f"{name!r} is not an identifier")
        return super().__new__(cls, name)


class Prose(Source):
    """Plain text for documentation, written by lightgen or made safe by `prose`."""

    __slots__ = ()


def is_identifier(name: str) -> bool:
    """Whether name can stand as a variable in Python source (ASCII only)."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def literal(value: Any) -> Expr:
    """Return the Python literal of value as black would leave it.

    Raises TypeError for a value that has no literal, ValueError for NaN and the infinities.
    """
    if isinstance(value, bool) or value is None:
        return Expr(repr(value))
    if isinstance(value, int):
        return Expr(repr(int(value)))
    if isinstance(value, float):
        return Expr(_float(value))
    if isinstance(value, str):
        return Expr(_string(value))
    if isinstance(value, tuple):
        inner = ", ".join(literal(item) for item in value)
        return Expr(f"({inner},)" if len(value) == 1 else f"({inner})")
    if isinstance(value, list):
        return Expr(f"[{', '.join(literal(item) for item in value)}]")
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items())
        return Expr(f"{{{pairs}}}")
    raise TypeError(f"no literal for {type(value).__name__}")


def _float(value: float) -> str:
    """Shortest literal that reads back as the same float: 1e-4, not 0.0001; 0.01, not 1e-2."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no literal")
    plain = repr(value)
    if "e" in plain:
        mantissa, power = plain.split("e")
        return f"{mantissa.removesuffix('.0')}e{int(power)}"
    digits = plain.lstrip("-0.").rstrip("0")
    if value == 0 or abs(value) >= 0.01 or not digits:
        return plain
    sign = "-" if value < 0 else ""
    exponent = math.floor(math.log10(abs(value)))
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    short = f"{sign}{mantissa}e{exponent}"
    return short if float(short) == value and len(short) < len(plain) else plain


def _string(value: str) -> str:
    """Double quotes unless that would need more escapes, as black prefers; non-ASCII escaped only
    where it can not be seen."""
    text = repr(value)
    if text[0] == "'" and value.count('"') <= value.count("'"):
        body = text[1:-1].replace("\\'", "'").replace('"', '\\"')
        return f'"{body}"'
    return text


def prose(text: str) -> Prose:
    """Text of the user for Markdown: control characters and line ends become spaces."""
    return Prose("".join(ch if ch.isprintable() else " " for ch in text))


def call(function: str, *args: str, **kwargs: str) -> list[str]:
    """Lines of a call, exploded one argument a line with a trailing comma."""
    items = [*args, *(f"{name}={value}" for name, value in kwargs.items())]
    if not items:
        return [f"{function}()"]
    return [f"{function}(", *indent(explode(items)), ")"]


def explode(items: Iterable[str]) -> list[str]:
    """Each item on lines of its own with a trailing comma."""
    return [line for item in items for line in f"{item},".split("\n")]


def indent(lines: Iterable[str], levels: int = 1) -> list[str]:
    """The lines, indented by four spaces a level; blank lines stay blank."""
    return ["    " * levels + line if line else line for line in lines]


def block(lines: Iterable[str]) -> Source:
    """Join lines into one text for a template."""
    return Source("\n".join(lines))
