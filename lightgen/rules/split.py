"""Take an elementwise rule apart into the numbers and the entries of its kernels."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lightgen.problems import Problem, raise_if_any
from lightgen.rules.body import augmented
from lightgen.rules.kernel import Kernel, Number, Use, stores
from lightgen.rules.language import BINARY, UNARY
from lightgen.rules.number_text import is_plain, number_text
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


def _problem(place: str, what: str) -> Problem:
    return Problem(place, what, "a fused kernel takes elementwise rules only: leave fused out")


class _Split:
    """Walks a function and tells for each expression whether it is a number or an entry."""

    def __init__(self, function: Function, where: str, problems: list[Problem]) -> None:
        self.function, self.file, self.problems = function, where, problems
        self.entries = {"param", "grad", *(state.name for state in function.tensors)}
        self.versions: Counter[str] = Counter()
        self.numbers: list[Number] = []
        self.known: dict[object, tuple[Number, tuple[int, ...]]] = {}
        self.lines: list[str] = []
        self.path: tuple[int, ...] = ()
        self.branches = 0
        self.partly: list[str] = []
        nodes = [node for statement in function.body for node in ast.walk(statement)]
        self.stores = stores(nodes)
        self.taken = {node.id for node in nodes if isinstance(node, ast.Name)}
        self.taken |= {*function.hypers, *(state.name for state in function.states)}
        # These hold one value throughout, so that the numbers may go by their names.
        self.fixed = {*function.hypers, "step"}
        self.fixed |= {state.name for state in function.scalars if not self.stores[state.name]}
        self.local_numbers = {state.name for state in function.scalars}

    def kernel(self, suffix: str) -> Kernel:
        """Take the function apart."""
        for state in self.function.states:
            if state.initial in (Initial.ROWS, Initial.COLS, Initial.SHARED):
                what = f"the state '{state.name}' has another shape than its parameter"
                self.problems.append(_problem(f"{self.file}:{self.function.line}", what))
        body = self.block(self.function.body)
        return Kernel(self.function, suffix, tuple(self.numbers), tuple(self.lines), tuple(body))

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
                self.lines.append(ast.unparse(node))
                return []
            case ast.If():
                return self.branch(node)
        return []

    def assign(self, names: list[str], values: list[ast.expr]) -> list[ast.stmt]:
        """Assign all at once: every value is told before a name changes."""
        told = [None if self.is_number(value) else self.entry(value) for value in values]
        texts = [number_text(value) for value in values]
        numbers = [i for i, value in enumerate(told) if value is None]
        if numbers:
            left = ", ".join(names[i] for i in numbers)
            self.lines.append(f"{left} = {', '.join(texts[i] for i in numbers)}")
            for i in numbers:
                self.number_assigned(names[i])
        entries = [(name, value) for name, value in zip(names, told, strict=True) if value]
        self.entries |= {name for name, _ in entries}
        self.local_numbers -= self.entries
        if len(entries) == 1:
            return [_assign(*entries[0])]
        # A later value may read what an earlier name held.
        fresh = [self.fresh(f"new_{name}") for name, _ in entries]
        return [
            *(_assign(new, value) for new, (_, value) in zip(fresh, entries, strict=True)),
            *(_assign(name, _name(new)) for new, (name, _) in zip(fresh, entries, strict=True)),
        ]

    def number_assigned(self, name: str) -> None:
        """Take note that a local name holds another number from here."""
        self.versions[name] += 1
        self.entries.discard(name)
        self.local_numbers.add(name)
        if self.stores[name] == 1 and not self.path:
            self.fixed.add(name)

    def branch(self, node: ast.If) -> list[ast.stmt]:
        """An `if` on hyperparameters: about entries, about numbers, or about both."""
        text, key = number_text(node.test), self.key(node.test, Use.IF)
        entries, numbers = set(self.entries), set(self.local_numbers)
        with self.apart() as then_lines:
            then = self.block(node.body)
        then_entries, then_numbers = self.entries, self.local_numbers
        self.entries, self.local_numbers = entries, numbers
        with self.apart() as else_lines:
            otherwise = self.block(node.orelse)
        # What is a number on one way and an entry on the other is an entry from here.
        for name in sorted(then_numbers & self.entries):
            with self.apart(then_lines):
                then.append(_assign(name, self.number(_name(name))))
        for name in sorted(self.local_numbers & then_entries):
            with self.apart(else_lines):
                otherwise.append(_assign(name, self.number(_name(name))))
        self.entries |= then_entries
        self.local_numbers = (self.local_numbers | then_numbers) - self.entries
        if not (then or otherwise):
            self.emit_if(text, then_lines, else_lines)
            return []
        flag = self.argument(text, key, Use.IF, node.test).name
        self.emit_if(flag, then_lines, else_lines)
        return [ast.If(_name(flag), then, otherwise)]

    def emit_if(self, test: str, then: list[str], otherwise: list[str]) -> None:
        """Print an `if` about numbers; those that are told in it are 0 on the other way."""
        if not self.path:
            self.lines += [f"{name} = 0.0" for name in self.partly]
            self.partly.clear()
        if then:
            self.lines += [f"if {test}:", *(f"    {line}" for line in then)]
        if otherwise:
            head = "else:" if then else f"if not {_operand(test)}:"
            self.lines += [head, *(f"    {line}" for line in otherwise)]

    @contextmanager
    def apart(self, lines: list[str] | None = None) -> Iterator[list[str]]:
        """Collect the lines of a branch."""
        outer, self.lines = self.lines, [] if lines is None else lines
        path, self.branches = self.path, self.branches + 1
        self.path = (*path, self.branches)
        yield self.lines
        self.lines, self.path = outer, path

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
        flag = self.argument(number_text(test), self.key(test, Use.WHERE), Use.WHERE, test).name
        with self.apart() as then_lines:
            then = self.entry(then)
        with self.apart() as else_lines:
            otherwise = self.entry(otherwise)
        self.emit_if(flag, then_lines, else_lines)
        return ast.Call(name, [_name(flag), then, otherwise], [])

    def number(self, node: ast.expr) -> ast.expr:
        """A number as an argument of the kernel, or as it stands if it is a constant."""
        if is_plain(node):
            return node
        made = self.argument(number_text(node), self.key(node, Use.VALUE), Use.VALUE, node)
        return _name(made.name)

    def key(self, node: ast.expr, use: Use) -> object:
        """Equal for the same formula as long as none of its names was assigned."""
        names = sorted({each.id for each in ast.walk(node) if isinstance(each, ast.Name)})
        return number_text(node), use, tuple(self.versions[name] for name in names)

    def argument(self, text: str, key: object, use: Use, node: ast.expr) -> Number:
        """The argument of that formula, which is computed once."""
        known = self.known.get(key)
        if known and self.path[: len(known[1])] == known[1]:
            return known[0]
        is_named = isinstance(node, ast.Name) and self.is_settled(node.id)
        taken = {number.name for number in self.numbers}
        if is_named and text not in taken:
            made, path = Number(text, "", use), ()
        else:
            made, path = Number(self.fresh(*_word(node, use)), text, use), self.path
            self.lines.append(f"{made.name} = {text}")
            if self.path:
                self.partly.append(made.name)
        self.numbers.append(made)
        self.known[key] = made, path
        return made

    def is_settled(self, name: str) -> bool:
        """Whether the name holds to the end what it holds now."""
        return name in self.fixed or (
            not self.path and self.versions[name] == self.stores[name] > 0
        )

    def fresh(self, word: str, count: int = 0) -> str:
        """A name that the rule doesn't use; with a count it is numbered from there."""
        while (name := f"{word}{count or ''}") in self.taken:
            count += 1
        self.taken.add(name)
        return name


def _word(node: ast.expr, use: Use) -> tuple[str, int]:
    """What to call a number: x != 0 is has_x, others are numbered."""
    match node:
        case ast.Compare(ops=[ast.NotEq()], left=ast.Name(id=name), comparators=[zero]):
            if isinstance(zero, ast.Constant) and zero.value == 0:
                return f"has_{name}", 0
    return ("c", 1) if use is Use.VALUE else ("is", 1)


def _operand(test: str) -> str:
    return test if test.isidentifier() else f"({test})"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())
