"""Calls of other people's code, as the generated code writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightgen.plan.foreign import Call, Reference, references
from lightgen.render.imports import Imports
from lightgen.source import Expr, call, explode, indent, literal


def call_lines(made: Call, imports: Imports, *first: str, **more: str) -> list[str]:
    """Lines of a call, its positional arguments `first` and further ones after its own.

    What it names is imported as a module, so that no name of the project is hidden.
    """
    for each in references(made):
        imports.module(each.module)
    own = {name: _value(value) for name, value in made.arguments.items()}
    if not own and not more and len(first) < 2:
        return [f"{made.path}({', '.join(first)})"]
    return call(made.path, *first, **own, **more)


def reference(named: Reference, imports: Imports) -> Expr:
    """The expression of an object; its module is imported."""
    imports.module(named.module)
    return Expr(named.path)


def value_of(value: Any, imports: Imports) -> Expr:
    """The expression of an argument; what it names is imported."""
    for each in references(value):
        imports.module(each.module)
    return _value(value)


def _value(value: Any) -> Expr:
    if isinstance(value, Call):
        inner = {name: _value(each) for name, each in value.arguments.items()}
        return Expr("\n".join(call(value.path, **inner)))
    if isinstance(value, Reference):
        return Expr(value.path)
    if isinstance(value, list) and any(references(value)):
        return Expr("\n".join(["[", *indent(explode(_value(each) for each in value)), "]"]))
    if isinstance(value, Mapping) and any(references(value)):
        items = (f"{literal(key)}: {_value(each)}" for key, each in value.items())
        return Expr("\n".join(["{", *indent(explode(items)), "}"]))
    return literal(value)
