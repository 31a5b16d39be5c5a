"""The body of a rule in fewer forms: plain assignments of one name or of a tuple, and ifs."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping

from lightgen.rules.reading.body import augmented
from lightgen.rules.rule import Function


def normal_body(
    function: Function, tuples: Mapping[str, int], taken: Collection[str]
) -> tuple[tuple[ast.stmt, ...], dict[str, tuple[str, ...]]]:
    """The body, and the names for the entries of each tuple of hyperparameters.

    `x += y` became `x = x + y`, `a if c else b` a `where`, `ndim` `param.ndim`, and `betas[0]`
    `beta1` where that name is free.
    """
    entries = _entry_names(function, tuples, taken)
    rewriter = _Rewriter(entries)
    body = [rewriter.visit(copy.deepcopy(node)) for node in function.body]
    kept = [node for node in _flat(body) if not _unpacks(node, tuples)]
    return tuple(ast.fix_missing_locations(node) for node in kept), entries


def _flat(body: list[ast.stmt]) -> list[ast.stmt]:
    return [node for node in body if not isinstance(node, ast.Pass | ast.Expr)]


def _entry_names(
    function: Function, tuples: Mapping[str, int], taken: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """As the rule unpacks them itself, else beta1 and beta2 of betas."""
    found: dict[str, tuple[str, ...]] = {}
    for node in function.body:
        if _unpacks(node, tuples):
            assert isinstance(node, ast.Assign)
            (target,) = node.targets
            assert isinstance(target, ast.Tuple) and isinstance(node.value, ast.Name)
            names = tuple(each.id for each in target.elts if isinstance(each, ast.Name))
            found.setdefault(node.value.id, names)
    used = {
        each.value.id
        for node in function.body
        for each in ast.walk(node)
        if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name)
    }
    stored = {
        each.id
        for node in function.body
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
    for name, length in tuples.items():
        if name not in used or name in found or not name.endswith("s"):
            continue
        names = tuple(f"{name[:-1]}{index + 1}" for index in range(length))
        if not {*names} & {*taken, *stored}:
            found[name] = names
    return found


def _unpacks(node: ast.stmt, tuples: Mapping[str, int]) -> bool:
    match node:
        case ast.Assign(targets=[ast.Tuple()], value=ast.Name(id=name)):
            return name in tuples
    return False


class _Rewriter(ast.NodeTransformer):
    def __init__(self, entries: Mapping[str, tuple[str, ...]]) -> None:
        self.entries = entries

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        node.body, node.orelse = _flat(node.body), _flat(node.orelse)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.Assign:
        value = self.visit(augmented(node))
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.Call:
        self.generic_visit(node)
        where = ast.Call(ast.Name("where", ast.Load()), [node.test, node.body, node.orelse], [])
        return ast.copy_location(where, node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id != "ndim":
            return node
        return ast.copy_location(
            ast.Attribute(ast.Name("param", ast.Load()), "ndim", ast.Load()), node
        )

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as index)):
                if name in self.entries:
                    entry = self.entries[name][index]
                    return ast.copy_location(ast.Name(entry, ast.Load()), node)
        return node
