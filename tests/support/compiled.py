"""Rules as classes: read, rendered and imported from memory; or written out with their tests."""

from __future__ import annotations

import itertools
import linecache
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch.optim import Optimizer

from lightgen.plan.names import class_name_from
from lightgen.render.custom.rule_optimizer import render_rule_optimizer
from lightgen.render.custom.rule_test import render_rule_test
from lightgen.rules.reading.parse import read_rule

_numbers = itertools.count()


def module_from(text: str) -> ModuleType:
    """A module of its text; its objects can be pickled, and tracebacks show the lines."""
    name = f"compiled_rule_{next(_numbers)}"
    module = ModuleType(name)
    path = f"<{name}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def compile_rule(text: str, function: str = "", class_name: str = "") -> type[Optimizer]:
    """The optimizer of the text of a rule."""
    rule = read_rule(text, "rule.py", function)
    name = class_name or class_name_from(rule.name)
    made: Any = getattr(module_from(render_rule_optimizer(rule, name)), name)
    return made  # type: ignore[no-any-return]


def write_out(text: str, folder: Path, name: str) -> None:
    """The files `NAME_optimizer.py` and `test_NAME.py` of a rule."""
    rule = read_rule(text, f"{name}.py")
    class_name = class_name_from(rule.name)
    optimizer, test = folder / f"{name}_optimizer.py", folder / f"test_{name}.py"
    optimizer.write_text(render_rule_optimizer(rule, class_name))
    test.write_text(render_rule_test(rule, class_name, optimizer.stem))


def run_own_tests(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests that were written out, without a warning, in a process of their own."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir=.", "-c", os.devnull, *options, "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
