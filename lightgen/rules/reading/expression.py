"""Check an expression of a rule and tell its kind."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping

from lightgen.problems import guess
from lightgen.rules.kinds import Kind, join, kind_of
from lightgen.rules.language import ARITY, FUNCTIONS, SCALAR_ONLY, SCALAR_TEXT

_TENSOR_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult)
_NUMBER_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.FloorDiv, ast.Mod)
_NO_NUMBERS = {"sign", "sigmoid", "reciprocal", "rsqrt", "square", "neg"}


class ExpressionCheck:
    """Tells the kind of an expression; None where something is wrong with it, which is said."""

    def __init__(
        self,
        names: Mapping[str, Kind],
        tuples: Mapping[str, int],
        helpers: Collection[str],
        partly: Mapping[str, int],
        say: Callable[[ast.AST, str, str], None],
        has_totals: bool,
    ) -> None:
        self.names, self.tuples, self.helpers = names, tuples, helpers
        self.partly, self.say, self.has_totals = partly, say, has_totals

    def kind(self, node: ast.expr) -> Kind | None:
        """The kind of node; what is wrong in it is said."""
        match node:
            case ast.Constant(value=bool() | int() | float()):
                return Kind.GROUP
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.Attribute(value=ast.Name(id="param"), attr="ndim"):
                return Kind.PARAMETER
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id="param"), attr="shape")):
                return self._shape(node)
            case ast.Subscript(value=ast.Name(id=name)):
                return self._entry(node, name)
            case ast.BinOp():
                return self._binary(node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self.kind(node.operand)
            case ast.UnaryOp(op=ast.Not()):
                return self._logic(node, [node.operand])
            case ast.BoolOp():
                return self._logic(node, node.values)
            case ast.Compare():
                return self._compared(node)
            case ast.IfExp():
                return self._where(node, node.test, node.body, node.orelse)
            case ast.Call():
                return self._call(node)
        self._refuse(node)
        return None

    def _compared(self, node: ast.Compare) -> Kind | None:
        kind = self._all([node.left, *node.comparators])
        if kind is None or kind.is_number:
            return kind
        what = f"a comparison of tensors is no value: {ast.unparse(node)}"
        self.say(node, what, "write where(cond, 1, 0)")
        return None

    def condition(self, node: ast.expr) -> Kind | None:
        """The kind of a condition of where."""
        match node:
            case ast.Compare(ops=[_]):
                return self._all([node.left, *node.comparators])
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                kinds = [self.condition(side) for side in (node.left, node.right)]
                return None if None in kinds else join(kind for kind in kinds if kind is not None)
        kind = self.kind(node)
        if kind is None or kind.is_number:
            return kind
        self.say(
            node, f"the condition of where is no comparison: {ast.unparse(node)}", "write x > 0"
        )
        return None

    def _all(self, nodes: list[ast.expr]) -> Kind | None:
        kinds = [self.kind(node) for node in nodes]
        return None if None in kinds else join(kind for kind in kinds if kind is not None)

    def _name(self, node: ast.Name, name: str) -> Kind | None:
        if name in self.tuples:
            self.say(node, f"{name} is a tuple", f"write {name}[0]")
            return None
        if name in self.names:
            return self.names[name]
        if name in self.partly:
            what = f"'{name}' has a value only on one way through the if of line"
            self.say(node, f"{what} {self.partly[name]}", "assign it on both")
        elif name in FUNCTIONS or name in self.helpers:
            self.say(node, f"{name} is a function", f"call it: {name}(...)")
        else:
            self.say(node, f"unknown name '{name}'", guess(name, self.names))
        return None

    def _shape(self, node: ast.Subscript) -> Kind | None:
        index = node.slice.operand if isinstance(node.slice, ast.UnaryOp) else node.slice
        if isinstance(index, ast.Constant) and isinstance(index.value, int):
            return Kind.PARAMETER
        self.say(node, f"cannot read {ast.unparse(node)}", "write param.shape[0]")
        return None

    def _entry(self, node: ast.Subscript, name: str) -> Kind | None:
        if name not in self.tuples:
            what = f"'{name}' is no tuple" if name in self.names else f"unknown name '{name}'"
            todo = "" if name in self.names else guess(name, [*self.names, *self.tuples])
            self.say(node, what, todo)
            return None
        length = self.tuples[name]
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(index, int) and 0 <= index < length:
            return Kind.GROUP
        self.say(node, f"{name} has the entries 0 to {length - 1}", f"write {name}[0]")
        return None

    def _binary(self, node: ast.BinOp) -> Kind | None:
        kind = self._all([node.left, node.right])
        if kind is None:
            return None
        allowed = _NUMBER_OPERATORS if kind.is_number else _TENSOR_OPERATORS
        if not isinstance(node.op, allowed):
            kinds = "numbers" if kind.is_number else "tensors"
            what = f"no operator of the language for {kinds}: {ast.unparse(node)}"
            self.say(node, what, "there are + - * / **, @ of tensors, // and % of numbers")
            return None
        return kind if not isinstance(node.op, ast.MatMult) else Kind.OTHER

    def _logic(self, node: ast.expr, parts: list[ast.expr]) -> Kind | None:
        kind = self._all(parts)
        if kind is None or kind.is_number:
            return kind
        what = f"and, or and not are for numbers: {ast.unparse(node)}"
        self.say(node, what, "write & and | between comparisons of tensors")
        return None

    def _where(
        self, node: ast.expr, test: ast.expr, then: ast.expr, otherwise: ast.expr
    ) -> Kind | None:
        condition, branches = self.condition(test), self._all([then, otherwise])
        if condition is None or branches is None:
            return None
        if isinstance(node, ast.IfExp) and not condition.is_number:
            what = f"an if on a tensor: {ast.unparse(node)}"
            self.say(node, what, "write where(cond, a, b)")
            return None
        return join((condition, branches))

    def _call(self, node: ast.Call) -> Kind | None:
        if not isinstance(node.func, ast.Name):
            self._method(node)
            return None
        name = node.func.id
        if name == "total" and self.has_totals:
            return self._total(node)
        if name in self.helpers:
            return self._helper(node)
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, *self.helpers]
            self.say(node, f"unknown function '{name}'", guess(name, known))
            return None
        if node.keywords:
            self.say(node, f"{name} takes no keywords", "give its arguments by position")
            return None
        least, most = ARITY[name]
        if not least <= len(node.args) <= most:
            count = str(least) if least == most else f"{least} to {most}"
            self.say(node, f"{name} takes {count} arguments, not {len(node.args)}", "")
            return None
        if name == "where":
            return self._where(node, *node.args)
        if name == "clamp":
            return self._clamp(node)
        return self._named(node, name)

    def _named(self, node: ast.Call, name: str) -> Kind | None:
        kind = self._all(node.args)
        if kind is None:
            return None
        text = ast.unparse(node)
        if name in SCALAR_ONLY and not kind.is_number:
            other = "maximum" if name == "max" else "minimum"
            self.say(node, f"{name} is for numbers: {text}", f"write {other} for tensors")
            return None
        is_known = name in SCALAR_TEXT or name in SCALAR_ONLY or name == "sqrt"
        if kind.is_number and not is_known and name not in _NO_NUMBERS | {"maximum", "minimum"}:
            self.say(node, f"{name} is for tensors: {text}", "give it a tensor")
            return None
        return kind_of(node, self.names, self.helpers)

    def _clamp(self, node: ast.Call) -> Kind | None:
        given = [
            each
            for each in node.args
            if not (isinstance(each, ast.Constant) and each.value is None)
        ]
        if len(given) < 2 or given[0] is not node.args[0]:
            self.say(node, f"clamp without a bound: {ast.unparse(node)}", "clamp(x, 0, 1)")
            return None
        kinds = [self.kind(each) for each in given]
        if None in kinds:
            return None
        if any(kind is not None and not kind.is_number for kind in kinds[1:]):
            what = f"the bounds of clamp are numbers: {ast.unparse(node)}"
            self.say(node, what, "write maximum or minimum for tensors")
            return None
        return join(kind for kind in kinds if kind is not None)

    def _total(self, node: ast.Call) -> Kind | None:
        kind = self._all(node.args)
        if kind is None:
            return None
        if len(node.args) != 1 or node.keywords or kind in (Kind.TENSOR, Kind.ROWS, Kind.COLS):
            what = f"total sums one number of each parameter: {ast.unparse(node)}"
            self.say(node, what, "write total(sum(x))")
            return None
        return Kind.GROUP

    def _helper(self, node: ast.Call) -> Kind | None:
        assert isinstance(node.func, ast.Name)
        kind = self._all([*node.args, *(keyword.value for keyword in node.keywords)])
        if kind is None or kind.is_number:
            return kind
        return Kind.OTHER

    def _method(self, node: ast.Call) -> None:
        what = f"methods are not part of the language: {ast.unparse(node)}"
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        todo = f"write {name}(...)" if name in FUNCTIONS else "put it into a helper function"
        self.say(node, what, todo)

    def _refuse(self, node: ast.expr) -> None:
        text = ast.unparse(node)
        if isinstance(node, ast.Attribute | ast.Subscript):
            what = f"not part of the language: {text}"
            self.say(node, what, "param.ndim and param.shape[i] are the only attributes")
            return
        self.say(node, f"not part of the language: {text}", "a helper function may do it")
