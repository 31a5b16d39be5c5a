"""What a rule costs: what is done in place, what is read and written, what a fused kernel saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightgen.rules.elementwise import elementwise_fault
from lightgen.rules.rule import Function, Rule
from lightgen.rules.update.code import Body
from lightgen.rules.update.operations import Alias, Branch, Copy, Each, Let, Op, Operation, walk
from lightgen.rules.update.single import single_lines

BYTES = 4  # of a float32


@dataclass(frozen=True)
class Step:
    """A line of the update and what becomes of memory by it; `depth` is that of ifs around it."""

    text: str
    effect: str
    depth: int = 0


@dataclass(frozen=True)
class Explanation:
    """One function of a rule; bytes are per entry of a float32 parameter.

    `reads` and `writes` name the tensors that a fused kernel reads and writes once each;
    `unfused_bytes` is the traffic of one operation after the other, where all branches are taken;
    `not_fused` says why there is no fused kernel, empty where there is one.
    """

    function: Function
    steps: tuple[Step, ...]
    state_bytes: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    unfused_bytes: int
    not_fused: str

    @property
    def fused_bytes(self) -> int:
        """The traffic of a fused kernel."""
        return BYTES * (len(self.reads) + len(self.writes))


def explain(rule: Rule) -> tuple[Explanation, ...]:
    """Explain each function of a rule."""
    return tuple(_explained(rule, function) for function in rule.functions)


def _explained(rule: Rule, function: Function) -> Explanation:
    body = Body.of(rule, function)
    operations = body.operations
    stored = {"param", *body.tensors}
    writes = tuple(name for name in ("param", *body.tensors) if _is_written(operations, name))
    read = {name for each in walk(operations) for name in _tensors_read(each)}
    reads = tuple(n for n in ("param", "grad", *body.tensors) if n in read or n in stored)
    return Explanation(
        function,
        tuple(_steps(operations, body.scalar_lists, 0)),
        BYTES * sum(state.is_like_param for state in function.tensors),
        reads,
        writes,
        BYTES * sum(_traffic(each) for each in walk(operations)),
        elementwise_fault(function, rule),
    )


def _is_written(operations: Sequence[Operation], name: str) -> bool:
    return any(
        isinstance(each, Op | Copy) and each.target == name for each in walk(list(operations))
    )


def _tensors_read(operation: Operation) -> tuple[str, ...]:
    match operation:
        case Op(operands=operands):
            return tuple(each for each in operands if isinstance(each, str))
        case Each(each=each):
            return each
        case Copy(source=source) | Alias(source=source):
            return (source,)
    return ()


def _traffic(operation: Operation) -> int:
    """Tensors read and written by one operation by itself."""
    match operation:
        case Op() | Each():
            return len({*_tensors_read(operation)}) + 1
        case Copy() | Alias(clone=True):
            return 2
    return 0


def _steps(operations: Sequence[Operation], scalars: Mapping[str, str], depth: int) -> list[Step]:
    steps: list[Step] = []
    for operation in operations:
        if isinstance(operation, Branch):
            steps.append(Step(f"if {operation.test.text}:", "", depth))
            steps += _steps(operation.then, scalars, depth + 1)
            if operation.otherwise:
                steps.append(Step("else:", "", depth))
                steps += _steps(operation.otherwise, scalars, depth + 1)
            continue
        text = single_lines([operation], scalars)
        steps += [Step(line, _effect(operation), depth) for line in text[:1]]
    return steps


def _effect(operation: Operation) -> str:
    match operation:
        case Op(in_place=True):
            return "in place"
        case Op() | Each(clone=False):
            return "a new tensor"
        case Each():
            return "a new tensor, copied"
        case Copy():
            return "written back"
        case Alias(clone=True):
            return "a copy: the old value is still read"
        case Alias():
            return "another name"
        case Let():
            return "a number"
    return ""
