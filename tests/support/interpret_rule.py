"""A rule file, executed as it reads: what the compiled optimizers are held against.

Nothing of lightgen is imported. Every assignment makes a new value and none is ever changed in
place; a number stays a Python float, a tensor a tensor, and each function looks at what it got.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import torch
from torch import Tensor

Env = dict[str, Any]


def is_tensor(*values: object) -> bool:
    return any(isinstance(value, Tensor) for value in values)


def alike(*values: Any) -> list[Tensor]:
    """All of them as tensors of the first tensor's dtype."""
    like = next(value for value in values if isinstance(value, Tensor))
    return [v if isinstance(v, Tensor) else like.new_tensor(v) for v in values]


def unary(name: str) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        return getattr(torch, name)(x) if is_tensor(x) else getattr(math, name)(x)

    return call


def of_torch(name: str) -> Callable[[Any], Any]:
    """What Python's math has not: of a number, by way of a tensor in double precision."""

    def call(x: Any) -> Any:
        function = getattr(torch, name)
        return (
            function(x) if is_tensor(x) else function(torch.tensor(x, dtype=torch.float64)).item()
        )

    return call


def binary(name: str) -> Callable[[Any, Any], Any]:
    return lambda x, y: getattr(torch, name)(*alike(x, y))


def extreme(on_tensors: Any, on_numbers: Any) -> Callable[..., Any]:
    def call(first: Any, *rest: Any) -> Any:
        for other in rest:
            if is_tensor(first, other):
                first = on_tensors(*alike(first, other))
            else:
                first = on_numbers(first, other)
        return first

    return call


def atan2(x: Any, y: Any) -> Any:
    return torch.atan2(*alike(x, y)) if is_tensor(x, y) else math.atan2(x, y)


def lerp(a: Any, b: Any, weight: Any) -> Any:
    if not is_tensor(a, b):
        return a + (b - a) * weight
    a, b = torch.broadcast_tensors(*alike(a, b))
    return torch.lerp(a, b, weight)


def clamp(x: Any, least: Any, most: Any = None) -> Any:
    if least is not None:
        x = extreme(torch.maximum, max)(x, least)
    return x if most is None else extreme(torch.minimum, min)(x, most)


def both(x: Any, y: Any) -> Any:
    return torch.logical_and(*alike(x, y)) if is_tensor(x, y) else x and y


def either(x: Any, y: Any) -> Any:
    return torch.logical_or(*alike(x, y)) if is_tensor(x, y) else x or y


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: unary(name) for name in "sqrt exp log log1p expm1 sin cos tan atan tanh".split()},
    **{name: of_torch(name) for name in "rsqrt square sign neg sigmoid reciprocal".split()},
    "abs": lambda x: x.abs() if is_tensor(x) else abs(x),
    "floor": unary("floor"),
    "maximum": binary("maximum"),
    "minimum": binary("minimum"),
    "atan2": atan2,
    "max": extreme(torch.maximum, max),
    "min": extreme(torch.minimum, min),
    "lerp": lerp,
    "clamp": clamp,
    "mean": lambda x: x.mean(),
    "sum": lambda x: x.sum(),
    "norm": lambda x: torch.linalg.vector_norm(x),
    "dot": lambda x, y: (x * y).sum(),
    "mean_rows": lambda x: x.mean(dim=-1, keepdim=True),
    "mean_cols": lambda x: x.mean(dim=-2, keepdim=True),
}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: both,
    ast.BitOr: either,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: lambda x: torch.logical_not(x) if is_tensor(x) else not x,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(node: ast.expr, env: Env) -> Any:
    """The value of an expression of the language; an unknown name or form is an error."""

    def of(child: ast.expr) -> Any:
        return evaluate(child, env)

    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return env[name]
        case ast.Tuple(elts=entries) | ast.List(elts=entries):
            return tuple(map(of, entries))
        case ast.Attribute(value=value, attr="ndim" | "shape" as attribute):
            return getattr(of(value), attribute)
        case ast.Subscript(value=value, slice=index):
            return of(value)[of(index)]
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](of(left), of(right))
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)](of(operand))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            values = [of(left), *map(of, comparators)]
            pairs = zip(ops, values, values[1:], strict=False)
            held = [OPERATORS[type(op)](x, y) for op, x, y in pairs]
            return reduce(both, held)
        case ast.BoolOp(op=op, values=parts):
            return reduce(both if isinstance(op, ast.And) else either, map(of, parts))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return of(body if of(test) else orelse)
        case ast.Call(func=ast.Name(id="where"), args=[condition, yes, no]):
            chosen = of(condition)
            if not is_tensor(chosen):
                return of(yes if chosen else no)
            a, b = of(yes), of(no)
            return torch.where(chosen, *alike(env["param"], a, b)[1:])
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            function = env[name] if name in env else FUNCTIONS[name]
            return function(*map(of, arguments))
    raise ValueError(f"not of the language: {ast.unparse(node)}")


def assignment(statement: ast.stmt) -> tuple[ast.expr, ast.expr] | None:
    """Target and value of an assignment; `x += y` is one of `x + y`."""
    match statement:
        case ast.Assign(targets=[target], value=value):
            return target, value
        case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
            return target, ast.BinOp(ast.Name(name, ast.Load()), op, value)
    return None


def bind(target: ast.expr, value: Any, env: Env) -> None:
    if isinstance(target, ast.Tuple):
        for part, entry in zip(target.elts, value, strict=True):
            bind(part, entry, env)
    else:
        assert isinstance(target, ast.Name)
        env[target.id] = value


@dataclass
class Function:
    """The update, `prepare`, `to_eval` or `to_train`."""

    name: str
    initial: dict[str, ast.expr]
    hypers: dict[str, Any]
    body: list[ast.stmt]
    condition: ast.expr | None

    @staticmethod
    def read(node: ast.FunctionDef) -> Function:
        positional = [argument.arg for argument in node.args.args]
        defaults = node.args.defaults
        names = [argument.arg for argument in node.args.kwonlyargs]
        values = [evaluate(v, {}) for v in node.args.kw_defaults if v is not None]
        decorators = [d for d in node.decorator_list if isinstance(d, ast.Call)]
        body = node.body[1:] if ast.get_docstring(node) else node.body
        return Function(
            node.name,
            dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True)),
            dict(zip(names, values, strict=True)),
            body,
            decorators[0].args[0] if decorators else None,
        )

    @property
    def singles(self) -> list[str]:
        """Scalar states that are rounded to float32 between the steps."""
        return [n for n, v in self.initial.items() if isinstance(v, ast.Call) and len(v.args) > 1]

    def run(self, env: Env) -> None:
        for statement in self.body:
            self.execute(statement, env)

    def execute(self, statement: ast.stmt, env: Env) -> None:
        if isinstance(statement, ast.If):
            for child in statement.body if evaluate(statement.test, env) else statement.orelse:
                self.execute(child, env)
            return
        found = assignment(statement)
        if found:
            bind(found[0], self.value(*found, env), env)
        else:
            assert isinstance(statement, ast.Pass), ast.unparse(statement)

    def value(self, target: ast.expr, node: ast.expr, env: Env) -> Any:
        """What is assigned; in float32 all through if the target is rounded to it."""
        if isinstance(target, ast.Tuple) and isinstance(node, ast.Tuple):
            pairs = zip(target.elts, node.elts, strict=True)
            return tuple(self.value(name, each, env) for name, each in pairs)
        if not isinstance(target, ast.Name) or target.id not in self.singles:
            return evaluate(node, env)
        return float32(evaluate(node, {name: float32(value) for name, value in env.items()}))


def float32(value: Any) -> Any:
    """A number rounded; a tuple of them too. All else is left alone."""
    if isinstance(value, tuple):
        return tuple(map(float32, value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return torch.tensor(value, dtype=torch.float32).item()


@dataclass
class Parameter:
    """One parameter, with what is kept of it."""

    value: Tensor
    group: dict[str, Any]
    function: Function
    states: Env = field(default_factory=dict)
    step: int = 0

    def env(self, helpers: Env, **more: Any) -> Env:
        named = {"param": self.value, "step": float(self.step), "ndim": self.value.ndim}
        return {**helpers, **self.group, **named, "pi": math.pi, **self.states, **more}

    def keep(self, env: Env) -> None:
        self.value = env["param"]
        self.states = {name: env[name] for name in self.states}
        for name in self.function.singles:
            self.states[name] = torch.tensor(self.states[name], dtype=torch.float32).item()


class Interpreted:
    """A rule file; `function` names one of several rules in it."""

    def __init__(self, text: str, function: str = "") -> None:
        tree = ast.parse(text)
        nodes = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        first = {name: [a.arg for a in node.args.args][:2] for name, node in nodes.items()}
        special = {"prepare", "to_eval", "to_train"} & set(nodes)
        rules = [n for n in nodes if first[n] == ["param", "grad"] and n not in special]
        start = rules.index(function) if function else 0
        read = {name: Function.read(nodes[name]) for name in {*rules, *special}}
        self.functions = [read[rules[start]]]
        while self.functions[-1].condition and start + len(self.functions) < len(rules):
            self.functions.append(read[rules[start + len(self.functions)]])
        self.prepare, self.to_eval, self.to_train = (
            read.get(name) for name in ("prepare", "to_eval", "to_train")
        )
        used = [*self.functions, *(read[name] for name in special)]
        self.hypers = {name: value for part in used for name, value in part.hypers.items()}
        plain = [n for n in tree.body if n not in [nodes[name] for name in {*rules, *special}]]
        space: Env = {"torch": torch, "math": math, "Tensor": Tensor}
        exec(compile(ast.Module(plain, []), "helpers", "exec"), space)
        self.helpers: Env = {name: space[name] for name in nodes if name not in read}

    def start(
        self, groups: Iterable[Tensor | Mapping[str, Any]], *, maximize: bool = False, **hypers: Any
    ) -> Run:
        return Run(self, list(groups), maximize, hypers)

    def serving(self, param: Tensor) -> Function:
        """The function that serves a parameter of this shape."""
        env = {"param": param, "ndim": param.ndim}
        for function in self.functions:
            if function.condition is None or evaluate(function.condition, env):
                return function
        raise ValueError(f"no function serves {tuple(param.shape)}")


class Run:
    """A rule at work on parameters, which are replaced and never written to."""

    def __init__(self, rule: Interpreted, groups: list[Any], maximize: bool, hypers: Env) -> None:
        unknown = set(hypers) - set(rule.hypers)
        assert not unknown, unknown
        self.rule = rule
        self.maximize = maximize
        if groups and isinstance(groups[0], Tensor):
            groups = [{"params": groups}]
        self.groups = [{**rule.hypers, **hypers, **group} for group in groups]
        self.parameters = [
            Parameter(param.detach().clone(), group, rule.serving(param))
            for group in self.groups
            for param in group.pop("params")
        ]
        declared = rule.prepare.initial if rule.prepare else {}
        self.shared = {
            name: float(evaluate(init.args[0], {}))
            for name, init in declared.items()
            if isinstance(init, ast.Call) and ast.unparse(init.func) == "shared"
        }

    @property
    def params(self) -> list[Tensor]:
        return [parameter.value for parameter in self.parameters]

    def step(self, grads: Iterable[Tensor | None]) -> None:
        """One step; a parameter whose gradient is None is passed over."""
        served = []
        for parameter, grad in zip(self.parameters, grads, strict=True):
            if grad is None:
                continue
            grad = -grad if self.maximize else grad
            if not parameter.step:
                self.begin(parameter, grad)
            parameter.step += 1
            served.append((parameter, parameter.env(self.rule.helpers, grad=grad, **self.shared)))
        known = self._prepare(served) if self.rule.prepare and served else {}
        for parameter, env in served:
            fresh = {"grad": env["grad"], **known, **self.shared}
            env = parameter.env(self.rule.helpers, **fresh)
            parameter.function.run(env)
            parameter.keep(env)

    def begin(self, parameter: Parameter, grad: Tensor) -> None:
        """The states ahead of the first step."""
        prepare = self.rule.prepare.initial if self.rule.prepare else {}
        for name, node in {**prepare, **parameter.function.initial}.items():
            if name not in self.shared:
                parameter.states[name] = initial(node, parameter.value, grad)

    def _prepare(self, served: list[tuple[Parameter, Env]]) -> Env:
        """Statement by statement over all parameters; what they share is computed once.

        The hyperparameters are those of the first group.
        """
        prepare = self.rule.prepare
        assert prepare
        envs = [env | self.groups[0] for _, env in served]
        shared = {**self.groups[0], **self.shared, "pi": math.pi}
        own = {"param", "grad", "step", "ndim", *served[0][0].states}
        self._statements(prepare.body, envs, shared, own)
        for (parameter, _), env in zip(served, envs, strict=True):
            parameter.states = {name: env[name] for name in parameter.states}
        self.shared = {name: float(shared[name]) for name in self.shared}
        return {name: value for name, value in shared.items() if name not in self.groups[0]}

    def _statements(
        self, body: list[ast.stmt], envs: list[Env], shared: Env, own: set[str]
    ) -> None:
        """`own` gathers the names that differ from parameter to parameter."""
        for statement in body:
            if isinstance(statement, ast.If):
                chosen = statement.body if evaluate(statement.test, shared) else statement.orelse
                self._statements(chosen, envs, shared, own)
                continue
            found = assignment(statement)
            if not found:
                continue
            target, value = found
            match value:
                case ast.Call(func=ast.Name(id="total"), args=[each]):
                    terms = [evaluate(each, env) for env in envs]
                    result = sum(float(t.sum() if is_tensor(t) else t) for t in terms)
                case _ if names(value) & own:
                    own |= names(target)
                    for env in envs:
                        bind(target, evaluate(value, env), env)
                    continue
                case _:
                    result = evaluate(value, shared)
            for env in (shared, *envs):
                bind(target, result, env)

    def mode(self, name: str) -> None:
        """Run `to_eval` or `to_train`."""
        function: Function = getattr(self.rule, name)
        for parameter in self.parameters:
            if parameter.step:
                env = parameter.env(self.rule.helpers)
                function.run(env)
                parameter.keep(env)


def names(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def initial(node: ast.expr, param: Tensor, grad: Tensor) -> Any:
    """What a state holds before the first step."""
    match node:
        case ast.Name(id="zeros"):
            return torch.zeros_like(param)
        case ast.Name(id="ones"):
            return torch.ones_like(param)
        case ast.Name(id="param"):
            return param
        case ast.Name(id="grad"):
            return grad
        case ast.Name(id="zeros_rows"):
            return torch.zeros_like(param[..., :1])
        case ast.Name(id="zeros_cols"):
            return torch.zeros_like(param[..., :1, :])
        case ast.Call(func=ast.Name(id="scalar"), args=[value, *single]):
            number = float(evaluate(value, {}))
            return torch.tensor(number, dtype=torch.float32).item() if single else number
    return torch.full_like(param, evaluate(node, {}))
