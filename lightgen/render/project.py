"""The whole project as a tree, from the plan alone."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.problems import InputError, Problem
from lightgen.render.averaging import averaging_files
from lightgen.render.checks import (
    model_tests,
    render_clipping_test,
    render_groups_test,
    render_layers_test,
    render_training_test,
    render_unfreezing_test,
)
from lightgen.render.composite import composite_files
from lightgen.render.conftest import render_conftest
from lightgen.render.custom.custom_optimizer import custom_optimizer_view
from lightgen.render.custom.fused import fused_files
from lightgen.render.custom.rule_optimizer import render_rule_optimizer
from lightgen.render.custom.rule_test import render_rule_test
from lightgen.render.custom.skeletons import skeleton_files
from lightgen.render.docs import render_pyproject, render_readme
from lightgen.render.environment import fill
from lightgen.render.find_lr import find_lr_files
from lightgen.render.format import formatted
from lightgen.render.launchers import EXECUTABLE, ignored_output, launcher_files
from lightgen.render.layers import layer_files
from lightgen.render.manual_checks import render_steps_test
from lightgen.render.model import render_data, render_model
from lightgen.render.optim import render_optim
from lightgen.render.resume import render_recipe, render_resume
from lightgen.render.schedule_checks import render_schedule_test
from lightgen.render.strategies import sharding_files
from lightgen.render.task import render_task
from lightgen.render.train import render_plot, render_samples, render_train
from lightgen.render.weights import weights_files
from lightgen.source import Source
from lightgen.tree import File, Tree


def render_project(plan: Plan) -> Tree:
    """Every file of lightgen's own, formatted. The same plan gives the same bytes."""
    source = f"src/{plan.package}"
    texts = {
        ".github/workflows/ci.yml": fill("project/.github/workflows/ci.yml", {}),
        ".gitignore": fill("project/.gitignore", {"output": ignored_output(plan.launchers)}),
        "pyproject.toml": render_pyproject(plan),
        f"{source}/__init__.py": _package_docstring(plan),
        f"{source}/data.py": render_data(plan),
        f"{source}/model.py": render_model(plan),
        f"{source}/module.py": render_task(plan),
        f"{source}/optim.py": render_optim(plan),
        f"{source}/plot.py": render_plot(plan),
        f"{source}/recipe.py": render_recipe(plan),
        f"{source}/resume.py": render_resume(plan),
        f"{source}/train.py": render_train(plan),
        "tests/test_groups.py": render_groups_test(plan),
        "tests/test_training.py": render_training_test(plan),
        **_custom_optimizer(plan),
        **layer_files(plan),
        **weights_files(plan),
        **averaging_files(plan),
        **find_lr_files(plan),
        **model_tests(plan),
        **composite_files(plan),
        **launcher_files(plan),
        **sharding_files(plan),
    }
    if plan.task.name == "gan":
        texts[f"{source}/samples.py"] = render_samples(plan)
    if plan.is_manual:
        texts["tests/test_steps.py"] = render_steps_test(plan)
    if plan.layered:
        texts["tests/test_layers.py"] = render_layers_test(plan)
    if plan.clips_groups:
        texts["tests/test_clipping.py"] = render_clipping_test(plan)
    if plan.until_epoch:
        texts["tests/test_unfreezing.py"] = render_unfreezing_test(plan)
    conftest = render_conftest(plan)
    if conftest:
        texts["tests/conftest.py"] = conftest
    schedule_test = render_schedule_test(plan)
    if schedule_test:
        texts["tests/test_schedule.py"] = schedule_test
    texts["README.md"] = render_readme(plan, list(texts))
    files = {
        path: File.from_text(formatted(path, texts[path]), executable=path in EXECUTABLE)
        for path in sorted(texts)
    }
    return _with_rule(files, plan)


def _with_rule(files: Tree, plan: Plan) -> Tree:
    """The project with the file of its rule, byte for byte as the user wrote it."""
    rule = plan.optimizer.rule
    if rule is None:
        return files
    if any(f"{rule.path}/".startswith(f"{path}/") for path in files):
        what = f"'{rule.path}' is where lightgen writes a file of its own"
        raise InputError(Problem("optimizer.rule", what, "give the rule another place"))
    return dict(sorted({**files, rule.path: rule.file}.items()))


def _package_docstring(plan: Plan) -> str:
    of_what = plan.data.name if plan.has_own_data else "data of your own"
    return f'"""{plan.task.label} of {of_what}."""\n'


def _custom_optimizer(plan: Plan) -> dict[str, str]:
    optimizer = plan.optimizer
    if not optimizer.is_custom:
        return {}
    if optimizer.skeleton:
        return skeleton_files(plan)
    path, test = f"src/{plan.package}/custom_optimizer.py", "tests/test_custom_optimizer.py"
    module = f"{plan.package}.custom_optimizer"
    if optimizer.rule:
        rule, name, fused = optimizer.rule.rule, optimizer.class_name, ""
        kernels = {}
        if optimizer.arguments.get("fused"):
            fused = f"{plan.package}.fused_update"
            kernels = fused_files(rule, name, fused)
        return {
            path: render_rule_optimizer(rule, name, fused),
            test: render_rule_test(rule, name, module, is_fused=bool(fused)),
            **{f"src/{plan.package}/{file}": text for file, text in kernels.items()},
        }
    view = custom_optimizer_view(optimizer.class_name, optimizer.custom)
    return {
        path: fill("project/src/__package__/custom_optimizer.py", view),
        test: fill("project/tests/test_custom_optimizer.py", {**view, "module": Source(module)}),
    }
