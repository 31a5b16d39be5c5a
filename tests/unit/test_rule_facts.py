"""What is told of a rule from its text, for the tests that it gets."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from lightgen.render.custom.rule_facts import leaves_param_alone
from lightgen.render.custom.rule_helpers import typed
from lightgen.render.custom.rule_shapes import COMMON, served_shapes, serving, unserved_shape
from lightgen.render.custom.rule_test import PARTS
from lightgen.rules.reading.parse import read_rule
from lightgen.rules.rule import Rule

RULES = Path(__file__).parents[2] / "golden" / "rules"


def golden(name: str) -> Rule:
    return read_rule((RULES / f"{name}.py").read_text(), f"{name}.py")


def rests(rule: Rule, *zero: str) -> bool:
    return all(leaves_param_alone(function, rule, zero) for function in rule.functions)


@pytest.mark.parametrize(
    "name",
    "adadelta adafactor adagrad adam adamw adan ademamix amsgrad lamb lars lion nadam radam rmsprop"
    " sgd".split(),
)
def test_zero_gradients_are_seen_to_change_nothing(name: str) -> None:
    assert rests(golden(name), "grad", "weight_decay")


@pytest.mark.parametrize("name", ["sphere", "stiefel", "prodigy", "muon"])
def test_nothing_is_claimed_of_helpers_and_shared_numbers(name: str) -> None:
    assert not rests(golden(name), "grad", "weight_decay")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("param -= lr * grad", True),
        ("param = param - lr * (grad + 0 * m)", True),
        ("param = 1 * param", True),
        ("param *= 1 - lr * wd", True),
        ("param -= grad / (abs(grad) + 1e-8)", True),
        ("param = lerp(param, m, lr)", True),
        ("param -= lr", True),
        ("param -= 1e-3", False),
        ("param = -param", False),
        ("param = 0 - param", False),
        ("param = m + grad", False),
        ("param = m", False),
        ("param -= exp(grad)", False),
        ("param -= lr * grad + 1", False),
        ("param = lerp(m, param, 0.5)", False),
        ("param = where(grad > 0, param, m)", False),
        ("param /= 2", False),
    ],
)
def test_a_step_of_zero_lr_and_gradients(body: str, expected: bool) -> None:
    rule = read_rule(
        "def f(param, grad, m=zeros, *, lr=0.1):\n    m += grad\n    param -= lr * m\n", "f.py"
    )
    # As it stands: the reader would refuse rules of which some of these are.
    lines = ast.parse(f"m += grad + wd * lr\n{body}").body
    made = replace(rule.functions[0], body=tuple(lines))
    assert leaves_param_alone(made, rule, ("grad", "lr")) is expected


WHEN = """
@when({condition})
def first(param, grad, *, lr=0.1):
    param -= lr * grad
"""
REST = "\n\ndef rest(param, grad, *, lr=0.1):\n    param -= 2 * lr * grad\n"


@pytest.mark.parametrize(
    ("condition", "served", "not_served"),
    [
        ("param.ndim >= 2", (3, 4), (5,)),
        ("ndim == 1", (5,), (3, 4)),
        ("param.ndim == 2 and param.shape[0] > param.shape[1]", (4, 3), (3, 4)),
        ("not param.ndim == 0", (0,), ()),
        ("1 < ndim < 3 or param.shape[0] == 5", (5,), ()),
        ("param.shape[1] % 2 == 0", (3, 4), (2, 3)),
    ],
)
def test_conditions_on_the_shape(
    condition: str, served: tuple[int, ...], not_served: tuple[int, ...]
) -> None:
    alone = read_rule(WHEN.format(condition=condition), "x.py")
    assert serving(alone, served) is alone.functions[0]
    assert serving(alone, not_served) is None
    assert unserved_shape(alone) is not None
    assert all(serving(alone, shape) for shape in served_shapes(alone))
    assert len(served_shapes(alone)) >= 3
    both = read_rule(WHEN.format(condition=condition) + REST, "x.py")
    assert serving(both, not_served) is both.functions[1]
    assert unserved_shape(both) is None
    assert {serving(both, shape).name for shape in served_shapes(both) if serving(both, shape)} == {
        "first",
        "rest",
    }


def test_shapes_of_the_golden_rules() -> None:
    assert served_shapes(golden("adamw")) == list(COMMON)
    assert served_shapes(golden("adafactor")) == list(COMMON)
    assert all(
        len(shape) == 2 and shape[0] >= shape[1] for shape in served_shapes(golden("sphere"))
    )
    assert (0,) not in served_shapes(golden("prodigy"))


@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        ("adamw", "complex compiled differentiable decay zero_lr direction", "no_complex modes"),
        ("lamb", "no_complex zero_grads direction", "complex differentiable decay memory_format"),
        ("sphere", "no_complex", "direction zero_grads zero_lr complex"),
        ("prodigy", "shared no_complex", "direction groups complex"),
        ("schedulefree_adamw", "modes complex differentiable", "shared"),
    ],
)
def test_tests_that_a_rule_gets(name: str, there: str, absent: str) -> None:
    rule = golden(name)
    parts = {part for part, is_promised in PARTS.items() if is_promised(rule)}
    assert set(there.split()) <= parts
    assert not set(absent.split()) & parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x, y=1): return x", "def f(x: Any, y: Any=1) -> Any: return x"),
        ("def f(x: int) -> int:\n    return (x)", "def f(x: int) -> int:\n    return (x)"),
        ("def f(é, x=(1)):\n    return (é)", "def f(é: Any, x: Any=(1)) -> Any:\n    return (é)"),
        ("def f(\n    x,  # (one\n    *, y=')',\n):\n    pass",
         "def f(\n    x: Any,  # (one\n    *, y: Any=')',\n) -> Any:\n    pass"),
        ("def f(*a, **k): pass", "def f(*a: Any, **k: Any) -> Any: pass"),
    ],
)  # fmt: skip
def test_helpers_get_types(text: str, expected: str) -> None:
    assert typed(text) == expected
