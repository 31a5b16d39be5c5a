"""`find_lr.py` of the generated project, and its tests."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.render.environment import fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root
from lightgen.source import Identifier, Source, literal


def find_lr_files(plan: Plan) -> dict[str, str]:
    """The range test and what proves it; nothing unless the spec asks."""
    if not plan.finds_lr:
        return {}
    return {
        f"src/{plan.package}/find_lr.py": _module(plan),
        "tests/test_find_lr.py": _test(plan),
    }


def _module(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.module("argparse", "logging", f"{lightning_root(plan)} as pl")
    imports.names("collections.abc", "Sequence").names("contextlib", "chdir", "redirect_stdout")
    imports.names("importlib.util", "find_spec").names("io", "StringIO")
    imports.names("itertools", "pairwise").names("pathlib", "Path")
    imports.names("tempfile", "TemporaryDirectory").names("typing", "Any")
    imports.own("module", plan.task.module).own("optim", "parameter_groups")
    imports.own("train", "parse_arguments", "train")
    if plan.accumulate > 1:
        imports.own("train", "ACCUMULATE")
    return fill(
        "project/src/__package__/find_lr.py",
        {
            "imports": imports.source(),
            "package": Identifier(plan.package),
            "module": Identifier(plan.task.module),
            "times": Source(" * ACCUMULATE" if plan.accumulate > 1 else ""),
            "seed": literal(plan.seed),
        },
    )


def _test(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").names("typing", "Any")
    imports.module("pytest", f"{lightning_root(plan)} as pl")
    imports.own("find_lr", "RangeTest", "suggest", "try_range").own("module", plan.task.module)
    imports.own("optim", "parameter_groups").own("train", "parse_arguments", "train")
    module = Identifier(plan.task.module)
    return fill("tests/test_find_lr.py", {"imports": imports.source(), "module": module})
