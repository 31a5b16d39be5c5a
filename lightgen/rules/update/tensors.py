"""Tensor expressions as operations: which one is written in place, and which is new.

The operands of an operation are evaluated before its first one is overwritten. A value may take the
memory of one that nothing reads any more; a gradient is never written to.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lightgen.rules.kinds import Kind, join, kind_of, state_kind
from lightgen.rules.language import UNARY
from lightgen.rules.reading.liveness import reads
from lightgen.rules.rule import Function
from lightgen.rules.update.operations import Each, Number, Op, Operation
from lightgen.rules.update.terms import Term, one_number, sum_of, terms_of
from lightgen.rules.update.text import TextOf


@dataclass(frozen=True)
class Value:
    """A tensor by name; `owned` if its memory may be overwritten, `shares` what may share it."""

    name: str
    kind: Kind
    owned: bool = False
    shares: frozenset[str] = frozenset()


class Tensors:
    """Computes expressions; `operations` is what that takes, in order.

    `lasting` names the tensors that stay the same for ever, `owned` the local ones whose memory is
    no other's, `free` those of them that the present statement may overwrite, `aliases` what else
    the others may share.
    """

    def __init__(
        self, function: Function, numbers: Collection[str], helpers: Collection[str]
    ) -> None:
        self.kinds: dict[str, Kind] = {
            **dict.fromkeys(numbers, Kind.GROUP),
            "param": Kind.TENSOR,
            "grad": Kind.TENSOR,
            **{state.name: state_kind(state) for state in function.states},
            "step": Kind.PARAMETER,
            "pi": Kind.GROUP,
        }
        self.lasting = {"param", *(state.name for state in function.tensors)}
        self.scalars = {state.name for state in function.scalars}
        self.helpers = helpers
        self.owned: set[str] = set()
        self.aliases: dict[str, frozenset[str]] = {}
        self.free: set[str] = set()
        self.operations: list[Operation] = []
        self.wish = "value"
        self.names = {
            each.id
            for statement in function.body
            for each in ast.walk(statement)
            if isinstance(each, ast.Name)
        } | self.kinds.keys()

    def fresh(self, wish: str) -> str:
        """A name that is not taken."""
        name, count = wish, 1
        while name in self.names or name in self.kinds:
            count += 1
            name = f"{wish}{count}"
        self.kinds[name] = Kind.TENSOR
        return name

    def kind(self, node: ast.expr) -> Kind:
        """The kind of an expression at this place."""
        return kind_of(node, self.kinds, self.helpers)

    def number(self, node: ast.expr) -> Number:
        """An expression that is a number."""
        return Number(self.text(node), self.kind(node), self.per_parameter(node))

    def text(self, node: ast.expr) -> str:
        """An expression in Python, for one tensor."""
        return TextOf(self.kinds, self.helpers, clones=True)(node)

    def per_parameter(self, node: ast.expr) -> tuple[str, ...]:
        """The names in node that differ from parameter to parameter, in order."""
        found = [
            name.id
            for name in ast.walk(node)
            if isinstance(name, ast.Name) and self.kinds.get(name.id, Kind.GROUP) is not Kind.GROUP
        ]
        return tuple(sorted({*found}, key=list(self.kinds).index))

    def tensor(self, node: ast.expr, target: str | None) -> Value:
        """Compute node; `target` is a lasting tensor that may be overwritten on the way."""
        match node:
            case ast.Name(id=name):
                return Value(name, self.kinds[name], name in self.free, self.sharing([name]))
            case ast.Call(func=ast.Name(id="lerp")):
                return self.lerp(node, target)
            case ast.Call(func=ast.Name(id="maximum" | "minimum" as name)):
                return self.extremum(name, node, target)
            case ast.Call(func=ast.Name(id=name)) if name in UNARY:
                inner = self.tensor(node.args[0], target)
                return self.apply(name, inner, (), target)
            case ast.BinOp(op=ast.Pow()) if self.kind(node.right).is_number:
                return self.power(node, target)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()) | ast.UnaryOp():
                return self.sum(node, target)
        return self.each(node)

    def values(self, nodes: Sequence[ast.expr]) -> list[Value]:
        """Compute each of them, none in the memory of a lasting tensor."""
        return [self.tensor(node, None) for node in nodes]

    def lerp(self, node: ast.Call, target: str | None) -> Value:
        """lerp(start, end, weight)."""
        start, end, weight = node.args
        if self.kind(start).is_number or self.kind(end).is_number:
            difference = ast.BinOp(end, ast.Sub(), start)
            rise = ast.BinOp(difference, ast.Mult(), weight)
            return self.tensor(ast.BinOp(start, ast.Add(), rise), None)
        other = self.tensor(end, None)
        by: Value | Number = (
            self.number(weight) if self.kind(weight).is_number else self.tensor(weight, None)
        )
        return self.apply("lerp", self.first(start, target, [other, by]), (other, by), target)

    def extremum(self, name: str, node: ast.Call, target: str | None) -> Value:
        """maximum and minimum; of a number they are a clamp."""
        one, two = node.args
        if self.kind(one).is_number:
            one, two = two, one
        if self.kind(two).is_number:
            bound = self.number(two)
            clamp = {"maximum": "clamp_min", "minimum": "clamp_max"}[name]
            return self.apply(clamp, self.tensor(one, target), (bound,), target)
        other = self.tensor(two, None)
        return self.apply(name, self.first(one, target, [other]), (other,), target)

    def power(self, node: ast.BinOp, target: str | None) -> Value:
        """A tensor to the power of a number."""
        inner = self.tensor(node.left, target)
        match node.right:
            case ast.Constant(value=2):
                return self.apply("square", inner, (), target)
            case ast.Constant(value=0.5):
                return self.apply("sqrt", inner, (), target)
        return self.apply("pow", inner, (self.number(node.right),), target)

    def first(self, node: ast.expr, target: str | None, others: Sequence[Value | Number]) -> Value:
        """The operand that may be overwritten: not where another operand is the same tensor."""
        is_read = any(isinstance(other, Value) and target in other.shares for other in others)
        return self.tensor(node, None if is_read else target)

    def each(self, node: ast.expr) -> Value:
        """What torch computes tensor by tensor: helpers, reductions, matrix products, where."""
        names = self.per_parameter(node)
        name = self.fresh(self.wish)
        kind = self.kind(node)
        self.kinds[name] = kind
        self.operations.append(Each(name, self.text(node), names))
        may_share = _may_share(node, self.helpers, self.kinds)
        shares = self.sharing(each for each in names if not self.kinds[each].is_number)
        return Value(name, kind, not may_share, shares if may_share else frozenset())

    def sharing(self, names: Iterable[str]) -> frozenset[str]:
        """These names and all whose memory they may share."""
        return frozenset(each for name in names for each in (name, *self.aliases.get(name, ())))

    def apply(
        self,
        function: str,
        value: Value,
        others: Sequence[Value | Number],
        target: str | None,
        scale: Number | None = None,
    ) -> Value:
        """function(value, others), in the memory of value where that is allowed."""
        kind = join([value.kind, *(each.kind for each in others)])
        operands = (value.name, *(e.name if isinstance(e, Value) else e for e in others))
        is_target = target is not None and value.name == target
        # Nothing is gained with the few numbers of a reduction, and where tensors are split over
        # processes, a sum that is still in parts can't be changed in place.
        fits = kind is value.kind is Kind.TENSOR
        if is_target or (value.owned and fits):
            self.operations.append(Op(function, value.name, operands, True, scale))
            return value
        name = self.fresh(self.wish)
        self.kinds[name] = kind
        self.operations.append(Op(function, name, operands, False, scale))
        return Value(name, kind, owned=True)

    # Sums of products

    def sum(self, node: ast.expr, target: str | None) -> Value:
        """A sum of products: all operands first, then one term after the other."""
        terms = terms_of(node, self.kind)
        numbers = [term for term in terms if term.is_number]
        tensors = [term for term in terms if not term.is_number]
        base = next((term for term in tensors if target and term.reads(target)), None)
        others = [(term, self.factors(term)) for term in tensors if term is not base]
        if base is not None:
            read = {name for _, values in others for value in values for name in value.shares}
            target = None if target in read else target
            start = self.product(base, target)
        else:
            at = next((i for i, (term, values) in enumerate(others)
                       if term.is_plain and values[0].owned), 0)  # fmt: skip
            term, values = others.pop(at)
            if term.is_plain and term.is_one and not values[0].owned and (others or numbers):
                return self.added(values[0], others, numbers, None)
            start = self.multiplied(term, values, None)
            target = None
        return self.added(start, others, numbers, target)

    def added(
        self,
        start: Value,
        others: Sequence[tuple[Term, list[Value]]],
        numbers: Sequence[Term],
        target: str | None,
    ) -> Value:
        """start and all the other terms."""
        for term, values in others:
            start = self.add(start, term, values, target)
        if numbers:
            total = self.number(sum_of(numbers))
            start = self.apply("add", start, (total,), target)
        return start

    def add(self, start: Value, term: Term, values: list[Value], target: str | None) -> Value:
        """start + coefficient * values, with one operation if there is one for it."""
        above, below = values[: len(term.above)], values[len(term.above) :]
        while len(above) + len(below) > 2 or (below and len(above) != 1):
            if len(above) >= 2:
                joined = self.apply("mul", above[0], (above[1],), None)
                above = [joined, *above[2:]]
            elif not above:
                above = [self.apply("reciprocal", below.pop(), (), None)]
            else:
                above = [self.apply("div", above[0], (below.pop(),), None)]
        scale = None if term.is_one else self.number(term.coefficient)
        if below:
            return self.apply("addcdiv", start, (above[0], below[0]), target, scale)
        if len(above) == 2:
            return self.apply("addcmul", start, (above[0], above[1]), target, scale)
        if scale is None or not term.is_minus_one:
            return self.apply("add", start, (above[0],), target, scale)
        return self.apply("sub", start, (above[0],), target)

    def factors(self, term: Term) -> list[Value]:
        """The tensors of a term, computed."""
        return self.values([*term.above, *term.below])

    def product(self, term: Term, target: str | None) -> Value:
        """A product of which one factor may be the target itself."""
        at = next((i for i, each in enumerate(term.above) if target in reads(each)), None)
        if at is None:
            return self.multiplied(term, self.factors(term), None)
        rest = [each for i, each in enumerate(term.above) if i != at]
        others = self.values([*rest, *term.below])
        if any(target in other.shares for other in others):
            target = None
        start = self.tensor(term.above[at], target)
        moved = replace(term, above=(term.above[at], *rest))
        return self.multiplied(moved, [start, *others], target)

    def multiplied(self, term: Term, values: list[Value], target: str | None) -> Value:
        """The product of a term whose tensors are computed."""
        above, below = values[: len(term.above)], values[len(term.above) :]
        if not above:
            above = [self.apply("reciprocal", below.pop(0), (), target)]
        if target is None:
            owned = next((i for i, value in enumerate(above) if value.owned), 0)
            above.insert(0, above.pop(owned))
        start = above[0]
        for value in above[1:]:
            start = self.apply("mul", start, (value,), target)
        for value in below:
            start = self.apply("div", start, (value,), target)
        if term.is_one:
            return start
        if term.is_minus_one:
            return self.apply("neg", start, (), target)
        divisor = one_number(term)
        if divisor is not None:
            return self.apply("div", start, (self.number(divisor),), target)
        return self.apply("mul", start, (self.number(term.coefficient),), target)


def _may_share(node: ast.expr, helpers: Collection[str], kinds: Mapping[str, Kind]) -> bool:
    """Whether the value may lie in the memory of an argument: a helper may return it."""
    match node:
        case ast.Call(func=ast.Name(id="where"), args=[test, *_]):
            return kind_of(test, kinds, helpers).is_number
        case ast.Call(func=ast.Name(id=name)):
            return name in helpers
    return False
