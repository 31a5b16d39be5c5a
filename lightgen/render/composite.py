"""The composite of the generated project: its class, its call and its test."""

from __future__ import annotations

from lightgen.plan.composite import members
from lightgen.plan.types import GroupPlan, OptimizerPlan
from lightgen.plan.whole import Plan
from lightgen.render.environment import fill
from lightgen.render.imports import Imports
from lightgen.render.others import network_call
from lightgen.render.values import argument_value
from lightgen.source import Source, block, call, indent, literal

_LIMIT = 88


def composite_files(plan: Plan) -> dict[str, str]:
    """The class of a composite and its test; nothing for another optimizer."""
    if not plan.optimizer.is_composite:
        return {}
    return {
        f"src/{plan.package}/composite.py": fill("project/src/__package__/composite.py", {}),
        "tests/test_composite.py": _render_test(plan),
    }


def composite_view(plan: Plan) -> dict[str, Source]:
    """The optimizers that step as one."""
    lines = [line for member in members(plan.trained) for line in _member_lines(*member)]
    return {"members": block(indent(lines, 3))}


def _member_lines(member: OptimizerPlan, groups: tuple[GroupPlan, ...]) -> list[str]:
    owners = [str(literal(group.name)) for group in groups]
    first = f"chosen({', '.join(['groups', *owners])})"
    arguments = {key: argument_value(value) for key, value in member.arguments.items()}
    stated = [first, *(f"{key}={value}" for key, value in arguments.items())]
    line = f"torch.optim.{member.class_name}({', '.join(stated)}),"
    if len(line) + 12 <= _LIMIT:
        return [line]
    if len(first) + 17 > _LIMIT:
        first = "\n".join(call("chosen", "groups", *owners))
    return [*call(f"torch.optim.{member.class_name}", first, **arguments)[:-1], "),"]


def _render_test(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.module("copy", "pickle", "pytest", "torch")
    imports.names("collections.abc", "Callable").names("torch.optim.lr_scheduler", "LambdaLR")
    imports.own("composite", plan.optimizer.class_name)
    make_model = network_call(plan, imports)
    imports.own("optim", "build_optimizer")
    return fill(
        "project/tests/test_composite.py", {"imports": imports.source(), "make_model": make_model}
    )
