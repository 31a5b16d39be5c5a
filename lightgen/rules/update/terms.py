"""A sum of products taken apart: numbers from tensors, numerators from denominators."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lightgen.rules.kinds import Kind
from lightgen.rules.reading.liveness import reads

KindOf = Callable[[ast.expr], Kind]


@dataclass(frozen=True)
class Term:
    """sign * numbers / divisors * above / below; above and below are tensors."""

    sign: int
    numbers: tuple[ast.expr, ...] = ()
    divisors: tuple[ast.expr, ...] = ()
    above: tuple[ast.expr, ...] = ()
    below: tuple[ast.expr, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether there is no tensor in it."""
        return not self.above and not self.below

    @property
    def is_plain(self) -> bool:
        """Whether it is one tensor with a coefficient."""
        return len(self.above) == 1 and not self.below

    @property
    def is_one(self) -> bool:
        """Whether its coefficient is 1."""
        return self.sign > 0 and not self.numbers and not self.divisors

    @property
    def is_minus_one(self) -> bool:
        """Whether its coefficient is -1."""
        return self.sign < 0 and not self.numbers and not self.divisors

    @property
    def coefficient(self) -> ast.expr:
        """The number in front, with its sign."""
        number = product_of(self.numbers, self.divisors)
        return number if self.sign > 0 else _negative(number)

    def reads(self, name: str) -> bool:
        """Whether a tensor of its numerator reads name."""
        return any(name in reads(part) for part in self.above)


def terms_of(node: ast.expr, kind: KindOf, sign: int = 1) -> list[Term]:
    """The terms of a tensor in their order."""
    if not kind(node).is_number:
        match node:
            case ast.BinOp(op=ast.Add()):
                return terms_of(node.left, kind, sign) + terms_of(node.right, kind, sign)
            case ast.BinOp(op=ast.Sub()):
                return terms_of(node.left, kind, sign) + terms_of(node.right, kind, -sign)
            case ast.UnaryOp(op=ast.USub()):
                return terms_of(node.operand, kind, -sign)
            case ast.UnaryOp(op=ast.UAdd()):
                return terms_of(node.operand, kind, sign)
    return [_term(node, kind, sign)]


def _term(node: ast.expr, kind: KindOf, sign: int) -> Term:
    if kind(node).is_number:
        return Term(sign, numbers=(node,))
    match node:
        case ast.BinOp(op=ast.Mult()):
            left, right = _term(node.left, kind, sign), _term(node.right, kind, 1)
            return Term(
                left.sign * right.sign,
                left.numbers + right.numbers,
                left.divisors + right.divisors,
                left.above + right.above,
                left.below + right.below,
            )
        case ast.BinOp(op=ast.Div()):
            left = _term(node.left, kind, sign)
            if kind(node.right).is_number:
                divisors = (*left.divisors, node.right)
                return Term(left.sign, left.numbers, divisors, left.above, left.below)
            below = (*left.below, node.right)
            return Term(left.sign, left.numbers, left.divisors, left.above, below)
        case ast.UnaryOp(op=ast.USub()):
            return _term(node.operand, kind, -sign)
    return Term(sign, above=(node,))


def product_of(numbers: Sequence[ast.expr], divisors: Sequence[ast.expr]) -> ast.expr:
    """numbers[0] * numbers[1] / divisors[0] ..."""
    product: ast.expr = numbers[0] if numbers else ast.Constant(1)
    for number in numbers[1:]:
        product = ast.BinOp(product, ast.Mult(), number)
    for divisor in divisors:
        product = ast.BinOp(product, ast.Div(), divisor)
    return product


def _negative(node: ast.expr) -> ast.expr:
    """-a * b for -(a * b): the same number, and easier to read."""
    match node:
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            return ast.BinOp(_negative(node.left), node.op, node.right)
        case ast.UnaryOp(op=ast.USub()):
            return node.operand
    return ast.UnaryOp(ast.USub(), node)


def one_number(term: Term) -> ast.expr | None:
    """The divisor of a term that is only divided, so that it is divided by just this."""
    if term.numbers or term.sign < 0 or len(term.divisors) != 1:
        return None
    return term.divisors[0]


def sum_of(terms: Sequence[Term]) -> ast.expr:
    """The sum of terms that are numbers."""
    total = terms[0].coefficient
    for term in terms[1:]:
        operator: ast.operator = ast.Add() if term.sign > 0 else ast.Sub()
        plain = Term(1, term.numbers, term.divisors).coefficient
        total = ast.BinOp(total, operator, plain)
    return total
