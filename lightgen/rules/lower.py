"""From values to memory: which tensor is written in place, and which is new.

In a rule every assignment makes a new value. Here `param` and the tensor states are one tensor each
for ever, and a value may take the memory of one that nothing reads any more. The operands of an
operation are evaluated before its first one is overwritten, and a gradient is never written to.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lightgen.rules.kinds import Kind, join, kind_of, state_kind
from lightgen.rules.language import UNARY
from lightgen.rules.liveness import all_targets, live_before, reads
from lightgen.rules.operations import Alias, Branch, Copy, Each, Let, Number, Op, Operation
from lightgen.rules.rule import Function
from lightgen.rules.terms import Term, one_number, sum_of, terms_of
from lightgen.rules.text import TextOf


@dataclass(frozen=True)
class Value:
    """A tensor by name; `owned` if its memory may be overwritten, `shares` what may share it."""

    name: str
    kind: Kind
    owned: bool = False
    shares: frozenset[str] = frozenset()


def lower(
    function: Function,
    body: Sequence[ast.stmt],
    numbers: Collection[str],
    helpers: Collection[str],
) -> tuple[Operation, ...]:
    """The operations of a body in normal form; `numbers` are the names of the group's numbers."""
    lowering = _Lowering(function, numbers, helpers)
    kept = {"param", *(state.name for state in function.states)}
    lowering.block(body, [], kept)
    return tuple(lowering.operations)


class _Lowering:
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

    # Statements

    def block(
        self, body: Sequence[ast.stmt], after: Sequence[ast.stmt], kept: Collection[str]
    ) -> None:
        for at, statement in enumerate(body):
            rest = [*body[at + 1 :], *after]
            if isinstance(statement, ast.If):
                self.branch(statement, rest, kept)
                continue
            assert isinstance(statement, ast.Assign)
            (target,) = statement.targets
            if isinstance(target, ast.Tuple):
                self.together(statement, rest, kept)
            else:
                assert isinstance(target, ast.Name)
                self.assign(target.id, statement.value, rest, kept)

    def branch(self, statement: ast.If, rest: Sequence[ast.stmt], kept: Collection[str]) -> None:
        test = self.number(statement.test)
        outer, owned, kinds = self.operations, set(self.owned), dict(self.kinds)
        aliases, found_aliases = dict(self.aliases), []
        sides: list[list[Operation]] = []
        ends: list[tuple[set[str], dict[str, Kind]]] = []
        for body in (statement.body, statement.orelse):
            self.operations, self.owned, self.kinds = [], set(owned), dict(kinds)
            self.aliases = dict(aliases)
            self.block(body, rest, kept)
            sides.append(self.operations)
            ends.append((self.owned, self.kinds))
            found_aliases.append(self.aliases)
        self.operations = outer
        self.aliases = {
            name: found_aliases[0].get(name, frozenset()) | found_aliases[1].get(name, frozenset())
            for name in found_aliases[0].keys() | found_aliases[1].keys()
        }
        self.owned = ends[0][0] & ends[1][0]
        self.kinds = {
            name: max(kind, ends[1][1].get(name, kind)) for name, kind in ends[0][1].items()
        }
        self.kinds |= {name: kind for name, kind in ends[1][1].items() if name not in self.kinds}
        for side, (_, found) in zip(sides, ends, strict=True):
            for name, kind in found.items():
                if kind is Kind.GROUP and self.kinds[name] is Kind.PARAMETER:
                    here = Number(name, Kind.GROUP)
                    side.append(Let(name, here, spread=True))
        self.operations.append(Branch(test, tuple(sides[0]), tuple(sides[1])))

    def together(
        self, statement: ast.Assign, rest: Sequence[ast.stmt], kept: Collection[str]
    ) -> None:
        """a, b = b, a: every value is computed ahead of every assignment."""
        (target,) = statement.targets
        assert isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple)
        pairs = []
        for each, value in zip(target.elts, statement.value.elts, strict=True):
            assert isinstance(each, ast.Name)
            fresh = self.fresh(f"new_{each.id}")
            self.free = set()
            if self.kind(value).is_number:
                self.let(fresh, value)
            else:
                self.bind(fresh, self.tensor(value, None), must_copy=True)
            pairs.append((each.id, fresh))
        for name, fresh in pairs:
            self.assign(name, ast.Name(fresh, ast.Load()), rest, {*kept, *(n for _, n in pairs)})

    def assign(
        self, target: str, node: ast.expr, rest: Sequence[ast.stmt], kept: Collection[str]
    ) -> None:
        kind = self.kind(node)
        if kind.is_number:
            self.let(target, node)
            return
        live = live_before(rest, kept)
        count = Counter(name.id for name in ast.walk(node) if isinstance(name, ast.Name))
        self.free = {
            name for name in self.owned if count[name] == 1 and (name not in live or name == target)
        }
        start = len(self.operations)
        self.wish = "update" if target == "param" else "value"
        if target in self.lasting:
            value = self.tensor(node, target)
            if value.name != target:
                self.separate(value, {target})
                self.operations.append(Copy(target, value.name))
            return
        value = self.tensor(node, None)
        is_hazard = self.is_hazard(target, value, rest, kept)
        if not self.is_temporary(value.name, start):
            self.bind(target, value, must_copy=is_hazard)
            return
        if is_hazard:
            self.separate(value, value.shares)
        self.give_name(value.name, target, start)
        self.kinds[target] = kind
        self.own(target, value, is_new=value.owned or is_hazard)

    def let(self, target: str, node: ast.expr) -> None:
        number = self.number(node)
        is_state = target in self.scalars
        self.operations.append(Let(target, number, is_state and number.kind is Kind.GROUP))
        self.kinds[target] = Kind.PARAMETER if is_state else number.kind
        self.owned.discard(target)

    def bind(self, target: str, value: Value, *, must_copy: bool) -> None:
        """Give a value its name: another name for the same memory, or a copy."""
        self.kinds[target] = value.kind
        if value.name == target:
            return
        copies = must_copy and not value.owned
        self.operations.append(Alias(target, value.name, clone=copies))
        if value.owned:
            self.owned.discard(value.name)
        self.own(target, value, is_new=copies or value.owned)

    def own(self, target: str, value: Value, *, is_new: bool) -> None:
        """Say whose memory a name stands for: its own, or one that is shared with others."""
        if is_new:
            self.owned.add(target)
            self.aliases.pop(target, None)
        else:
            self.owned -= {target, *value.shares}
            self.aliases[target] = value.shares - {target}

    def separate(self, value: Value, tensors: Collection[str]) -> None:
        """Copy what a helper returned if it may be one of these tensors, or a view of one."""
        last = self.operations[-1] if self.operations else None
        if isinstance(last, Each) and last.target == value.name and value.shares & {*tensors}:
            self.operations[-1] = replace(last, clone=True)

    def is_hazard(
        self, target: str, value: Value, rest: Sequence[ast.stmt], kept: Collection[str]
    ) -> bool:
        """Whether memory that the value shares is written to while the value is still read."""
        sources = {value.name, *value.shares} & self.lasting
        for at, statement in enumerate(rest):
            if sources & all_targets(statement):
                return target in kept or any(target in reads(each) for each in rest[at:])
        return False

    def is_temporary(self, name: str, start: int) -> bool:
        """Whether the name was made by the operations of this statement."""
        made = {each.target for each in self.operations[start:] if isinstance(each, Op | Each)}
        return name in made and name not in self.names

    def give_name(self, old: str, new: str, start: int) -> None:
        """Call a temporary by the name that it is assigned to, unless that is read after it."""
        here = self.operations[start:]
        made = next(at for at, each in enumerate(here) if getattr(each, "target", "") == old)
        if any(new in _names_in(each) for each in here[made + 1 :]):
            self.operations.append(Alias(new, old))
        else:
            self.operations[start:] = [_renamed(each, old, new) for each in here]
        self.owned.discard(old)

    def fresh(self, wish: str) -> str:
        """A name that is not taken."""
        name, count = wish, 1
        while name in self.names or name in self.kinds:
            count += 1
            name = f"{wish}{count}"
        self.kinds[name] = Kind.TENSOR
        return name

    # Expressions

    def kind(self, node: ast.expr) -> Kind:
        return kind_of(node, self.kinds, self.helpers)

    def number(self, node: ast.expr) -> Number:
        return Number(self.text(node), self.kind(node), self.per_parameter(node))

    def text(self, node: ast.expr) -> str:
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
        return [self.tensor(node, None) for node in nodes]

    def lerp(self, node: ast.Call, target: str | None) -> Value:
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
        fits = kind is value.kind and kind is not Kind.OTHER
        if is_target or (value.owned and fits):
            self.operations.append(Op(function, value.name, operands, True, scale))
            return value
        name = self.fresh(self.wish)
        self.kinds[name] = kind
        self.operations.append(Op(function, name, operands, False, scale))
        return Value(name, kind, owned=True)

    # Sums of products

    def sum(self, node: ast.expr, target: str | None) -> Value:
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
        return self.values([*term.above, *term.below])

    def product(self, term: Term, target: str | None) -> Value:
        """A product of which one factor may be the target itself."""
        at = next(
            (i for i, each in enumerate(term.above) if target and _mentions(each, target)), None
        )
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


def _mentions(node: ast.expr, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


def _may_share(node: ast.expr, helpers: Collection[str], kinds: Mapping[str, Kind]) -> bool:
    """Whether the value may lie in the memory of an argument: a helper may return it."""
    match node:
        case ast.Call(func=ast.Name(id="where"), args=[test, *_]):
            return kind_of(test, kinds, helpers).is_number
        case ast.Call(func=ast.Name(id=name)):
            return name in helpers
    return False


def _names_in(operation: Operation) -> set[str]:
    match operation:
        case Op(target=target, operands=operands):
            named = {each for each in operands if isinstance(each, str)}
            numbers = [each for each in operands if isinstance(each, Number)]
            numbers += [operation.scale] if operation.scale else []
            return {target, *named, *(name for number in numbers for name in number.each)}
        case Each(target=target, each=each):
            return {target, *each}
    return set()


def _renamed(operation: Operation, old: str, new: str) -> Operation:
    match operation:
        case Op(target=target, operands=operands):
            changed = tuple(new if each == old else each for each in operands)
            return replace(operation, target=new if target == old else target, operands=changed)
        case Each(target=target) if target == old:
            return replace(operation, target=new)
    return operation
