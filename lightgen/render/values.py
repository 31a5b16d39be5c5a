"""Small decisions that several files share."""

from __future__ import annotations

from typing import Any

from lightgen.catalogue.strategies import SEVERAL_PROCESSES
from lightgen.catalogue.trainer import DOUBLE, HALF
from lightgen.plan.groups import is_module_path
from lightgen.plan.whole import Plan
from lightgen.source import Expr, Source, literal


def argument_value(value: Any) -> Expr:
    """The literal of an argument: lists of a spec are tuples for torch."""
    return literal(tuple(value) if isinstance(value, list) else value)


def lightning_root(plan: Plan) -> str:
    """The module that is imported as pl."""
    return {"pytorch_lightning": "pytorch_lightning", "lightning": "lightning.pytorch"}[
        plan.lightning
    ]


def runs_on_several(plan: Plan) -> bool:
    """Whether the spec says that several processes train, each with a share of the data."""
    devices = plan.trainer.get("devices")
    if plan.launchers.are_several:
        return True
    if plan.trainer.get("num_nodes", 1) > 1:
        return True
    if devices is None:
        return str(plan.trainer.get("strategy")).startswith(SEVERAL_PROCESSES)
    return str(devices) != "1"


def casts_weights(plan: Plan) -> bool:
    """Whether the Trainer gives the weights another type than torch's own."""
    return plan.trainer.get("precision") in (*DOUBLE, *HALF)


def resumes_inexactly(plan: Plan) -> bool:
    """Whether an optimizer rounds what it saves when it is loaded."""
    return any(wiring.optimizer.record.inexact for wiring in plan.wirings)


def resume_tolerance(plan: Plan) -> Source:
    """How near a resumed run comes to one that never stopped, as arguments of assert_close."""
    records = [wiring.optimizer.record for wiring in plan.wirings]
    if plan.trainer.get("precision") == "bf16-true" and any(
        each.path.startswith("heavyball.") for each in records
    ):
        # Its classes round at random there, and a resumed run draws anew.
        return Source("rtol=0.1, atol=0.05")
    return Source("rtol=1e-3, atol=1e-4" if resumes_inexactly(plan) else "rtol=0, atol=0")


def frozen_modules(plan: Plan) -> list[str]:
    """Paths of the submodules that are frozen as a whole."""
    return [
        pattern
        for group in plan.frozen
        if group.ndim is None
        for pattern in group.patterns or (group.name,)
        if is_module_path(pattern)
    ]


def frozen_names(plan: Plan) -> str:
    """The frozen groups in words."""
    return " and ".join(group.name for group in plan.frozen)
