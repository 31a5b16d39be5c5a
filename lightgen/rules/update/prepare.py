"""The first pass of a rule over all parameters, as Python on lists; every value is made anew."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from lightgen.rules.kinds import Kind, kind_of
from lightgen.rules.reading.liveness import all_targets
from lightgen.rules.rule import Rule
from lightgen.rules.update.code import Body, head
from lightgen.rules.update.lists import list_names
from lightgen.rules.update.single import if_lines
from lightgen.rules.update.text import TextOf


def prepare_code(rule: Rule) -> str:
    """`_prepare_update`, empty where the rule has no such pass.

    `options` are the hyperparameters of the first group.
    """
    if rule.prepare is None:
        return ""
    body = Body.of(rule, rule.prepare)
    shared = [state.name for state in rule.shared]
    lists = [
        f"{many}: list[{'float' if name in (*body.scalars, 'step') else 'Tensor'}]"
        for name, many in body.lists.items()
    ]
    keywords = [f"{name}: float | Tensor" for name in shared]
    results = [body.lists[name] for name in (*body.tensors, *body.scalars)]
    numbers = ", ".join(f'"{name}": {name}' for name in (*shared, *rule.prepared))
    lines = [
        *head("_prepare_update", [*lists, "options: dict[str, Any]"], keywords, "Any"),
        '    """The pass over all parameters of all groups: shared numbers, and state anew.',
        "",
        "    `options` are those of the first group.",
        '    """',
        *(f'    {name} = options["{name}"]' for name in rule.prepare.hypers),
        *(f"    {line}" for line in body.unpacking),
        *(f"    {line}" for line in _Printer(body).block(body.statements)),
        f"    return {', '.join([f'{{{numbers}}}', *results])}{',' if not results else ''}",
    ]
    return "\n".join(lines)


class _Printer:
    def __init__(self, body: Body) -> None:
        self.kinds, self.helpers = dict(body.kinds), body.helpers
        stored = [name for each in body.statements for name in all_targets(each)]
        local = [name for name in dict.fromkeys(stored) if name not in body.lists]
        taken = {*stored, *body.lists, *body.lists.values(), *body.numbers, *body.helpers}
        self.lists = {**body.lists, **list_names(local, taken)}

    def block(self, statements: Sequence[ast.stmt]) -> list[str]:
        return [line for statement in statements for line in self.statement(statement)]

    def statement(self, node: ast.stmt) -> list[str]:
        if isinstance(node, ast.If):
            sides = (self.block(node.body), self.block(node.orelse))
            return if_lines(self.text(node.test), *sides, is_chain=False)
        assert isinstance(node, ast.Assign)
        (target,) = node.targets
        if isinstance(target, ast.Name):
            return [self.assign(target.id, node.value)]
        assert isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
        names = [each.id for each in target.elts if isinstance(each, ast.Name)]
        parts = [self.value(value) for value in node.value.elts]
        for name, (kind, _) in zip(names, parts, strict=True):
            self.kinds[name] = kind
        return [f"{', '.join(map(self.place, names))} = {', '.join(text for _, text in parts)}"]

    def assign(self, name: str, value: ast.expr) -> str:
        self.kinds[name], text = self.value(value)
        return f"{self.place(name)} = {text}"

    def place(self, name: str) -> str:
        return name if self.kinds[name] is Kind.GROUP else self.lists[name]

    def value(self, node: ast.expr) -> tuple[Kind, str]:
        kind = Kind.GROUP if _totals(node) else kind_of(node, self.kinds, self.helpers)
        return kind, self.text(node) if kind is Kind.GROUP else f"[{self.each(node)}]"

    def text(self, node: ast.expr) -> str:
        """A number of all, with the sums that it needs."""
        filled = _Totals(self).visit(copy.deepcopy(node))
        return TextOf({**self.kinds, **_Totals.made(filled)}, self.helpers)(filled)

    def each(self, node: ast.expr) -> str:
        """node for every parameter."""
        found = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        names = [n for n, kind in self.kinds.items() if n in found and kind is not Kind.GROUP]
        lists = ", ".join(self.lists[name] for name in names)
        text = TextOf(self.kinds, self.helpers)(node)
        if len(names) < 2:
            return f"{text} for {''.join(names) or '_'} in {lists or 'params'}"
        return f"{text} for {', '.join(names)} in zip({lists}, strict=True)"


def _totals(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "total" for each in ast.walk(node))


class _Totals(ast.NodeTransformer):
    """Puts Python's sum over the parameters for total."""

    def __init__(self, printer: _Printer) -> None:
        self.printer = printer

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == "total":
            return ast.Name(f"sum({self.printer.each(node.args[0])})", ast.Load())
        self.generic_visit(node)
        return node

    @staticmethod
    def made(node: ast.AST) -> dict[str, Kind]:
        """The sums, which are numbers of all."""
        names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        return {name: Kind.GROUP for name in names if not name.isidentifier()}
