"""The parts of a rule file, and which functions of it are the rule that is meant."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass

from lightgen.problems import InputError, Problem, guess
from lightgen.rules.reading.helpers import names_called

RULE_HEAD = ("param", "grad")
SPECIAL = {"prepare": RULE_HEAD, "to_eval": ("param",), "to_train": ("param",)}
DEPTH = 100  # far below what Python's recursion allows
_IMPORTS = {"import math", "import torch", "from torch import Tensor"}


@dataclass(frozen=True)
class RuleFile:
    """The parts of a rule file."""

    text: str
    where: str
    doc: str
    imports: tuple[str, ...]
    functions: dict[str, ast.FunctionDef]

    @classmethod
    def read(cls, text: str, where: str, problems: list[Problem]) -> RuleFile:
        """The parts of a text; what is wrong with them is added to problems."""
        module = _parse(text, where)
        imports, functions = [], {}
        for node in module.body:
            place = f"{where}:{node.lineno}"
            if isinstance(node, ast.FunctionDef):
                if node.name in functions:
                    what = f"'{node.name}' is defined twice"
                    problems.append(Problem(place, what, "rename one of the two"))
                functions[node.name] = node
            elif isinstance(node, ast.Import | ast.ImportFrom):
                line = ast.unparse(node)
                if line in _IMPORTS:
                    imports.append(line)
                elif line != "from __future__ import annotations":
                    what = f"'{line}' can't be imported here"
                    todo = f"helpers may use torch and math: {'; '.join(sorted(_IMPORTS))}"
                    problems.append(Problem(place, what, todo))
            elif not is_text(node):
                what = f"only functions stand in a rule file, not: {_first_line(node)}"
                problems.append(Problem(place, what, "move it into a function"))
        return cls(text, where, ast.get_docstring(module) or "", tuple(imports), functions)

    def choose(self, function: str) -> list[ast.FunctionDef]:
        """The functions of the rule that is meant."""
        rules = [node for node in self.functions.values() if self.is_rule(node)]
        if not rules:
            what = "no function of this file begins with (param, grad)"
            todo = "write the update as def my_rule(param, grad, ..., *, lr=1e-3)"
            raise InputError(Problem(self.where, what, todo))
        families = _families(rules)
        if not function:
            if len(families) == 1:
                return families[0]
            names = [family[0].name for family in families]
            what = f"several rules: {', '.join(names)}"
            raise InputError(Problem(self.where, what, f"say which one: {self.where}:{names[0]}"))
        for family in families:
            if family[0].name == function:
                return family
        if function in self.functions:
            what = f"'{function}' is no rule: a rule begins with (param, grad)"
            if any(node.name == function for node in rules):
                what = f"'{function}' is not the first function of its rule"
            todo = f"rules here: {', '.join(family[0].name for family in families)}"
            raise InputError(Problem(self.where, what, todo))
        known = [family[0].name for family in families]
        raise InputError(Problem(self.where, f"no function '{function}'", guess(function, known)))

    def is_rule(self, node: ast.FunctionDef) -> bool:
        """Whether a function is an update, and not a helper of one."""
        head = tuple(argument.arg for argument in node.args.args[:2])
        if head != RULE_HEAD or node.name in SPECIAL:
            return False
        called = {name for each in self.functions.values() if each is not node
                  for name in names_called(each)}  # fmt: skip
        return node.name not in called


def _families(rules: list[ast.FunctionDef]) -> list[list[ast.FunctionDef]]:
    """Functions chosen by shape stand together; one without a condition is the last of them."""
    families: list[list[ast.FunctionDef]] = [[]]
    for node in rules:
        families[-1].append(node)
        if not node.decorator_list:
            families.append([])
    return [family for family in families if family]


def _parse(text: str, where: str) -> ast.Module:
    try:
        module = ast.parse(textwrap.dedent(text))
    except SyntaxError as error:
        place = f"{where}:{error.lineno}" if error.lineno else where
        raise InputError(Problem(place, f"not Python: {error.msg}", "mend the syntax")) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(Problem(where, f"not Python: {error}", "mend the file")) from error
    line = _too_deep(module)
    if line:
        what = "an expression is nested too deeply"
        raise InputError(Problem(f"{where}:{line}", what, "compute it in several lines"))
    return module


def _too_deep(module: ast.Module) -> int:
    """The line of a node that a walk by recursion might not reach; 0 where there is none."""
    level: list[ast.AST] = [module]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return min((node.lineno for node in level if isinstance(node, ast.expr | ast.stmt)), default=0)


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a text by itself, as a docstring is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]
