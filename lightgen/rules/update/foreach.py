"""Operations as Python on lists of tensors, with torch's foreach functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lightgen.rules.kinds import Kind
from lightgen.rules.update.lists import list_names
from lightgen.rules.update.operations import (
    Alias,
    Branch,
    Copy,
    Each,
    Let,
    Number,
    Op,
    Operation,
    walk,
)
from lightgen.rules.update.single import if_lines


def foreach_lines(
    operations: Sequence[Operation], scalars: Collection[str], lists: Mapping[str, str]
) -> list[str]:
    """The lines of the body. Numbers of a parameter stand in lists, in the order of `params`.

    `lists` maps the names that the function begins with to their lists, `scalars` are those of
    scalar states.
    """
    names = sorted({name for each in walk(list(operations)) for name in _named(each)})
    taken = {*names, *lists, *lists.values(), *_numbers(operations)}
    local = list_names([name for name in names if name not in lists], taken)
    return _Printer(scalars, {**lists, **local}, _rebound(operations, lists)).lines(operations)


def _numbers(operations: Sequence[Operation]) -> set[str]:
    """The numbers of the group that the body makes."""
    return {each.target for each in walk(list(operations)) if isinstance(each, Let)}


def _rebound(operations: Sequence[Operation], lists: Mapping[str, str]) -> set[str]:
    """The names whose lists are assigned to again: they have to stay lists to a type checker."""
    made = [
        each.target
        for each in walk(list(operations))
        if isinstance(each, Each | Alias) or (isinstance(each, Op) and not each.in_place)
    ]
    return {name for name in made if name in lists or made.count(name) > 1}


def _is_chain(operations: Sequence[Operation]) -> bool:
    return len(operations) == 1 and isinstance(operations[0], Branch)


def _named(operation: Operation) -> set[str]:
    match operation:
        case Op(target=target, operands=operands):
            return {target, *(each for each in operands if isinstance(each, str))}
        case Each(target=target, each=each):
            return {target, *each}
        case Copy(target=target, source=source) | Alias(target=target, source=source):
            return {target, source}
        case Let(target=target, number=number):
            return {target, *number.each}
    return set()


class _Printer:
    def __init__(
        self, scalars: Collection[str], lists: Mapping[str, str], rebound: Collection[str]
    ) -> None:
        self.scalars, self.lists, self.rebound = scalars, lists, rebound

    def many(self, name: str) -> str:
        return self.lists[name]

    def lines(self, operations: Sequence[Operation]) -> list[str]:
        return [line for operation in operations for line in self.operation(operation)]

    def operation(self, operation: Operation) -> list[str]:
        match operation:
            case Op():
                return self.op(operation)
            case Each(target=target, text=text, each=each, clone=clone):
                text = f"({text}).clone()" if clone else text
                return [f"{self.many(target)} = {self.comprehension(text, each)}"]
            case Copy(target=target, source=source):
                pair = f"{self.many(target)}, {self.many(source)}"
                # No _foreach_copy_: sharded tensors have none.
                return [
                    f"for {target}, value in zip({pair}, strict=True):",
                    f"    {target}.copy_(value)",
                ]
            case Alias(target=target, source=source, clone=clone):
                many = self.many(source)
                return [
                    f"{self.many(target)} = {f'[t.clone() for t in {many}]' if clone else many}"
                ]
            case Let():
                return self.let(operation)
            case Branch(test=test, then=then, otherwise=otherwise):
                sides = (self.lines(then), self.lines(otherwise))
                return if_lines(test.text, *sides, is_chain=_is_chain(otherwise))

    def let(self, let: Let) -> list[str]:
        number, target = let.number, let.target
        if number.kind is Kind.GROUP and not let.spread:
            return [f"{target} = {number.text}"]
        many = self.many(target)
        # A list that the caller holds is changed, not replaced.
        place = f"{many}[:]" if target in self.scalars else many
        if let.spread:
            return [f"{place} = [{number.text}] * len(params)"]
        if number.text in self.scalars and target not in self.scalars:
            # The list of a state is changed later on, while this name keeps the old numbers.
            return [f"{place} = list({self.many(number.text)})"]
        return [f"{place} = {self.number(number)}"]

    def number(self, number: Number) -> str:
        if number.kind is Kind.GROUP:
            return number.text
        return self.comprehension(number.text, number.each)

    def comprehension(self, text: str, each: Sequence[str]) -> str:
        if (text,) == tuple(each):
            return self.many(text)
        if not each:
            return f"[{text} for _ in params]"
        if len(each) == 1:
            return f"[{text} for {each[0]} in {self.many(each[0])}]"
        lists = ", ".join(self.many(name) for name in each)
        return f"[{text} for {', '.join(each)} in zip({lists}, strict=True)]"

    def operand(self, operand: str | Number) -> str:
        return self.number(operand) if isinstance(operand, Number) else self.many(operand)

    def op(self, op: Op) -> list[str]:
        if op.function == "square":
            return self.op(Op("mul", op.target, (op.operands[0],) * 2, op.in_place))
        if op.function == "add" and op.scale is not None and op.scale.kind is not Kind.GROUP:
            return self.add_scaled(op, op.scale)
        arguments = [self.operand(each) for each in op.operands]
        if op.scale is not None and op.function == "add":
            arguments.append(f"alpha={op.scale.text}")
        elif op.scale is not None:
            arguments.append(self.number(op.scale))
        call = f"torch._foreach_{op.function}{'_' if op.in_place else ''}({', '.join(arguments)})"
        return [call] if op.in_place else [self.made(op.target, call)]

    def made(self, target: str, call: str) -> str:
        """What torch returns is a tuple."""
        return f"{self.many(target)} = {f'list({call})' if target in self.rebound else call}"

    def add_scaled(self, op: Op, scale: Number) -> list[str]:
        """x + c * y where c differs: torch takes no list as alpha."""
        start, other = (self.operand(each) for each in op.operands)
        product = f"torch._foreach_mul({other}, {self.number(scale)})"
        if op.in_place:
            return [f"torch._foreach_add_({start}, {product})"]
        return [self.made(op.target, f"torch._foreach_add({start}, {product})")]
