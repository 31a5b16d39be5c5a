"""Text of the command line as the values that are meant."""

from __future__ import annotations

from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from lightgen.spec.groups import parse_rate, split_outside_brackets

_TRUE = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_value(text: str, kind: str) -> Any:
    """Read text as a kind of value; what cannot be read stays text, for the check to refuse."""
    if kind == "rate":
        return parse_rate(text)[0]
    if kind in ("numbers", "integers", "texts"):
        inner = text[1:-1] if text[:1] in "([" and text[-1:] in ")]" else text
        items = [item for item in split_outside_brackets(inner, ",") if item]
        if kind == "texts":
            return [unquoted(item) for item in items] if len(items) > 1 else unquoted(text)
        return [read_value(item, kind.removesuffix("s")) for item in items]
    if kind == "toml":
        try:
            return tomlkit.value(text)
        except TOMLKitError:
            return text
    if kind == "any":
        return _any(text)
    if kind == "list of texts":
        return _any(text) if text[:1] == "[" else [unquoted(text)]
    if kind == "flag":
        return _TRUE.get(text.lower(), text)
    if kind == "number or text":
        value = _number(text, whole=False)
        return unquoted(value) if isinstance(value, str) else value
    if kind in ("integer", "number"):
        return _number(text, whole=kind == "integer")
    return unquoted(text)


def _any(text: str) -> Any:
    """What a text looks like, where nobody knows what is wished: 8, 1e-3, True, [1, 2], {a = 1}."""
    if text in ("True", "False", "true", "false"):
        return text.lower() == "true"
    value = _number(text, whole=False)
    if not isinstance(value, str):
        return value
    if text[:1] in tuple("[{\"'"):
        try:
            return tomlkit.value(text)
        except TOMLKitError:
            return text
    return text


def _number(text: str, *, whole: bool) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if whole and value.is_integer() else value


def unquoted(text: str) -> str:
    """Text without the quotes around it."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
