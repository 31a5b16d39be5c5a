"""Operations as Python, one parameter at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightgen.rules.update.operations import Alias, Branch, Copy, Each, Let, Number, Op, Operation

_WIDTH = 72
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def single_lines(operations: Sequence[Operation], scalars: Mapping[str, str]) -> list[str]:
    """The lines of the loop's body; a scalar state is also written into its list, at `i`.

    `scalars` maps the names of scalar states to those of their lists.
    """
    lines: list[str] = []
    chain = _Chain(lines)
    for operation in operations:
        if isinstance(operation, Op) and chain.takes(operation):
            continue
        chain.end()
        match operation:
            case Op():
                chain.begin(operation)
            case Each(target=target, text=text, clone=clone):
                lines.append(f"{target} = {_cloned(text) if clone else text}")
            case Copy(target=target, source=source):
                lines.append(f"{target}.copy_({source})")
            case Alias(target=target, source=source, clone=clone):
                lines.append(f"{target} = {source}{'.clone()' if clone else ''}")
            case Let(target=target, number=number):
                lines += _let(target, number, scalars)
            case Branch():
                lines += _branch(operation, scalars)
    chain.end()
    return lines


def _let(target: str, number: Number, scalars: Mapping[str, str]) -> list[str]:
    lines = [] if number.text == target else [f"{target} = {number.text}"]
    return [*lines, f"{scalars[target]}[i] = {target}"] if target in scalars else lines


def _branch(branch: Branch, scalars: Mapping[str, str]) -> list[str]:
    then, otherwise = (single_lines(side, scalars) for side in (branch.then, branch.otherwise))
    return if_lines(branch.test.text, then, otherwise, is_chain=_is_chain(branch.otherwise))


def if_lines(
    test: str, then: Sequence[str], otherwise: Sequence[str], *, is_chain: bool
) -> list[str]:
    """An if with its else; `is_chain` where the else holds one if and nothing more."""
    lines = [f"if {test}:", *_indented(then or ["pass"])]
    if not otherwise:
        return lines
    if is_chain:
        return [*lines, f"el{otherwise[0]}", *otherwise[1:]]
    return [*lines, "else:", *_indented(otherwise)]


def _is_chain(operations: Sequence[Operation]) -> bool:
    return len(operations) == 1 and isinstance(operations[0], Branch)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _cloned(text: str) -> str:
    return f"{text}.clone()" if text.endswith(")") and " " not in text else f"({text}).clone()"


class _Chain:
    """Operations on one tensor after another, as x.mul_(a).add_(b)."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.target = ""
        self.ops: list[Op] = []

    def begin(self, op: Op) -> None:
        self.target, self.ops = op.target, [op]

    def takes(self, op: Op) -> bool:
        """Append op if it goes on with the same tensor and the line stays short."""
        goes_on = self.ops and op.in_place and op.target == self.target
        if not goes_on or self.target in op.operands[1:] or not _is_method(op):
            return False
        if self.ops[0].in_place and not _is_method(self.ops[0]):
            return False
        if len(self.text([*self.ops, op])) > _WIDTH:
            return False
        self.ops.append(op)
        return True

    def end(self) -> None:
        if self.ops:
            self.lines.append(self.text(self.ops))
        self.ops = []

    def text(self, ops: Sequence[Op]) -> str:
        first = ops[0]
        if first.in_place and not _is_method(first):
            assert len(ops) == 1
            return _call(first, out=True)
        rest = "".join(f".{_method(op)}" for op in ops[1:])
        if first.in_place:
            return f"{first.target}.{_method(first)}{rest}"
        if not rest and (infix := _infix(first)):
            return f"{first.target} = {infix}"
        head = f"{first.operands[0]}.{_method(first)}" if _is_method(first) else _call(first)
        return f"{first.target} = {head}{rest}"


def _is_method(op: Op) -> bool:
    return op.function not in ("maximum", "minimum")


def _call(op: Op, *, out: bool = False) -> str:
    arguments = ", ".join(map(_operand, op.operands))
    return f"torch.{op.function}({arguments}{f', out={op.target}' if out else ''})"


def _method(op: Op) -> str:
    arguments = [_operand(each) for each in op.operands[1:]]
    if op.scale is not None:
        name = "alpha" if op.function == "add" else "value"
        arguments.append(f"{name}={op.scale.text}")
    return f"{op.function}{'_' if op.in_place else ''}({', '.join(arguments)})"


def _infix(op: Op) -> str:
    """Plain arithmetic where no memory is reused."""
    sign = _INFIX.get(op.function)
    if sign is None or op.scale is not None:
        return ""
    left, right = (_operand(each) for each in op.operands)
    is_compound = isinstance(op.operands[1], Number) and " " in right
    return f"{left} {sign} {f'({right})' if is_compound else right}"


def _operand(operand: str | Number) -> str:
    return operand if isinstance(operand, str) else operand.text
