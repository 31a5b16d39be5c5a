"""Take an elementwise rule apart into the numbers and the entries of its kernels."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lightgen.problems import InputError, Problem, raise_if_any
from lightgen.rules.fused.kernel import Kernel, Use
from lightgen.rules.fused.number_lines import NumberLines
from lightgen.rules.fused.number_text import is_plain, number_text
from lightgen.rules.language import BINARY, UNARY
from lightgen.rules.reading.body import augmented
from lightgen.rules.rule import Function, Initial, Rule

ELEMENTWISE = UNARY | BINARY | {"lerp", "clamp", "where"}


def read_kernels(rule: Rule) -> tuple[Kernel, ...]:
    """The kernels of a rule, one a function. Raises InputError where it is not elementwise."""
    problems: list[Problem] = []
    if rule.prepare:
        place = f"{rule.where}:{rule.prepare.line}"
        problems.append(_problem(place, "prepare sees all parameters ahead of the update"))
    kernels = []
    for function in rule.functions:
        split = _Split(function, rule.where, problems)
        suffix = function.name if len(rule.functions) > 1 else ""
        kernels.append(split.kernel(suffix))
    raise_if_any(problems)
    return tuple(kernels)


def kernel_faults(rule: Rule) -> tuple[Problem, ...]:
    """Why no kernel can do the whole update at once; nothing where one can."""
    try:
        read_kernels(rule)
    except InputError as error:
        return error.problems
    return ()


def _problem(place: str, what: str) -> Problem:
    return Problem(place, what, "a fused kernel takes elementwise rules only: leave fused out")


class _Split:
    """Walks a function and tells for each expression whether it is a number or an entry."""

    def __init__(self, function: Function, where: str, problems: list[Problem]) -> None:
        self.function, self.file, self.problems = function, where, problems
        self.entries = {"param", "grad", *(state.name for state in function.tensors)}
        self.made = NumberLines(function)
        self.local_numbers = {state.name for state in function.scalars}

    def kernel(self, suffix: str) -> Kernel:
        """Take the function apart."""
        for state in self.function.states:
            if state.initial in (Initial.ROWS, Initial.COLS, Initial.SHARED):
                what = f"the state '{state.name}' has another shape than its parameter"
                self.problems.append(_problem(f"{self.file}:{self.function.line}", what))
        body = self.block(self.function.body)
        return Kernel(
            self.function, suffix, tuple(self.made.numbers), tuple(self.made.lines), tuple(body)
        )

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements about entries; those about numbers become lines."""
        return [made for statement in body for made in self.statement(statement)]

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        """What is left of a statement."""
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return self.assign([name], [value])
            case ast.AugAssign(target=ast.Name(id=name)):
                return self.assign([name], [augmented(node)])
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                return self.assign([ast.unparse(target) for target in targets], values)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                for target in targets:
                    self.number_assigned(ast.unparse(target))
                self.made.lines.append(ast.unparse(node))
                return []
            case ast.If():
                return self.branch(node)
        return []

    def assign(self, names: list[str], values: list[ast.expr]) -> list[ast.stmt]:
        """Assign all at once: every value is told before a name changes."""
        told = [None if self.is_number(value) else self.entry(value) for value in values]
        numbers = [i for i, value in enumerate(told) if value is None]
        if numbers:
            left = ", ".join(names[i] for i in numbers)
            right = ", ".join(number_text(values[i]) for i in numbers)
            self.made.lines.append(f"{left} = {right}")
            for i in numbers:
                self.number_assigned(names[i])
        entries = [(name, value) for name, value in zip(names, told, strict=True) if value]
        self.entries |= {name for name, _ in entries}
        self.local_numbers -= self.entries
        if len(entries) == 1:
            return [_assign(*entries[0])]
        # A later value may read what an earlier name held.
        fresh = [self.made.fresh(f"new_{name}") for name, _ in entries]
        return [
            *(_assign(new, value) for new, (_, value) in zip(fresh, entries, strict=True)),
            *(_assign(name, _name(new)) for new, (name, _) in zip(fresh, entries, strict=True)),
        ]

    def number_assigned(self, name: str) -> None:
        """Take note that a name holds a number from here."""
        self.made.assigned(name)
        self.entries.discard(name)
        self.local_numbers.add(name)

    def branch(self, node: ast.If) -> list[ast.stmt]:
        """An `if` on hyperparameters: about entries, about numbers, or about both."""
        key = self.made.key(node.test, Use.IF)
        entries, numbers = set(self.entries), set(self.local_numbers)
        with self.made.apart() as then_lines:
            then = self.block(node.body)
        then_entries, then_numbers = self.entries, self.local_numbers
        self.entries, self.local_numbers = entries, numbers
        with self.made.apart() as else_lines:
            otherwise = self.block(node.orelse)
        # What is a number on one way and an entry on the other is an entry from here.
        for name in sorted(then_numbers & self.entries):
            with self.made.apart(then_lines):
                then.append(_assign(name, self.number(_name(name))))
        for name in sorted(self.local_numbers & then_entries):
            with self.made.apart(else_lines):
                otherwise.append(_assign(name, self.number(_name(name))))
        self.entries |= then_entries
        self.local_numbers = (self.local_numbers | then_numbers) - self.entries
        if not (then or otherwise):
            self.made.emit_if(key[0], then_lines, else_lines)
            return []
        flag = self.made.argument(node.test, Use.IF, key)
        self.made.emit_if(flag, then_lines, else_lines)
        return [ast.If(_name(flag), then, otherwise)]

    def is_number(self, node: ast.expr) -> bool:
        """Whether it is the same for all entries of a tensor."""
        match node:
            case ast.Name(id=name):
                return name not in self.entries
            case ast.Attribute(value=ast.Name(id="param")):
                return True
        return all(
            self.is_number(child)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
            and not (isinstance(node, ast.Call) and child is node.func)
        )

    def entry(self, node: ast.expr) -> ast.expr:
        """The expression with names in the places of its numbers."""
        if self.is_number(node):
            return self.number(node)
        match node:
            case ast.Name():
                return node
            case ast.BinOp(op=ast.MatMult()):
                self.refuse(node, "@ is not elementwise")
            case ast.BinOp(left=left, op=op, right=right):
                return ast.BinOp(self.entry(left), op, self.entry(right))
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self.entry(operand))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return ast.Compare(self.entry(left), ops, [self.entry(each) for each in others])
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self.choice(test, then, otherwise)
            case ast.Call(func=ast.Name(id="where"), args=[test, then, otherwise]):
                return self.choice(test, then, otherwise)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in ELEMENTWISE:
                told = [each if _is_none(each) else self.entry(each) for each in arguments]
                return ast.Call(_name(name), told, [])
            case _:
                self.refuse(node, f"{ast.unparse(node)} is not elementwise")
        return node

    def refuse(self, node: ast.expr, what: str) -> None:
        """Say that no kernel is made of it."""
        self.problems.append(_problem(f"{self.file}:{node.lineno}", what))

    def choice(self, test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
        """A choice; where numbers decide, those of the other branch are not computed."""
        name = _name("where")
        if not self.is_number(test):
            parts = [self.entry(test), self.entry(then), self.entry(otherwise)]
            return ast.Call(name, parts, [])
        flag = self.made.argument(test, Use.WHERE)
        with self.made.apart() as then_lines:
            then = self.entry(then)
        with self.made.apart() as else_lines:
            otherwise = self.entry(otherwise)
        self.made.emit_if(flag, then_lines, else_lines)
        return ast.Call(name, [_name(flag), then, otherwise], [])

    def number(self, node: ast.expr) -> ast.expr:
        """A number as an argument of the kernel, or as it stands if it is a constant."""
        if is_plain(node):
            return node
        return _name(self.made.argument(node, Use.VALUE))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())
