"""The tests that ship with a rule's optimizer: what the rule can be seen to promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lightgen.plan.hyperparameter import allows
from lightgen.render.custom.custom_test import SHAPES_DOC, SKELETON_HOLES, joined_tests
from lightgen.render.custom.hyperparameters import out_of_range_block
from lightgen.render.custom.optimizer_class import part
from lightgen.render.custom.rule_facts import leaves_param_alone
from lightgen.render.custom.rule_oracle import function_name, reference, state_shapes
from lightgen.render.custom.rule_parts import check_condition, is_complex_fit, per_parameter_states
from lightgen.render.custom.rule_shapes import COMMON, served_shapes, serving, unserved_shape
from lightgen.render.environment import fill
from lightgen.render.format import black_formatted
from lightgen.rules.rule import Hyper, Rule
from lightgen.rules.update.code import update_codes
from lightgen.source import Expr, Prose, Source, block, indent, literal

TEMPLATE = "project/tests/test_custom_optimizer.py"


def render_rule_test(rule: Rule, class_name: str, module: str, *, is_fused: bool = False) -> str:
    """The file with the tests of the class, which `module` holds."""
    codes = update_codes(rule)
    shapes = served_shapes(rule)
    names = [class_name, *(function_name(code.functional) for code in codes)]
    names += ["_prepare_update"] if rule.prepare else []
    names += ["NUMBERS"] if any(function.scalars for function in rule.functions) else []
    parts = [name for name, is_promised in PARTS.items() if is_promised(rule)]
    parts += ["fused"] if is_fused else []
    holes = {
        "class_name": Source(class_name),
        "test_doc": part("tests/rule_doc", {"class_name": Source(class_name)}),
        "module": Source(module),
        "own_names": Source(f"({', '.join(sorted(names, key=_isort_key))})"),
        "built": Source(class_name if rule.to_eval else "Optimizer"),
        "out_of_range": out_of_range_block(rule.hypers),
        "other_options": block(indent(_options(rule))),
        "shapes": Expr(literal(shapes)),
        "params_doc": (
            SHAPES_DOC
            if tuple(shapes) == COMMON
            else Prose("Of shapes that the rule serves; the second is transposed.")
        ),
        "tests": joined_tests(parts, _part_holes(rule)),
    }
    return black_formatted(fill(TEMPLATE, holes))


def _isort_key(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name.lower()


def _part_holes(rule: Rule) -> dict[str, Source]:
    codes = update_codes(rule)
    is_complex = _is_elementwise(rule)
    lr = _rate(rule)
    decay = _decay(rule)
    numbers = [state for state in per_parameter_states(rule) if not state.is_tensor]
    is_single = any(state.single for state in numbers)
    unserved = unserved_shape(rule)
    kept = ("params", *(state.name for state in rule.shared))
    double, single, half = "torch.float64", "torch.float32", "torch.bfloat16"
    whole = {True: "torch.complex128, ", False: ""}[is_complex]
    return {
        **SKELETON_HOLES,
        "trajectory_doc": Prose("Over 20 steps, in double precision."),
        "tolerance": Expr("1e-6" if is_single else "1e-9"),
        "lr": Expr(lr),
        "other_lr": Expr(literal(float(lr) / 2) if _may_be(rule, "lr", float(lr) / 2) else lr),
        "kept_options": Expr(", ".join(f'"{key}": group["{key}"]' for key in kept)),
        "decay": Expr(f"weight_decay={decay}, " if decay else ""),
        "decay_line": Expr(f"weight_decay={decay}," if decay else ""),
        "and_decay": Expr(f", weight_decay={decay}" if decay else ""),
        "no_decay": Expr("weight_decay=0.0, " if decay else ""),
        "dtypes": Expr(f"{double}, {single}, {whole}{half}"),
        "some_dtypes": Expr(f"{double}, {whole}{half}"),
        "resumed_dtypes": Expr(f"{double}, {whole}{half}, torch.float16"),
        "is_precise": Expr(
            "value.dtype == NUMBERS.get(name, torch.float32) for name, value in state.items()"
            if numbers
            else "value.dtype == torch.float32 for value in state.values()"
        ),
        "cycle": Expr("" if _cycles(rule) else ", cycle_momentum=False"),
        "state_shapes": state_shapes(rule, codes),
        "unserved": Expr(literal(unserved)) if unserved is not None else Expr("()"),
        "shared": Expr(", ".join([*(f'"{state.name}"' for state in rule.shared), ""])),
        **reference(rule, codes),
    }


def _is_elementwise(rule: Rule) -> bool:
    return all(is_complex_fit(function, rule) for function in rule.functions)


def _hyper(rule: Rule, name: str) -> Hyper | None:
    return next((hyper for hyper in rule.hypers if hyper.name == name), None)


def _may_be(rule: Rule, name: str, value: float) -> bool:
    hyper = _hyper(rule, name)
    return hyper is not None and not isinstance(hyper.default, tuple) and allows(hyper, value)


def _rate(rule: Rule) -> str:
    """A learning rate to test with: 0.1 where it may be that."""
    hyper = _hyper(rule, "lr")
    assert hyper is not None and not isinstance(hyper.default, tuple)
    return literal(0.1 if allows(hyper, 0.1) else float(hyper.default))


def _decay(rule: Rule) -> str:
    """A weight decay to test with, if there is one that may be that and 0."""
    return "0.1" if _may_be(rule, "weight_decay", 0.1) else ""


def _cycles(rule: Rule) -> bool:
    """Whether torch's cyclic schedulers find a momentum to cycle."""
    hypers = [hyper for name in ("momentum", "betas") if (hyper := _hyper(rule, name))]
    return any(allows(hyper, 0.8) and allows(hyper, 0.95) for hyper in hypers)


def _options(rule: Rule) -> list[str]:
    """Keyword arguments: the defaults, others, and each switch turned over."""
    others = {
        hyper.name: _other(hyper) for hyper in rule.hypers if not isinstance(hyper.default, bool)
    }
    switches = [
        {**others, hyper.name: not hyper.default}
        for hyper in rule.hypers
        if isinstance(hyper.default, bool)
    ]
    return [f"{literal(options)}," for options in ({}, others, *switches)]


def _other(hyper: Hyper) -> float | int | tuple[float, ...]:
    """A value that is not the default, in the range."""
    if isinstance(hyper.default, tuple):
        return tuple(_other_number(hyper, entry) for entry in hyper.default)
    return _other_number(hyper, hyper.default)


def _other_number(hyper: Hyper, default: float) -> float:
    tries: list[float] = [default + 3, default - 1]
    if not isinstance(default, int):
        usual = {"lr": [0.05], "eps": [1e-3]}.get(hyper.name, [])
        tries = [*usual, float(f"{0.9 * default:.3g}"), 0.1, 0.5, float(f"{1.1 * default:.3g}")]
    fit = (number for number in tries if number != default and allows(hyper, number))
    return next(fit, default)


def _serves(rule: Rule, *shapes: Sequence[int]) -> bool:
    return all(serving(rule, tuple(shape)) for shape in shapes)


def _descends(rule: Rule) -> bool:
    """Taken for granted where nothing but the notation is used: what a helper does is not known,
    and an estimated rate may be as small as it likes."""
    return not rule.helpers and rule.prepare is None and _serves(rule, (10, 5), (10,))


def _rests(rule: Rule, *zero: str) -> bool:
    """Whether nothing moves where these are 0, as far as can be told; ranges allow that."""
    hypers = [hyper for hyper in rule.hypers if hyper.name in zero]
    may_be_zero = all(allows(hyper, 0.0) for hyper in hypers)
    return may_be_zero and all(leaves_param_alone(f, rule, zero) for f in rule.functions)


def _decays(rule: Rule) -> bool:
    is_fit = _is_elementwise(rule) and _serves(rule, (3,)) and _rests(rule, "grad", "weight_decay")
    return is_fit and _may_be(rule, "weight_decay", 0.5) and _may_be(rule, "lr", 0.01)


# The parts of the tests in the order of the file, and for which rules they stand there.
PARTS: dict[str, Callable[[Rule], bool]] = {
    "reference_rule": lambda rule: True,
    "trajectory": lambda rule: True,
    "direction": _descends,
    "groups": lambda rule: rule.prepare is None,
    "decay": _decays,
    "tensor_lr": lambda rule: True,
    "complex": lambda rule: _is_elementwise(rule) and _serves(rule, (3,)),
    "no_complex": lambda rule: not any(is_complex_fit(f, rule) for f in rule.functions),
    "left_alone": lambda rule: True,
    "zero_grads": lambda rule: _rests(rule, "grad", "weight_decay"),
    "zero_lr": lambda rule: _rests(rule, "grad", "lr"),
    "read_only": lambda rule: True,
    "memory_format": lambda rule: _is_elementwise(rule) and _serves(rule, (2, 3, 4, 4)),
    "closure": lambda rule: True,
    "compiled": _is_elementwise,
    "differentiable": lambda rule: _is_elementwise(rule) and _serves(rule, (4,)),
    "shared": lambda rule: bool(rule.shared),
    "modes": lambda rule: rule.to_eval is not None,
    "errors": lambda rule: True,
    "foreach_errors": lambda rule: True,
    "unserved": lambda rule: check_condition(update_codes(rule))
    and unserved_shape(rule) is not None,
    "state": lambda rule: True,
    "copies": lambda rule: True,
    "resumed": lambda rule: True,
    "precision": lambda rule: True,
    "older": lambda rule: True,
    "step_as_number": lambda rule: True,
    "loading": lambda rule: True,
    "hooks": lambda rule: True,
    "state_dict_hooks": lambda rule: True,
}
