"""Rules as classes: read, rendered and imported from memory."""

from __future__ import annotations

import itertools
import linecache
import sys
from types import ModuleType
from typing import Any

from torch.optim import Optimizer

from lightgen.plan.names import class_name_from
from lightgen.render.rule_optimizer import render_rule_optimizer
from lightgen.render.rule_test import render_rule_test
from lightgen.rules.parse import read_rule

_numbers = itertools.count()


def module_from(text: str, name: str = "") -> ModuleType:
    """A module of its text; its objects can be pickled, and tracebacks show the lines."""
    name = name or f"compiled_rule_{next(_numbers)}"
    module = ModuleType(name)
    path = f"<{name}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def compile_module(text: str, function: str = "") -> tuple[ModuleType, str]:
    """The module of a rule, and the name of the class in it."""
    rule = read_rule(text, "rule.py", function)
    name = class_name_from(rule.name)
    return module_from(render_rule_optimizer(rule, name)), name


def compile_rule(text: str, function: str = "") -> type[Optimizer]:
    """The optimizer of the text of a rule."""
    module, name = compile_module(text, function)
    made: Any = getattr(module, name)
    return made  # type: ignore[no-any-return]
