"""A fused kernel in C++: what is done per entry, and the numbers that it reads."""

from __future__ import annotations

import ast
import math
import re
import textwrap
from collections.abc import Sequence

from lightgen.rules.fused.kernel import Kernel, Use
from lightgen.rules.fused.kernel_code import Language, folded, formula

WIDTH = 84

# Functions of ours that stand ahead of the kernel where it calls them.
OWN = frozenset("lerp maximum minimum reciprocal rsqrt sigmoid sign square where".split())

# What a variable of a rule may not be called: the keywords, and the names around the rule.
_TAKEN = OWN | frozenset(
    "alignas alignof asm auto bool break case catch char class concept const constexpr continue"
    " decltype default delete do double dynamic_cast else enum explicit export extern false"
    " final float for friend goto if inline int int64_t long mutable namespace new noexcept"
    " nullptr operator override private protected public register reinterpret_cast requires"
    " return short signed sizeof static static_assert static_cast std struct switch template"
    " this throw true try typedef typeid typename union unsigned using virtual void volatile"
    " wchar_t while xor and or not bfloat16 load store row numbers begin end i N P T unix"
    " linux".split()
)


def _rename(name: str) -> str:
    return f"{name}_" if name in _TAKEN else name


def _constant(value: float) -> str:
    return "T(INFINITY)" if math.isinf(value) else f"T({value + 0!r})"


CPP = Language(
    words={
        **{name: name for name in OWN},
        **{name: f"std::{name}" for name in ("atan", "atan2", "cos", "exp", "expm1", "floor")},
        **{name: f"std::{name}" for name in ("log", "log1p", "pow", "sin", "sqrt", "tan", "tanh")},
        "abs": "std::abs",
    },
    texts={"neg": "-{0}"},
    constant=_constant,
    spelled=_rename,
)


def own_functions(kernels: Sequence[Kernel]) -> list[str]:
    """The functions of ours that the kernels call, in order."""
    text = "\n".join(line for kernel in kernels for line in update_lines(kernel))
    return [name for name in sorted(OWN) if re.search(rf"(?<![\w:]){name}\(", text)]


def number_lines(kernel: Kernel) -> list[str]:
    """The numbers as constants; the first is the factor of the gradient."""
    lines = ["const T grad_factor = T(numbers[0]);"]
    for index, number in enumerate(kernel.numbers, start=1):
        name = _rename(number.name)
        comment = f"  // {formula(number)}" if number.text else ""
        value = f"T(numbers[{index}])" if number.use is Use.VALUE else f"numbers[{index}] != 0"
        kind = "T" if number.use is Use.VALUE else "bool"
        line = f"const {kind} {name} = {value};{comment}"
        if len(line) > WIDTH:
            above = textwrap.wrap(formula(number), WIDTH - 3)
            lines += [*(f"// {each}" for each in above), line.removesuffix(comment)]
        else:
            lines.append(line)
    return lines


def address_lines(kernel: Kernel) -> list[str]:
    """Where the entries of each role begin."""
    lines = ["P* __restrict params = row.entries<P>(0);"]
    lines.append("const P* __restrict grads = row.entries<P>(1);")
    written = kernel.assigned
    for role, state in enumerate(kernel.function.tensors, start=2):
        const = "" if written[state.name] else "const "
        lines.append(f"{const}T* __restrict {state.name}s = row.entries<T>({role});")
    return lines


def update_lines(kernel: Kernel) -> list[str]:
    """The update of entry i."""
    written = kernel.assigned
    roles = [state.name for state in kernel.function.tensors]
    lines = ["T param = load(params[i]);"]
    lines.append(f"{'' if written['grad'] else 'const '}T grad = load(grads[i]) * grad_factor;")
    for name in roles:
        const = "" if written[name] else "const "
        lines.append(f"{const}T {_rename(name)} = {name}s[i];")
    printer = _Printer(written, {"param", "grad", *roles})
    for statement in kernel.body:
        lines += printer.statement(statement, 0)
    lines.append("store(params[i], param);")
    lines += [f"{name}s[i] = {_rename(name)};" for name in roles if written[name]]
    return lines


class _Printer:
    """Prints statements; a name is declared where it first appears, ahead of an `if` if there."""

    def __init__(self, written: dict[str, int], declared: set[str]) -> None:
        self.written, self.declared = written, declared

    def statement(self, node: ast.stmt, depth: int) -> list[str]:
        if isinstance(node, ast.If):
            return self.branch(node, depth)
        assert isinstance(node, ast.Assign)
        name = ast.unparse(node.targets[0])
        text = CPP.assignment(name, node.value)
        if name not in self.declared:
            self.declared.add(name)
            text = f"T {text}" if self.written[name] > 1 else f"const T {text}"
        return folded(f"{text};", 2 * depth, WIDTH)

    def branch(self, node: ast.If, depth: int) -> list[str]:
        pad = "  " * depth
        inside = [each for each in ast.walk(node) if isinstance(each, ast.Assign)]
        names = dict.fromkeys(ast.unparse(each.targets[0]) for each in inside)
        fresh = [name for name in names if name not in self.declared]
        lines = [f"{pad}T {_rename(name)} = T(0);" for name in fresh]
        self.declared |= set(fresh)
        test, body = CPP.expression(node.test), node.body
        if not body:
            test, body, node = f"!{test}", node.orelse, ast.If(node.test, [], [])
        lines.append(f"{pad}if ({test}) {{")
        lines += [line for each in body for line in self.statement(each, depth + 1)]
        match node.orelse:
            case [ast.If() as other] if other.body:
                first, *rest = self.branch(other, depth)
                return [*lines, f"{pad}}} else {first.lstrip()}", *rest]
            case [_, *_]:
                lines.append(f"{pad}}} else {{")
                lines += [line for each in node.orelse for line in self.statement(each, depth + 1)]
        return [*lines, f"{pad}}}"]
