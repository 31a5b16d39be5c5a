"""A fused kernel in Triton: what is done per block of entries, and the numbers that it reads."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence

from lightgen.rules.fused.kernel import Kernel, Use
from lightgen.rules.fused.kernel_code import Language, formula

OWN = {
    "lerp": "_lerp",
    "maximum": "_maximum",
    "minimum": "_minimum",
    "sign": "_sign",
    "sqrt": "_sqrt",
}
_LIBDEVICE = frozenset({"atan", "atan2", "expm1", "log1p", "pow", "tan", "tanh"})

# What a variable of a rule may not be called: the names around the rule.
_TAKEN = frozenset(
    "tl triton libdevice addresses numbers block_tensors block_offsets sizes tensor offsets mask"
    " row count size BLOCK ALIGNED PARAM STATE grad_factor".split()
)


def spelled(name: str) -> str:
    """The name, kept apart from those around the rule."""
    return f"{name}_" if name in _TAKEN or name in OWN.values() else name


def _constant(value: float) -> str:
    return 'float("inf")' if math.isinf(value) else repr(float(value))


TRITON = Language(
    words={
        **{name: f"tl.{name}" for name in ("abs", "cos", "exp", "floor", "log", "sin")},
        **{name: f"libdevice.{name}" for name in _LIBDEVICE},
        **{name: f"tl.{name}" for name in ("where", "sigmoid")},
        **OWN,
    },
    texts={
        "neg": "-{0}",
        "square": "{0} * {0}",
        "reciprocal": "1.0 / {0}",
        "rsqrt": "1.0 / _sqrt({0})",
    },
    constant=_constant,
    spelled=spelled,
)


def needs_libdevice(kernels: Sequence[Kernel]) -> bool:
    """Whether a kernel calls what Triton's own language lacks."""
    return "libdevice." in "\n".join(line for kernel in kernels for line in update_lines(kernel))


def own_functions(kernels: Sequence[Kernel]) -> list[str]:
    """The functions of ours that the kernels call, in order."""
    text = "\n".join(line for kernel in kernels for line in update_lines(kernel))
    return [name for name, own in OWN.items() if re.search(rf"\b{own}\(", text)]


def flags(kernel: Kernel) -> dict[int, str]:
    """The conditions of ifs, which are compiled in, by their place in a row of numbers."""
    return {
        index: spelled(number.name)
        for index, number in enumerate(kernel.numbers, start=1)
        if number.use is Use.IF
    }


def number_lines(kernel: Kernel) -> list[str]:
    """The numbers, read from their row of the table; the first is the factor of the gradient."""
    lines = ["grad_factor = tl.load(row).to(STATE)"]
    for index, number in enumerate(kernel.numbers, start=1):
        name, load = spelled(number.name), f"tl.load(row + {index})"
        comment = f"  # {formula(number)}" if number.text else ""
        if number.use is Use.VALUE:
            lines.append(f"{name} = {load}.to(STATE){comment}")
        elif number.use is Use.WHERE:
            lines.append(f"{name} = {load} != 0{comment}")
    return lines


def update_lines(kernel: Kernel) -> list[str]:
    """The update of the entries of a block."""
    lines = []
    for statement in kernel.body:
        lines += _statement(statement, 0)
    return lines


def _statement(node: ast.stmt, depth: int) -> list[str]:
    pad = "    " * depth
    if isinstance(node, ast.Assign):
        return [pad + TRITON.assignment(ast.unparse(node.targets[0]), node.value)]
    assert isinstance(node, ast.If)
    test, body, otherwise = TRITON.expression(node.test), node.body, node.orelse
    if not body:
        test, body, otherwise = f"not {test}", node.orelse, []
    lines = [f"{pad}if {test}:"]
    lines += [line for each in body for line in _statement(each, depth + 1)]
    match otherwise:
        case [ast.If(body=[_, *_]) as other]:
            first, *rest = _statement(other, depth)
            return [*lines, f"{pad}el{first.lstrip()}", *rest]
    if otherwise:
        lines.append(f"{pad}else:")
        lines += [line for each in otherwise for line in _statement(each, depth + 1)]
    return lines
