"""What a rule does in memory: operations on named tensors, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lightgen.rules.kinds import Kind


@dataclass(frozen=True)
class Number:
    """A number of the group, or one per parameter that is made of `each` of these names."""

    text: str
    kind: Kind
    each: tuple[str, ...] = ()


@dataclass(frozen=True)
class Op:
    """`target` becomes function(operands), written into the first of them if `in_place`.

    `scale` is the factor of what is added: x + scale * y, x + scale * a * b, x + scale * a / b.
    """

    function: str
    target: str
    operands: tuple[str | Number, ...]
    in_place: bool = False
    scale: Number | None = None


@dataclass(frozen=True)
class Each:
    """`target` becomes the value of an expression of torch, tensor by tensor."""

    target: str
    text: str
    each: tuple[str, ...]
    clone: bool = False


@dataclass(frozen=True)
class Copy:
    """The entries of `source` are written into `target`, which stays the same tensor."""

    target: str
    source: str


@dataclass(frozen=True)
class Alias:
    """`target` is another name of `source`, or of a copy of it."""

    target: str
    source: str
    clone: bool = False


@dataclass(frozen=True)
class Let:
    """`target` becomes a number; `spread` says that there is one for each parameter from here."""

    target: str
    number: Number
    spread: bool = False


@dataclass(frozen=True)
class Branch:
    """One of two, by hyperparameters."""

    test: Number
    then: tuple[Operation, ...]
    otherwise: tuple[Operation, ...]


Operation: TypeAlias = Op | Each | Copy | Alias | Let | Branch


def walk(operations: tuple[Operation, ...] | list[Operation]) -> Iterator[Operation]:
    """All operations, those of branches too."""
    for operation in operations:
        yield operation
        if isinstance(operation, Branch):
            yield from walk(operation.then)
            yield from walk(operation.otherwise)
