"""Check the body of a rule: statements, names, kinds, and what is computed for nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from lightgen.problems import Problem
from lightgen.rules.kinds import Kind, state_kind
from lightgen.rules.reading.expression import ExpressionCheck
from lightgen.rules.reading.liveness import check_liveness
from lightgen.rules.reading.signature import name_problem
from lightgen.rules.rule import Function, Initial

_NOT_HERE: dict[type[ast.stmt], tuple[str, str]] = {
    ast.For: ("a loop", "write it out, or put it into a helper function"),
    ast.While: ("a loop", "write it out, or put it into a helper function"),
    ast.Return: ("return", "assign to param and to the states instead"),
    ast.Import: ("an import", "put it on top of the file; helpers may use torch and math"),
    ast.ImportFrom: ("an import", "put it on top of the file; helpers may use torch and math"),
    ast.FunctionDef: ("a function", "put it above the rule, as a helper"),
    ast.Delete: ("del", "leave it out"),
    ast.Try: ("try", "leave it out"),
    ast.With: ("with", "leave it out"),
}


def check_body(
    function: Function,
    names: Mapping[str, Kind],
    tuples: Mapping[str, int],
    helpers: Collection[str],
    where: str,
    *,
    is_prepare: bool = False,
) -> tuple[list[Problem], dict[str, Kind]]:
    """What is wrong with the body, in the order of its lines, and the kinds of all names.

    `tuples` maps the hyperparameters that are tuples to their length.
    """
    check = _BodyCheck(function, names, tuples, helpers, where, is_prepare)
    check.block(function.body)
    check.check_outputs()
    problems = check.problems
    if not problems:
        problems += check_liveness(function, where, is_prepare=is_prepare)
        problems += _decay_twice(function.body, where)[1]
    return problems, check.names


class _BodyCheck:
    """Walks the statements, and knows the kind of every name at each."""

    def __init__(
        self,
        function: Function,
        names: Mapping[str, Kind],
        tuples: Mapping[str, int],
        helpers: Collection[str],
        where: str,
        is_prepare: bool,
    ) -> None:
        self.function, self.where, self.is_prepare = function, where, is_prepare
        self.names = dict(names)
        self.states = {state.name: state for state in function.states}
        self.tuples, self.helpers = tuples, helpers
        self.problems: list[Problem] = []
        self.partly: dict[str, int] = {}
        self.of_totals: set[str] = set()

    def say(self, node: ast.AST, what: str, todo: str) -> None:
        self.problems.append(Problem(f"{self.where}:{getattr(node, 'lineno', 1)}", what, todo))

    def block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name() as target]):
                self.assign(target, node.value, self.kind(node.value))
            case ast.Assign(targets=[ast.Tuple(elts=targets)]):
                self.unpack(node, targets)
            case ast.AugAssign(target=ast.Name() as target):
                value = augmented(node)
                self.assign(target, value, self.kind(value))
            case ast.If():
                self.branch(node)
            case ast.Pass():
                pass
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Expr():
                what = f"computed and not assigned: {_line_of(node)}"
                self.say(node, what, "assign it to a name, or remove it")
            case _:
                self.refuse(node)

    def refuse(self, node: ast.stmt) -> None:
        for kind, (what, todo) in _NOT_HERE.items():
            if isinstance(node, kind):
                self.say(node, f"{what} is not part of the language of rules", todo)
                return
        what = f"not part of the language of rules: {_line_of(node)}"
        self.say(node, what, "a rule has assignments and ifs only")

    def kind(self, node: ast.expr) -> Kind | None:
        return self.check.kind(node)

    @property
    def check(self) -> ExpressionCheck:
        """The check of an expression at this place."""
        return ExpressionCheck(
            self.names, self.tuples, self.helpers, self.partly, self.say, self.is_prepare
        )

    def unpack(self, node: ast.Assign, targets: list[ast.expr]) -> None:
        """beta1, beta2 = betas, or one expression for each name, evaluated ahead of all."""
        names = [target for target in targets if isinstance(target, ast.Name)]
        if len(names) != len(targets):
            self.refuse(node)
            return
        match node.value:
            case ast.Name(id=name) if name in self.tuples:
                if self.tuples[name] != len(names):
                    what = f"{name} has {self.tuples[name]} entries, not {len(names)}"
                    self.say(node, what, "take as many names")
                for target in names:
                    self.assign(target, node.value, Kind.GROUP)
            case ast.Tuple(elts=values) if len(values) == len(names):
                kinds = [self.kind(value) for value in values]
                for target, value, kind in zip(names, values, kinds, strict=True):
                    self.assign(target, value, kind)
            case _:
                what = f"cannot unpack {ast.unparse(node.value)} to {len(names)} names"
                self.say(node, what, "write a value for each name")

    def assign(self, target: ast.Name, value: ast.expr, kind: Kind | None) -> None:
        name = target.id
        if fault := self.target_fault(name):
            self.say(target, *fault)
            return
        if kind is None:
            self.names[name] = self.names.get(name, Kind.OTHER)
            return
        if name in self.states or name == "param":
            self.check_shape(target, kind)
            return
        if self.is_prepare:
            self.follow_totals(target, value, kind)
        self.names[name] = kind
        self.partly.pop(name, None)

    def target_fault(self, name: str) -> tuple[str, str] | None:
        if name in self.function.hypers:
            return f"the hyperparameter '{name}' is assigned", "take a local name"
        if name == "param" and self.is_prepare:
            return "prepare assigns to param", "param changes in the rule only"
        state = self.states.get(name)
        if state and state.initial is Initial.SHARED and not self.is_prepare:
            return f"'{name}' is shared by all parameters", "assign to it in prepare"
        if name in ("param", "grad") or state:
            return None
        if name in self.helpers:
            return f"'{name}' is a function of this file", "choose another name"
        return name_problem(name)

    def check_shape(self, target: ast.Name, kind: Kind) -> None:
        name = target.id
        state = self.states.get(name)
        own = state_kind(state) if state else Kind.TENSOR
        if own.is_number:
            if not kind.is_number:
                self.say(target, f"'{name}' is a number but is assigned a tensor", "reduce it")
            elif own is Kind.GROUP and kind is not Kind.GROUP:
                what = f"'{name}' is one number for all, but this differs from one to another"
                self.say(target, what, "sum it: total(...)")
        elif kind.is_number:
            what = f"'{name}' is a tensor but is assigned a number"
            self.say(target, what, f"write {name} = 0 * {name} + ..., if that is meant")
        elif kind not in (own, Kind.OTHER):
            what = f"'{name}' is assigned a tensor of another shape"
            self.say(target, what, "give the state another initial value, or combine to its shape")

    def follow_totals(self, target: ast.Name, value: ast.expr, kind: Kind) -> None:
        """What totals are known for only after all parameters were seen."""
        reads = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        if "total" in reads or reads & self.of_totals:
            if kind is not Kind.GROUP:
                what = f"'{target.id}' needs a total while the parameters are still being seen"
                self.say(target, what, "compute it in the rule")
            self.of_totals.add(target.id)

    def branch(self, node: ast.If) -> None:
        kind = self.check.condition(node.test)
        if kind is not None and kind is not Kind.GROUP:
            by = "on the step or the shape" if kind is Kind.PARAMETER else "on a tensor"
            what = f"an if {by}: {ast.unparse(node.test)}"
            self.say(node, what, "an if tests hyperparameters only; write where(cond, a, b)")
        before = dict(self.names)
        self.block(node.body)
        then = self.names
        self.names = dict(before)
        self.block(node.orelse)
        otherwise = self.names
        for name in then.keys() ^ otherwise.keys():
            self.partly[name] = node.lineno
        for name in then.keys() & otherwise.keys():
            if then[name].is_number is not otherwise[name].is_number:
                what = f"'{name}' is a number on one way and a tensor on the other"
                self.say(node, what, "make both tensors, or take two names")
        self.names = {name: max(then[name], otherwise[name]) for name in then if name in otherwise}

    def check_outputs(self) -> None:
        if self.is_prepare or any(_stores(each, "param") for each in self.function.body):
            return
        what = f"{self.function.name} never assigns to param"
        self.problems.append(
            Problem(f"{self.where}:{self.function.line}", what, "write param -= lr * ...")
        )


def augmented(node: ast.AugAssign) -> ast.expr:
    """The value that x += y stands for: x + y, a new one."""
    assert isinstance(node.target, ast.Name)
    left = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
    return ast.copy_location(ast.BinOp(left, node.op, node.value), node)


def _line_of(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


def _stores(node: ast.AST, name: str) -> bool:
    return any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store)
        for each in ast.walk(node)
    )


def _decay_twice(
    body: Sequence[ast.stmt], where: str, seen: bool = False
) -> tuple[bool, list[Problem]]:
    """Whether every path through the body applies weight_decay, and where it is done again.

    A test of weight_decay itself divides no paths: without decay both are right.
    """
    problems: list[Problem] = []
    for node in body:
        if isinstance(node, ast.If):
            then, found = _decay_twice(node.body, where, seen)
            otherwise, others = _decay_twice(node.orelse, where, seen)
            names = {each.id for each in ast.walk(node.test) if isinstance(each, ast.Name)}
            seen = then or otherwise if names == {"weight_decay"} else then and otherwise
            problems += found + others
        elif _decays(node):
            if seen:
                what = "weight_decay is applied twice"
                todo = "keep one of the two, or give the second a hyperparameter of its own"
                problems.append(Problem(f"{where}:{node.lineno}", what, todo))
            seen = True
    return seen, problems


def _decays(node: ast.stmt) -> bool:
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return {"weight_decay", "param"} <= names
