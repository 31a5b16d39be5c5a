"""An optimizer's class of another package: what of it the code leaves out, and its groups' keys."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from lightgen.check.sources import Sources, read_spec
from lightgen.problems import guess

_SWITCH = "train_eval"
# What a group says that is no argument of a class.
SETTINGS = frozenset(
    {
        "freeze",
        "gradient_clip_algorithm",
        "gradient_clip_val",
        "layer_decay",
        "lr",
        "match",
        "ndim",
        "schedule",
        "warmup_steps",
    }
)


def examine_optimizer(
    place: str,
    path: str,
    made: type,
    trees: Iterable[ast.AST],
    sources: Sources,
    faults: list[str],
) -> None:
    """Say what trains wrongly without a word with a class that nobody looked at."""
    owner = place.rpartition(".")[0]
    modes = all(callable(getattr(made, name, None)) for name in ("train", "eval"))
    if modes and not _calls_eval(trees):
        faults.append(
            f"{place}: {path} has train() and eval(), and nothing calls them: what is validated "
            f"and saved are other weights than it means; set {owner}.{_SWITCH} = true"
        )
    spec = read_spec(sources.root)
    table = spec if owner == "optimizer" else spec["optimizers"][owner.partition(".")[2]]
    where = "groups" if owner == "optimizer" else f"{owner}.groups"
    for name, group in table.get("groups", {}).items():
        faults += _unknown_keys(f"{where}.{name}", group, path, made)


def _calls_eval(trees: Iterable[ast.AST]) -> bool:
    """Whether the code turns an optimizer somewhere."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "eval"
        and "optimizer" in ast.unparse(node.value)
        for tree in trees
        for node in ast.walk(tree)
    )


def _unknown_keys(where: str, group: Any, path: str, made: type) -> list[str]:
    """A group keeps whatever it is given; a class reads what it has an argument for."""
    try:
        parameters = inspect.signature(made).parameters
    except (TypeError, ValueError):
        return []
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return []
    given = set(group) - SETTINGS if isinstance(group, Mapping) else set()
    return [
        f"{where}.{key}: {path} has no argument '{key}', and would ignore it; "
        f"{guess(key, [*parameters][1:])}"
        for key in sorted(given - parameters.keys())
    ]
