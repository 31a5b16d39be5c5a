"""The fused kernels of an elementwise rule as the files of a project."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from lightgen.render.custom.hyperparameters import annotation
from lightgen.render.custom.optimizer_class import state_lists
from lightgen.render.environment import ABSENT, fill
from lightgen.render.format import LINE_LENGTH
from lightgen.rules.fused import cpp, triton
from lightgen.rules.fused.kernel import Kernel
from lightgen.rules.fused.split import read_kernels
from lightgen.rules.reading.rounding import ROUND
from lightgen.rules.rule import Hyper, Rule
from lightgen.source import Identifier, Source, block, indent

DTYPES = {"float32": "float, float", "float64": "double, double", "bfloat16": "bfloat16, float"}


def fused_files(rule: Rule, class_name: str, module: str = "fused_update") -> dict[str, str]:
    """The files by name; `module` is what Python imports fused_update.py as.

    Raises InputError where the rule is not elementwise.
    """
    kernels = read_kernels(rule)
    names = {"class_name": Identifier(class_name)}
    updates = [_python_update(kernel, rule.hypers) for kernel in kernels]
    python = fill(
        "fused/fused_update.py",
        {
            **names,
            "updates": Source("".join(updates)),
            "uses_math": any("math." in text for text in updates),
            "rounds": any(f"{ROUND}(" in text for text in updates),
            "triton_module": Source(f"{module}_triton"),
        },
    )
    return {
        "fused_update.py": _black(python),
        "fused_update.cpp": _cpp_file(kernels, names),
        "fused_update_triton.py": _black(_triton_file(kernels, names)),
    }


def _black(text: str) -> str:
    import black

    return black.format_str(text, mode=black.Mode(line_length=LINE_LENGTH))


def _named(stem: str, kernel: Kernel) -> Identifier:
    return Identifier(f"{stem}_{kernel.suffix}" if kernel.suffix else stem)


def _for_whom(kernel: Kernel) -> Source:
    return Source(f" by {kernel.suffix}" if kernel.suffix else "")


def _python_update(kernel: Kernel, hypers: Sequence[Hyper]) -> str:
    function = kernel.function
    known = {hyper.name: hyper for hyper in hypers}
    varies = _varying(kernel)
    scalars = [state.plural for state in state_lists(function.scalars)]
    row = ", ".join(["factor", *(number.name for number in kernel.numbers)])
    returned = [f"({row})" if kernel.numbers else "(factor,)"]
    returned += [state.name for state in function.scalars]
    kinds = ["tuple[float, ...]", *("float" for _ in scalars)]
    options = [name for name in function.hypers if name in kernel.asks]
    parameters = [
        "factor: float,",
        *(f"{each.name}: {each.type}," for each in varies),
        *(["*,"] if options else []),
        *(f"{name}: {annotation(known[name])}," for name in options),
    ]
    return fill(
        "fused/update.py",
        {
            "fused_update": _named("fused_update", kernel),
            "numbers_function": _named("_numbers", kernel),
            "for_whom": _for_whom(kernel),
            "lists": [state.plural for state in state_lists(function.tensors)],
            "scalar_lists": scalars,
            "steps": Source("    steps: list[float],") if function.uses_step else ABSENT,
            "parameters": block(
                indent(f"{name}: {annotation(known[name])}," for name in function.hypers)
            ),
            "rows": block(indent(_rows(_named("_numbers", kernel), varies, options, scalars))),
            "run": block(indent(_run(_named("update", kernel), scalars))),
            "numbers_parameters": block(indent(parameters)),
            "numbers_type": Source(f"tuple[{', '.join(kinds)}]" if scalars else kinds[0]),
            "numbers_lines": block(indent(kernel.lines)) if kernel.lines else ABSENT,
            "numbers_result": Source(", ".join(returned)),
        },
    )


@dataclass(frozen=True)
class _Varying:
    """What the numbers of a tensor depend on: its name, its type, and the list of it."""

    name: str
    type: str
    values: str


def _varying(kernel: Kernel) -> list[_Varying]:
    function = kernel.function
    found = [_Varying(state.name, "float", state.plural) for state in state_lists(function.scalars)]
    if function.uses_step:
        found.append(_Varying("step", "float", "steps"))
    if "shape" in kernel.asks:
        found.append(_Varying("shape", "torch.Size", "[p.shape for p in params]"))
    return found


def _rows(
    function: str, varies: Sequence[_Varying], options: Sequence[str], scalars: Sequence[str]
) -> list[str]:
    """The lines that make `numbers`, a row a tensor; those that are alike are made once."""
    given = [f"{name}={name}" for name in options]
    if not varies:
        return [f"numbers = [{function}({', '.join(['factor', *given])})] * len(params)"]
    if len(varies) == 1 and not scalars:
        (each,) = varies
        call = f"{function}({', '.join(['factor', each.name, *given])})"
        return [
            f"known = {{{each.name}: {call} for {each.name} in set({each.values})}}",
            f"numbers = [known[{each.name}] for {each.name} in {each.values}]",
        ]
    call = f"{function}({', '.join(['factor', '*key', *given])})"
    return [
        f"keys = list(zip({', '.join(each.values for each in varies)}, strict=True))",
        f"known = {{key: {call} for key in set(keys)}}",
        f"numbers = [known[key]{'[0]' if scalars else ''} for key in keys]",
    ]


def _run(update: str, scalars: Sequence[str]) -> list[str]:
    """The lines that run the kernel, and then put the new numbers into their lists."""
    call = f'_run("{update}", tensors, numbers)'
    if not scalars:
        return [f"return {call}"]
    targets = ", ".join(f"{name}[i]" for name in scalars)
    entry = "[1]" if len(scalars) == 1 else "[1:]"
    return [
        f"if not {call}:",
        "    return False",
        "for i, key in enumerate(keys):",
        f"    {targets} = known[key]{entry}",
        "return True",
    ]


def _cpp_file(kernels: Sequence[Kernel], names: dict[str, Identifier]) -> str:
    own = [fill(f"fused/functions/{name}.cpp", {}) for name in cpp.own_functions(kernels)]
    return fill(
        "fused/fused_update.cpp",
        {
            **names,
            "functions": Source("\n".join(own)) if own else ABSENT,
            "updates": Source("\n".join(map(_cpp_update, kernels))),
            "exports": Source("".join(map(_cpp_exports, kernels))),
        },
    )


def _cpp_update(kernel: Kernel) -> str:
    doc = kernel.function.doc.partition("\n")[0] or kernel.function.name
    return fill(
        "fused/update.cpp",
        {
            "comment": Source("\n".join(f"// {line}" for line in textwrap.wrap(doc, 80))),
            "function": _named("update", kernel),
            "numbers": _indented(cpp.number_lines(kernel), 2),
            "addresses": _indented(cpp.address_lines(kernel), 2),
            "update": _indented(cpp.update_lines(kernel), 4),
        },
    )


def _cpp_exports(kernel: Kernel) -> str:
    update = _named("update", kernel)
    return "".join(
        fill(
            "fused/export.cpp",
            {
                "update": update,
                "dtype": Source(dtype),
                "pad": Source(" " * len(f"void {update}_{dtype}(")),
                "types": Source(types),
            },
        )
        for dtype, types in DTYPES.items()
    )


def _triton_file(kernels: Sequence[Kernel], names: dict[str, Identifier]) -> str:
    own = [fill(f"fused/functions/{name}.py", {}) for name in triton.own_functions(kernels)]
    needs = triton.needs_libdevice(kernels)
    return fill(
        "fused/fused_update_triton.py",
        {
            **names,
            "libdevice": (
                Source("from triton.language.extra import libdevice") if needs else ABSENT
            ),
            "functions": Source("\n\n".join(own)) if own else ABSENT,
            "kernels": Source("\n\n".join(map(_triton_kernel, kernels))),
            "table": block(indent(map(_triton_entry, kernels))),
        },
    )


def _triton_kernel(kernel: Kernel) -> str:
    roles = [("param", "PARAM"), ("grad", "PARAM")]
    roles += [(state.name, "STATE") for state in kernel.function.tensors]
    written, flags = kernel.assigned, triton.flags(kernel).values()
    pointers, loads, stores = [], [], []
    for index, (role, kind) in enumerate(roles):
        name, at = triton.spelled(role), f"{role}_entries"
        place = f"addresses, {index}, count, tensor, offsets, {kind}, ALIGNED"
        pointers.append(f"{at} = _entries({place})")
        factor = " * grad_factor" if role == "grad" else ""
        loads.append(f"{name} = tl.load({at}, mask=mask).to(STATE){factor}")
        if written[role] and role != "grad":
            stores.append(f"tl.store({at}, {name}, mask=mask)")
    return fill(
        "fused/kernel.py",
        {
            "kernel": _named("_update", kernel),
            "width": Source(str(len(kernel.numbers) + 1)),
            "block_function": _named("_update_block", kernel),
            "flags": block(indent(f"{flag}: tl.constexpr," for flag in flags)) or ABSENT,
            "passed_flags": block(indent((f"{flag}," for flag in flags), 3)) or ABSENT,
            "numbers": block(indent(triton.number_lines(kernel))),
            "pointers": block(indent(pointers)),
            "loads": block(indent(loads)),
            "update": block(indent(triton.update_lines(kernel))),
            "stores": block(indent(stores)),
        },
    )


def _triton_entry(kernel: Kernel) -> str:
    indices = "".join(f"{index}, " for index in triton.flags(kernel)).rstrip()
    indices = indices if indices.count(",") == 1 else indices.rstrip(",")
    return f'"{_named("update", kernel)}": ({_named("_update", kernel)}, ({indices})),'


def _indented(lines: Sequence[str], spaces: int) -> Source:
    return Source("\n".join(" " * spaces + line for line in lines))
