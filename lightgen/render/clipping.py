"""Gradients that are clipped group by group."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.render.custom.skeletons import TWO_CLOSURE
from lightgen.render.environment import fill
from lightgen.render.imports import Imports
from lightgen.source import block, indent, literal

_CLIP = "torch.nn.utils"
_NORM = "# Bound of the norm of a group's gradient, over all of its parameters together."
_VALUE = "# Bound of each entry of a group's gradient."


def clip_fragment(plan: Plan, imports: Imports) -> str:
    """The part of optim.py that bounds gradients."""
    norms = {group.name: group.clip_norm for group in plan.trained if group.clip_norm is not None}
    values = {
        group.name: group.clip_value for group in plan.trained if group.clip_value is not None
    }
    tables = [
        (_NORM, "CLIP_NORMS", "clip_grad_norm_", norms),
        (_VALUE, "CLIP_VALUES", "clip_grad_value_", values),
    ]
    bounds, lines = [], []
    for comment, name, function, table in tables:
        if not table:
            continue
        rows = [f"{literal(group)}: {literal(float(bound))}," for group, bound in table.items()]
        bounds += [comment, f"{name} = {{", *indent(rows), "}"]
        lines.append(f"for owner, bound in {name}.items():")
        if name == "CLIP_VALUES" and any(group in plan.until_epoch for group in table):
            lines += [
                "    # A group that is still frozen has nothing to clip.",
                "    parameters = parameters_of(groups, owner)",
                "    if any(parameter.grad is not None for parameter in parameters):",
                f"        {function}(parameters, bound)",
            ]
        else:
            lines.append(f"    {function}(parameters_of(groups, owner), bound)")
        imports.names(_CLIP, function)
    return fill(
        "optim/clip_groups.py", {"bounds": block(bounds), "clip_lines": block(indent(lines))}
    )


def clip_tables(plan: Plan) -> list[str]:
    """The names of the tables of bounds."""
    tables = {
        "CLIP_NORMS": any(group.clip_norm is not None for group in plan.trained),
        "CLIP_VALUES": any(group.clip_value is not None for group in plan.trained),
    }
    return [name for name, there in tables.items() if there]


def clip_hook(plan: Plan) -> list[str]:
    """The method that Lightning clips by."""
    if not plan.clips_groups:
        return []
    lines = fill("tasks/clip_groups.py", {}).splitlines()
    if plan.optimizer.skeleton == TWO_CLOSURE:
        # The first gradient only says where the second is taken: bent, it would say another place.
        call = lines.pop().strip()
        comment = "    # The first gradient, which only says where to, stays as it is."
        lines += [comment, "    if self.perturbed:", f"        {call}"]
    return lines
