"""`tests/conftest.py` of the generated project: what stands in for files and compilers."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.manual_steps import constant
from lightgen.render.strategies import one_process
from lightgen.render.values import lightning_root, runs_on_several
from lightgen.render.weights import save_call
from lightgen.source import Identifier, Source, block

_ENOUGH = ["# Enough for some steps of the optimizer.", "BATCHES = 10"]
_TEST_FREQUENCY = 2


def render_conftest(plan: Plan) -> str:
    """The text of tests/conftest.py; empty where no test needs it."""
    imports = Imports(plan.package)
    fixtures = []
    if plan.loads_weights:
        fixtures.append(_weights(plan, imports))
    if plan.model.compiles:
        imports.names("collections.abc", "Iterator").module("torch")
        fixtures.append(fill("tests/conftest_compile.py", {}))
    if not plan.has_own_data:
        fixtures.append(_few_batches(plan, imports))
    if not plan.has_own_model:
        imports.names("collections.abc", "Iterator").names("typing", "Any").module("torch")
        imports.own("module", plan.task.module)
        fixtures.append(fill("tests/conftest_draws.py", {"module": Identifier(plan.task.module)}))
    if runs_on_several(plan):
        fixtures.append(one_process(plan, imports))
    if fixtures:
        imports.module("pytest")
    turns = _short_turns(plan, imports)
    if not fixtures and not turns:
        return ""
    text = "\n\n".join(fixtures).rstrip("\n")
    lines = [*turns, *([] if plan.has_own_data else _ENOUGH)]
    holes = {
        "imports": imports.source(),
        "constants": block(["", *lines]) if lines else ABSENT,
        "fixtures": Source(f"\n\n{text}") if text else ABSENT,
    }
    return fill("tests/conftest.py", holes)


def _short_turns(plan: Plan, imports: Imports) -> list[str]:
    """Frequencies that the short runs of the tests come to; each test module imports them later."""
    long = [each for each in plan.wirings if each.frequency > _TEST_FREQUENCY]
    if not long:
        return []
    imports.names(plan.package, "module")
    lines = ["# A run of the tests may be over before a longer turn comes."]
    lines += [f"module.{constant(each, 'frequency')} = {_TEST_FREQUENCY}" for each in long]
    return lines


def _few_batches(plan: Plan, imports: Imports) -> str:
    imports.names("collections.abc", "Iterator").names("itertools", "islice")
    imports.names("typing", "Any").names("torch.utils.data", "DataLoader")
    imports.module(f"{lightning_root(plan)} as pl").own("data", "DataModule")
    return fill("tests/conftest_data.py", {})


def _weights(plan: Plan, imports: Imports) -> str:
    imports.names("collections.abc", "Iterator").names("pathlib", "Path")
    imports.own("weights", "WEIGHTS")
    if plan.transfers:
        imports.own("pretraining", "pretrain")
        save = Source("pretrain(path)")
    else:
        imports.own("module", plan.task.module)
        save = save_call(plan, imports, f"{plan.task.module}().model.state_dict()")
    package = Identifier(plan.package)
    return fill("tests/conftest_weights.py", {"package": package, "save": save})
