"""An optimizer of another package in the generated project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lightgen.plan.foreign import references
from lightgen.plan.types import OptimizerPlan
from lightgen.render.environment import fill
from lightgen.render.foreign import reference, value_of
from lightgen.render.imports import Imports
from lightgen.render.values import argument_value
from lightgen.source import Expr, Source, call


def foreign_builder(
    optimizer: OptimizerPlan, network: Mapping[str, Source], imports: Imports
) -> Iterable[str]:
    """The function that makes the only optimizer, and what that calls."""
    plain = optimizer.record.plain
    groups = "groups" if plain else "parameter_groups(model, rates)"
    lines = foreign_call(optimizer, groups, imports)
    view = {"call": Source("\n    ".join(lines)), **network}
    if not plain:
        yield fill("optim/build_foreign.py", view)
        return
    yield fill("optim/build_plain.py", view)
    yield from names_apart([optimizer])


def names_apart(optimizers: Iterable[OptimizerPlan]) -> Iterable[str]:
    """What keeps the names beside the tensors that a plain class takes."""
    unknown = any(each.record.open and not each.record.turns for each in optimizers)
    yield fill("optim/without_names.py", {})
    guard = fill("optim/not_turned.py", {}) if unknown else ""
    yield fill("optim/with_names.py", {"guard": Source(guard)})


def foreign_call(optimizer: OptimizerPlan, groups: str, imports: Imports) -> list[str]:
    """Lines of the call that makes an optimizer over some groups.

    A plain class is given parameters without their names. Each group has its rate; a class that
    nobody knows may need one to begin with.
    """
    given = f"without_names({groups})" if optimizer.record.plain else groups
    function = reference(optimizer.references[0], imports)
    arguments = {key: _argument(value, imports) for key, value in optimizer.arguments.items()}
    if optimizer.record.open:
        arguments = {"lr": Expr(f'{groups}[0]["lr"]'), **arguments}
    line = f"    optimizer: Optimizer = {function}({given})"
    if not arguments and len(line) <= 88:
        return [f"{function}({given})"]
    return call(function, given, **arguments)


def _argument(value: Any, imports: Imports) -> Expr:
    """A list of plain values is a tuple, as for torch; another value stands as it is."""
    if isinstance(value, list) and not any(references(value)):
        return argument_value(value)
    return value_of(value, imports)
