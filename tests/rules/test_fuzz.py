"""Differential fuzzing: what the compiler prints does what the rule says, whatever the rule.

The interpreter is the judge. Rounding may be blown up by a rule (a sign of what cancels, a high
power); such a rule is recognised by what rounding does to the interpreter itself.
"""

from __future__ import annotations

import re
from random import Random

import pytest
from support.generated_updates import (
    WAYS,
    Printed,
    all_steps,
    amplification,
    distance,
    expected,
    printed,
)
from support.random_rules import random_rule

SEEDS = 1500
CHUNK = 100
CLOSE = 1e-11
ROUNDING = 1e-15


def faults(text: str, seed: int) -> list[str]:
    """What is wrong with the functions of a rule, in words."""
    parts = Printed.of(text)
    random = Random(seed)
    hypers = {
        hyper.name: random.random() < 0.5
        for hyper in parts[0].rule.hypers
        if isinstance(hyper.default, bool)
    }
    right = all_steps(expected(text, seed, **hypers))
    found = []
    for way in WAYS:
        gap = distance(right, all_steps(printed(parts, seed, way, **hypers)))
        if gap > CLOSE and gap > 1e4 * amplification(text, seed, ROUNDING, **hypers):
            found.append(f"{way}, {hypers}: differs by {gap:.1e}")
    return found


@pytest.mark.parametrize("start", range(0, SEEDS, CHUNK))
def test_random_rules(start: int) -> None:
    for seed in range(start, start + CHUNK):
        text = random_rule(seed)
        try:
            found = faults(text, seed)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        assert not found, f"rule {seed}: {found}\n{text}"


# What the first compiler of such rules got wrong, and what a later one did; each by itself.
MISTAKES = {
    "negated in place": "param = -param",
    "a choice of two numbers": "m = m + where(m * grad > 0, 1, -0.5)\n    param -= lr * m",
    "the angle to a number": "m += atan2(grad, 2) + atan2(0.1, grad)\n    param -= lr * m",
    "subtracted": "m = m - 0.1 * grad\n    param -= lr * (grad - (m - param))",
    "subtracted twice": "m = grad - (param - (m - grad))\n    param -= lr * m",
    "a difference as the coefficient": "m = (1 - beta) * m\n    param -= lr * (1 - beta) * m",
    "divided by a difference": "param -= lr / (1 - beta**step) * grad\n    m += param / (1 - beta)",
    "three factors": "m = m + 0.5 * grad * grad * grad\n    param -= lr * grad * param * m",
    "four factors and a quotient": (
        "param -= lr * grad * m * param * grad / (m * m + 1)\n" "    m += 1"
    ),
    "read after it was written": "m = maximum(2 * grad + m, beta * param + m)\n    param -= lr * m",
    "read by the end of lerp": "m = lerp(m, grad * m, beta)\n    param = lerp(grad, param, beta)",
    "read by the condition": "m = where(grad > m, -m, m * grad)\n    param -= lr * m",
    "twice in one sum": "m -= grad - m\n    param -= lr * m",
    "from itself": "param -= param - param\n    m = m - m + grad",
    "twice in one product": "param = 0.5 * grad - lr * param * m * param\n    m += grad",
    "squared": "m = m * m + grad\n    param *= param",
    "its own denominator": "m = grad / (m * m + 1)\n    param /= param * param + 1",
    "an alias": "old = m\n    m = beta * m + grad\n    param -= lr * (m - old)",
    "an alias of an alias": (
        "a = m\n    b = a\n    m += grad\n" "    a = a * b\n    param -= lr * (a + b)"
    ),
    "an alias of param": "old = param\n    param -= lr * grad\n    m = beta * m + param - old",
    "exchanged": "m, v = v, m\n    v += grad\n    param -= lr * m",
    "exchanged by hand": "t = m\n    m = v\n    v = t + grad\n    param -= lr * m",
    "three in a ring": "m, v, param = v, param + m, m + grad",
    "the gradient changed": "grad *= 2\n    m += grad\n    grad -= m\n    param -= lr * grad",
    "a state becomes the gradient": "t = m\n    m = grad\n    grad += t\n    param -= lr * grad",
    "changed on one way": (
        "t = m\n    if flag:\n        m += grad\n" "    param -= lr * (t + m)\n    m *= beta"
    ),
    "an alias on one way": (
        "t = grad\n    if flag:\n        t = m\n" "    m += grad\n    param -= lr * t"
    ),
    "an alias of an alias that is read later": (
        "t = param\n    grad = t\n    param -= lr * grad\n    m += grad"
    ),
    "an alias of an alias that leaves its branch": (
        "if flag:\n        t = param\n        grad = t\n    param -= lr * m\n    m += grad"
    ),
    "steps of their own": (
        "m += grad * step\n" "    param -= lr * where(step > 1, m / (step - 1), grad)"
    ),
}


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("body", MISTAKES.values(), ids=MISTAKES.keys())
def test_known_mistakes(body: str, flag: bool) -> None:
    read = set(re.findall(r"\w+", body))
    states = [f"{name}=zeros" for name in ("m", "v") if name in read]
    hypers = ["lr=0.1", "beta=0.9", f"flag={flag}"]
    heads = ["param", "grad", *states, "*", *(h for h in hypers if h.split("=")[0] in read)]
    if "lr" not in read:
        body, heads = f"{body}\n    param *= 1 - lr", [*heads, "lr=0.1"]
    assert not faults(f"def rule({', '.join(heads)}):\n    {body}\n", 0)


NUMBERS = {
    "the old number": "old = nu\n    nu = 0.5 * nu + 1\n    m += nu * old * grad",
    "numbers that change places": "nu, mu = mu, nu\n    nu = 0.5 * nu + 1\n    m += nu * mu * grad",
    "a branch after the old number": (
        "old = nu\n    if flag:\n        nu = mu\n    else:\n        nu = 0.5 * nu\n"
        "    mu = 0.9 * mu + 0.1 * old\n    m += old * mu * grad"
    ),
    "functions of numbers": (
        "nu = 0.9 * nu + sigmoid(step) * rsqrt(step) - reciprocal(step)\n"
        "    m += sign(nu - 1) * square(nu) * grad"
    ),
    "the step as a number": (
        "s = step\n    nu = s + nu\n    mu = 0.5 * mu + s\n    m += grad / (nu * mu)"
    ),
}


@pytest.mark.parametrize("body", NUMBERS.values(), ids=NUMBERS.keys())
def test_known_mistakes_with_numbers(body: str) -> None:
    names = set(re.findall(r"\w+", body))
    states = ["m=zeros", "nu=scalar(0.5)", *(["mu=scalar(2.0)"] if "mu" in names else [])]
    hypers = ["lr=0.1", *(["flag=True"] if "flag" in names else [])]
    heads = ", ".join(["param", "grad", *states, "*", *hypers])
    assert not faults(f"def rule({heads}):\n    {body}\n    param -= lr * m\n", 0)
