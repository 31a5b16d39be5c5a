"""From a spec to a plan: every default and every decision is made here."""

from __future__ import annotations

from lightgen.plan.groups import plan_groups
from lightgen.plan.names import package_problem
from lightgen.plan.optimizer import plan_optimizer
from lightgen.plan.parts import plan_batch_size, plan_model, plan_task
from lightgen.plan.schedule import plan_schedule
from lightgen.plan.trainer import plan_trainer
from lightgen.plan.types import Plan, TemplatePlan
from lightgen.problems import Problem, raise_if_any
from lightgen.spec.model import Spec

__all__ = ["Plan", "make_plan"]


def make_plan(spec: Spec) -> Plan:
    """Decide everything. Raises InputError with every problem of the spec."""
    problems: list[Problem] = []
    notes: list[str] = []
    package_fault = package_problem(spec.project.package)
    if package_fault:
        problems.append(package_fault)
    task, data = plan_task(spec, problems)
    optimizer = plan_optimizer(spec, problems)
    groups = plan_groups(spec, optimizer, problems)
    batch_size = plan_batch_size(spec, optimizer)
    model = plan_model(spec, data, optimizer, groups, problems)
    schedule = plan_schedule(spec, task, optimizer, groups, problems, notes)
    trainer = plan_trainer(spec, data, batch_size, optimizer, problems)
    raise_if_any(problems)
    return Plan(
        package=spec.project.package,
        lightning=spec.project.lightning,
        seed=spec.seed,
        task=task,
        data=data,
        batch_size=batch_size,
        model=model,
        optimizer=optimizer,
        groups=groups,
        schedule=schedule,
        max_epochs=trainer.pop("max_epochs"),
        max_steps=trainer.pop("max_steps"),
        logger=trainer.pop("logger"),
        trainer=trainer,
        template=_plan_template(spec),
        notes=tuple(notes),
    )


def _plan_template(spec: Spec) -> TemplatePlan | None:
    wished = spec.template
    if wished is None:
        return None
    return TemplatePlan(wished.source, wished.ref, dict(wished.variables))
