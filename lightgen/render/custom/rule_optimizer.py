"""The optimizer's class from its update rule."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from lightgen.render.custom.hyperparameters import constructor_blocks
from lightgen.render.custom.optimizer_class import (
    load_blocks,
    number_dtype,
    optimizer_imports,
    part,
)
from lightgen.render.custom.rule_fused import class_holes
from lightgen.render.custom.rule_helpers import typed
from lightgen.render.custom.rule_parts import (
    check_condition,
    is_complex_fit,
    per_parameter_states,
    step_methods,
    update_of,
)
from lightgen.render.custom.rule_passes import mode_methods, prepare_method
from lightgen.render.environment import ABSENT, fill
from lightgen.render.format import black_formatted
from lightgen.render.imports import Imports
from lightgen.rules.reading.rounding import ROUND
from lightgen.rules.rule import Initial, Rule
from lightgen.rules.update.code import UpdateCode, mode_codes, update_codes
from lightgen.rules.update.prepare import prepare_code
from lightgen.source import Identifier, Prose, Source, block, explode, indent, literal

TEMPLATE = "project/src/__package__/custom_optimizer.py"
WIDTH = 84


def render_rule_optimizer(rule: Rule, class_name: str, fused_module: str = "") -> str:
    """The file with the class; with the option `fused` if the module of kernels is named."""
    codes = update_codes(rule)
    modes = mode_codes(rule)
    functions = [
        *(typed(text) for text in rule.helpers.values()),
        *(text for code in codes for text in (code.single, code.foreach, code.functional)),
        *(text for text in (prepare_code(rule), *modes) if text),
    ]
    if any(f"{ROUND}(" in text for text in functions):
        functions.insert(0, part("rule_float32", {}))
    holes = {
        **constructor_blocks(rule.hypers),
        "checks": _checks(rule),
        "class_name": Identifier(class_name),
        "module_doc": _module_doc(rule, class_name, codes),
        "imports": _imports(rule, functions),
        "update_functions": Source("\n\n\n".join([*_numbers(rule), *functions])),
        "class_doc": _class_doc(rule, class_name, bool(fused_module)),
        **class_holes(bool(fused_module)),
        "extra_defaults": block(indent(explode(_extra_defaults(rule)), 3)) or ABSENT,
        "check_shapes": part("rule_check_shapes", {}) if check_condition(codes) else ABSENT,
        **_load_blocks(rule),
        "check_mode": part("rule_check_mode", {}) if rule.to_eval else ABSENT,
        "step_groups": _step_groups(rule, codes),
        "step_methods": Source(
            "\n\n".join(
                [
                    *prepare_method(rule, codes),
                    *step_methods(rule, codes, fused_module),
                    *mode_methods(rule),
                ]
            )
        ),
        "helpers": Source("".join(f"\n\n{text}\n" for text in _helpers(rule, codes)).rstrip("\n")),
    }
    return black_formatted(fill(TEMPLATE, holes))


def _module_doc(rule: Rule, class_name: str, codes: Sequence[UpdateCode]) -> Source:
    text = block(indent(quoted(black_formatted(rule.text, WIDTH)).strip("\n").split("\n")))
    is_long = any(len(line) > WIDTH + 4 for line in text.split("\n"))
    suffix = codes[0].suffix
    explanation = textwrap.fill(
        f"`_single_tensor_{suffix}` is the rule in place, `_foreach_{suffix}` the same over lists "
        f"of tensors, `_functional_{suffix}` the rule with new values only: for "
        "`differentiable=True`, torch.compile and the tests, which hold the three against each "
        "other. A change belongs in all of them.",
        88,
        break_long_words=False,
    )
    return part(
        "rule_module_doc",
        {
            "class_name": Identifier(class_name),
            "text": text,
            "explanation": Source(explanation),
            "end": Source('"""  # noqa: E501' if is_long else '"""'),
        },
    )


def quoted(text: str) -> Source:
    """The text as it may stand in a docstring of three double quotes."""
    return Source(text.replace("\\", "\\\\").replace('"""', "'''"))


def _class_doc(rule: Rule, class_name: str, is_fused: bool) -> Source:
    doc = rule.functions[0].doc or rule.doc or f"{class_name}, by its update rule."
    lines = [
        each
        for line in quoted(textwrap.dedent(doc).strip()).split("\n")
        for each in (textwrap.wrap(line, WIDTH) if len(line) > WIDTH else [line])
    ]
    if lines[-1].endswith('"'):
        lines[-1] += " "
    names = ", ".join(hyper.name for hyper in rule.hypers if hyper.name != "lr")
    others = textwrap.wrap(
        f"{names}: as in the rule at the top of the file.", WIDTH, subsequent_indent="    "
    )
    holes = {
        "doc": Prose("\n".join([lines[0], *indent(lines[1:])])),
        "others": block(indent(others)) if names else ABSENT,
        "fused_doc": class_holes(is_fused)["fused_doc"],
    }
    return part("rule_class_doc", holes)


def _imports(rule: Rule, functions: Iterable[str]) -> Source:
    imports = Imports("")
    if "import math" in rule.imports or any(re.search(r"\bmath\.", text) for text in functions):
        imports.module("math")
    return optimizer_imports(imports)


def _numbers(rule: Rule) -> list[str]:
    """The constant that says which states are numbers, and how precise."""
    dtypes = {
        state.name: number_dtype(state)
        for state in per_parameter_states(rule)
        if state.initial is Initial.SCALAR
    }
    if not dtypes:
        return []
    entries = "".join(f'    "{name}": {dtype},\n' for name, dtype in dtypes.items())
    comment = "# What is kept as one number per parameter, and how precisely."
    return [f"{comment}\nNUMBERS = {{\n{entries}}}"]


def _load_blocks(rule: Rule) -> dict[str, Source]:
    if not _numbers(rule):
        return load_blocks("moments")
    return {"load_doc": part("load_doc_scalars", {}), "restore": part("restore_scalars", {})}


def _checks(rule: Rule) -> Source:
    """The checks of the options; what parameters share is made outside of autograd's sight."""
    checks = constructor_blocks(rule.hypers)["checks"]
    return Source(f"{checks}\n{part('rule_check_shared', {})}") if rule.prepare else checks


def _extra_defaults(rule: Rule) -> list[str]:
    shared = [f'"{state.name}": {literal(state.value)}' for state in rule.shared]
    return [*shared, *(['"train_mode": True'] if rule.to_eval else [])]


def _step_groups(rule: Rule, codes: Sequence[UpdateCode]) -> Source:
    lines = ["shared = self._prepare()"] if rule.prepare else []
    lines.append("for group in self.param_groups:")
    for code in codes:
        method = "_step_group" if len(codes) == 1 else f"_step_{code.suffix}"
        lines.append(f"    self.{method}({'group, shared' if code.shared else 'group'})")
    return block(indent(lines, 2))


def _helpers(rule: Rule, codes: Sequence[UpdateCode]) -> list[str]:
    """The small functions at the end of the file that this rule needs."""
    initials = {(state.initial, state.value == 0) for state in per_parameter_states(rule)}
    is_complex = any(is_complex_fit(code.function, rule) for code in codes)
    names = [
        *(["rule_as_real"] if is_complex else []),
        "rule_as_stored" if is_complex else "rule_as_stored_real",
        *(["rule_full_like"] if (Initial.CONSTANT, False) in initials else []),
        *(["rule_first_gradient"] if any(each is Initial.GRAD for each, _ in initials) else []),
    ]
    return [*(part(name, {}) for name in names), *update_of(codes)]
