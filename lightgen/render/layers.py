"""Rates that fall from layer to layer: the split of the groups, and one logged rate a group."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Source, block, indent, literal


def layers_fragment(plan: Plan, imports: Imports) -> str:
    """The part of optim.py that splits groups by layers."""
    imports.own("layers", "number_layers")
    return fill("optim/split_layers.py", _of_all(plan) if _all(plan) else _of_some(plan))


def _all(plan: Plan) -> bool:
    return plan.optimizer.layer_decay is not None


def _of_all(plan: Plan) -> dict[str, Source]:
    decay = literal(float(plan.optimizer.layer_decay or 1))
    return {
        "factors": Source(
            f"# Factor of the rates per layer away from the head.\nLAYER_DECAY = {decay}"
        ),
        "which": Source("each group"),
        "the_top": Source("the head"),
        "top_lines": block(
            indent(
                [
                    "top = max(layers.values())",
                    "if top == 0:",
                    '    raise ValueError("layer decay: the model is a single layer")',
                ]
            )
        ),
        "own_lines": ABSENT,
        "scale": Expr("LAYER_DECAY ** (top - layer)"),
    }


def _of_some(plan: Plan) -> dict[str, Source]:
    rows = [
        f"{literal(group.name)}: {literal(float(group.layer_decay))},"
        for group in plan.trained
        if group.layer_decay is not None
    ]
    what = "# Factor of the rates per layer away from the last one of the group."
    return {
        "factors": block([what, "LAYER_DECAYS = {", *indent(rows), "}"]),
        "which": Source("groups"),
        "the_top": Source("the last"),
        "top_lines": ABSENT,
        "own_lines": block(
            indent(
                [
                    "if owner not in LAYER_DECAYS:",
                    "    split.append(group)",
                    "    continue",
                    "same = [each for each in groups if owner == "
                    'each["name"].partition("/")[0]]',
                    'depths = [layers[name] for each in same for name, _ in each["params"]]',
                    "if min(depths) == max(depths):",
                    '    raise ValueError(f"layer decay: group {owner} is a single layer")',
                ],
                2,
            )
        ),
        "scale": Expr("LAYER_DECAYS[owner] ** (max(depths) - layer)"),
    }


def split_line(plan: Plan) -> Source:
    """The call that splits the groups."""
    return Source("    groups = split_layers(model, groups)") if plan.layered else ABSENT


def layer_files(plan: Plan) -> dict[str, str]:
    """The files that layer decay brings, by path."""
    if not plan.layered:
        return {}
    layers = Imports(plan.package).module("math", "re").names("typing", "Any")
    layers.names("collections.abc", "Iterable").names("functools", "partial").names("torch", "nn")
    rates = Imports(plan.package).names("typing", "Any").own("optim", "named_rates")
    rates.module(f"{lightning_root(plan)} as pl")
    source = f"src/{plan.package}"
    return {
        f"{source}/layers.py": _file("layers", layers),
        f"{source}/rates.py": _file("rates", rates),
    }


def _file(name: str, imports: Imports) -> str:
    return fill(f"project/src/__package__/{name}.py", {"imports": imports.source()})
