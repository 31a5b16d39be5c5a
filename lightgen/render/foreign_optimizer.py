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
    if not optimizer.record.plain:
        lines = foreign_call(optimizer, "parameter_groups(model, rates)", imports)
        yield fill("optim/build_foreign.py", {"call": Source("\n    ".join(lines)), **network})
        return
    lines = foreign_call(optimizer, "without_names(groups)", imports)
    yield fill("optim/build_plain.py", {"call": Source("\n    ".join(lines)), **network})
    yield fill("optim/without_names.py", {})
    yield fill("optim/with_names.py", {})


def foreign_call(optimizer: OptimizerPlan, groups: str, imports: Imports) -> list[str]:
    """Lines of the call that makes an optimizer over some groups.

    Each group has its rate; a class that nobody knows may need one to begin with.
    """
    function = reference(optimizer.references[0], imports)
    arguments = {key: _argument(value, imports) for key, value in optimizer.arguments.items()}
    if optimizer.record.open:
        arguments = {"lr": Expr(f'{_list_of(groups)}[0]["lr"]'), **arguments}
    line = f"    optimizer: Optimizer = {function}({groups})"
    if not arguments and len(line) <= 88:
        return [f"{function}({groups})"]
    return call(function, groups, **arguments)


def _list_of(groups: str) -> str:
    """The groups themselves, as they are without the call that takes their names away."""
    inner = groups.removeprefix("without_names(")
    return groups if inner == groups else inner.removesuffix(")")


def _argument(value: Any, imports: Imports) -> Expr:
    """A list of plain values is a tuple, as for torch; another value stands as it is."""
    if isinstance(value, list) and not any(references(value)):
        return argument_value(value)
    return value_of(value, imports)
