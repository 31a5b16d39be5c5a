"""From values to memory: assignments.

In a rule every assignment makes a new value. Here `param` and the tensor states are one tensor each
for ever, and another name for a value is a copy where its memory is written to while it is read.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from lightgen.rules.kinds import Kind, merged
from lightgen.rules.reading.liveness import all_targets, live_before, reads
from lightgen.rules.rule import Function
from lightgen.rules.update.operations import Alias, Branch, Copy, Each, Let, Number, Op, Operation
from lightgen.rules.update.tensors import Tensors, Value


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


class _Lowering(Tensors):
    """Walks the statements; `rest` are those that follow, `kept` the names that outlive them."""

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
        self.kinds = merged(ends[0][1], ends[1][1])
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
