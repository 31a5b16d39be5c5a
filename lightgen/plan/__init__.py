"""From a spec to a plan: every default and every decision is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.plan.features import feature_problems, plan_averaging, plan_weights
from lightgen.plan.group_settings import clipping_problems, depth_problems
from lightgen.plan.launchers import plan_launchers
from lightgen.plan.lengths import (
    RunLength,
    idle_problems,
    length_notes,
    length_problems,
    limit_problems,
    run_length,
)
from lightgen.plan.names import dependency_problems, package_problem
from lightgen.plan.others import package_notes, plan_data_call
from lightgen.plan.parts import plan_batch_size, plan_model, plan_task
from lightgen.plan.several import told_by_owner, told_of_each
from lightgen.plan.strategy import devices_problems, strategy_notes, strategy_problems
from lightgen.plan.trainer import plan_trainer
from lightgen.plan.types import ModelPlan, Wiring
from lightgen.plan.whole import Plan, TemplatePlan
from lightgen.plan.wirings import plan_wirings
from lightgen.problems import Problem, raise_if_any
from lightgen.spec.model import Spec
from lightgen.spec.rule import RuleFile

__all__ = ["Plan", "make_plan"]


def make_plan(spec: Spec, sources: Mapping[str, RuleFile] | None = None) -> Plan:
    """Decide everything. Raises InputError with every problem of the spec.

    `sources` has the file of the rule that the spec names, by its path in the project.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    package_fault = package_problem(spec.project.package)
    if package_fault:
        problems.append(package_fault)
    problems += dependency_problems(spec.project.dependencies)
    task, data = plan_task(spec, problems)
    wirings = plan_wirings(spec, sources or {}, task, problems, notes)
    groups = tuple(group for wiring in wirings for group in wiring.groups)
    batch_size = plan_batch_size(spec, task, wirings)
    model = plan_model(spec, task, data, wirings, groups, problems)
    trainer = plan_trainer(spec, task, data, batch_size, wirings, problems)
    problems += devices_problems(trainer.get("devices"))
    problems += strategy_problems(trainer, task, model, wirings)
    notes += strategy_notes(trainer, wirings)
    length = run_length(data, batch_size, trainer, several=len(wirings) > 1)
    problems += told_of_each(
        spec, wirings, lambda each: _group_problems(each, model, trainer, length)
    )
    problems += [*idle_problems(length, wirings, trainer), *limit_problems(trainer)]
    notes += length_notes(length, wirings)
    weights = plan_weights(spec, task, model, problems)
    averaging = plan_averaging(spec, wirings, trainer["max_epochs"], problems)
    problems += feature_problems(spec, task, wirings, model)
    data_call = plan_data_call(spec, problems)
    launchers = plan_launchers(spec, task, trainer, problems)
    raise_if_any(told_by_owner(spec, wirings, problems))
    plan = Plan(
        package=spec.project.package,
        lightning=spec.project.lightning,
        seed=spec.seed,
        task=task,
        data=data,
        batch_size=batch_size,
        model=model,
        wirings=wirings,
        max_epochs=trainer.pop("max_epochs"),
        max_steps=trainer.pop("max_steps"),
        logger=trainer.pop("logger"),
        trainer=trainer,
        template=_plan_template(spec),
        notes=tuple(notes),
        weights=weights,
        averaging=averaging,
        finds_lr=spec.optimizer.lr_finder,
        data_call=data_call,
        dependencies=tuple(spec.project.dependencies),
        launchers=launchers,
    )
    return replace(plan, notes=(*plan.notes, *package_notes(plan)))


def _group_problems(
    wiring: Wiring, model: ModelPlan, trainer: Mapping[str, Any], length: RunLength
) -> list[Problem]:
    groups, optimizer = wiring.groups, wiring.optimizer
    return [
        *depth_problems(model, optimizer, groups, several=bool(wiring.name)),
        *length_problems(length, groups),
        *clipping_problems(groups, optimizer, model, trainer),
    ]


def _plan_template(spec: Spec) -> TemplatePlan | None:
    wished = spec.template
    if wished is None:
        return None
    return TemplatePlan(wished.source, wished.ref, dict(wished.variables))
