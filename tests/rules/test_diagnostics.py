"""What is wrong with a rule is said with its line and what to do, all at once."""

from __future__ import annotations

import pytest

from lightgen.problems import InputError
from lightgen.rules.reading.parse import read_rule

HEAD = "def r(param, grad, m=zeros, *, lr=1e-3, betas=(0.9, 0.99)):\n"
WHOLE = "m = lerp(m, grad, betas[0])\nparam -= lr * m"


def faults(text: str, function: str = "") -> list[str]:
    with pytest.raises(InputError) as caught:
        read_rule(text, "r.py", function)
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def body(text: str) -> str:
    return HEAD + "\n".join(f"    {line}" for line in text.splitlines()) + "\n"


BODIES = {
    "m = lerp(m, gard, betas[0])\nparam -= lr * m": (
        "r.py:2: unknown name 'gard'; did you mean 'grad'?"
    ),
    "m = lrp(m, grad, betas[0])\nparam -= lr * m": (
        "r.py:2: unknown function 'lrp'; did you mean 'lerp'?"
    ),
    "param -= lr * betas[0] * lerp(m, grad, 1)": (
        "r.py:1: the state 'm' is never updated; assign to it: m = ..."
    ),
    "m = lerp(m, grad, 0.1)\nparam -= lr * m": (
        "r.py:1: the hyperparameter 'betas' is never used; use it or remove it"
    ),
    "m = lerp(m, grad, betas[0])": "r.py:1: r never assigns to param; write param -= lr * ...",
    "m = grad\nparam -= lr * betas[0] * m": (
        "r.py:1: the state 'm' is overwritten before its last value is read; read it first, or"
        " take a local name"
    ),
    f"if m > 0:\n    m = grad\n{WHOLE}": (
        "r.py:2: an if on a tensor: m > 0; an if tests hyperparameters only; write"
        " where(cond, a, b)"
    ),
    f"if step > 2:\n    grad = 2 * grad\n{WHOLE}": (
        "r.py:2: an if on the step or the shape: step > 2; an if tests hyperparameters only;"
        " write where(cond, a, b)"
    ),
    f"for i in range(3):\n    grad = 2 * grad\n{WHOLE}": (
        "r.py:2: a loop is not part of the language of rules; write it out, or put it into a"
        " helper function"
    ),
    f"while lr > 2:\n    grad = 2 * grad\n{WHOLE}": (
        "r.py:2: a loop is not part of the language of rules; write it out, or put it into a"
        " helper function"
    ),
    f"{WHOLE}\nreturn param": (
        "r.py:4: return is not part of the language of rules; assign to param and to the states"
        " instead"
    ),
    f"import os\n{WHOLE}": (
        "r.py:2: an import is not part of the language of rules; put it on top of the file;"
        " helpers may use torch and math"
    ),
    f"print(grad)\n{WHOLE}": (
        "r.py:2: computed and not assigned: print(grad); assign it to a name, or remove it"
    ),
    "m = m + grad.sqrt()\nparam -= lr * betas[0] * m": (
        "r.py:2: methods are not part of the language: grad.sqrt(); write sqrt(...)"
    ),
    "m = m + open(grad)\nparam -= lr * betas[0] * m": "r.py:2: unknown function 'open'",
    "m = m + grad.data\nparam -= lr * betas[0] * m": (
        "r.py:2: not part of the language: grad.data; param.ndim and param.shape[i] are the only"
        " attributes"
    ),
    "m = m + [grad][0]\nparam -= lr * betas[0] * m": "r.py:2: not part of the language: [grad][0]",
    "m = m + grad * (lambda x: x)(1)\nparam -= lr * betas[0] * m": (
        "r.py:2: methods are not part of the language"
    ),
    f"lr = 3\n{WHOLE}": "r.py:2: the hyperparameter 'lr' is assigned; take a local name",
    f"step = 3\n{WHOLE}": "r.py:2: the name 'step' is reserved; choose another",
    f"sign = 3\n{WHOLE}": "r.py:2: 'sign' is a function of the language; choose another name",
    f"m = lr\n{WHOLE}": (
        "r.py:2: 'm' is a tensor but is assigned a number; write m = 0 * m + ..., if that is meant"
    ),
    "m = m + mean(grad)\nparam = norm(m) * lr * betas[0]": (
        "r.py:3: 'param' is assigned a tensor of another shape; give the state another initial"
        " value, or combine to its shape"
    ),
    f"u = grad\nu = 2 * grad\ngrad = u\n{WHOLE}": (
        "r.py:2: the value of 'u' is overwritten or never read; use it, or remove the line"
    ),
    f"u = 2 * grad\n{WHOLE}": (
        "r.py:2: the value of 'u' is overwritten or never read; use it, or remove the line"
    ),
    "if betas[0] > 0:\n    u = 1\nm = lerp(m, grad, 0.1)\nparam -= lr * u * m": (
        "r.py:5: 'u' has a value only on one way through the if of line 2; assign it on both"
    ),
    "if betas[0] > 0:\n    u = 1\nelse:\n    u = grad\nm = m + u\nparam -= lr * m": (
        "r.py:2: 'u' is a number on one way and a tensor on the other; make both tensors, or take"
        " two names"
    ),
    "m = lerp(m, grad, betas)\nparam -= lr * m": "r.py:2: betas is a tuple; write betas[0]",
    "m = lerp(m, grad, betas[2])\nparam -= lr * m": (
        "r.py:2: betas has the entries 0 to 1; write betas[0]"
    ),
    "a, b, c = betas\nm = lerp(m, grad, a + b + c)\nparam -= lr * m": (
        "r.py:2: betas has 2 entries, not 3; take as many names"
    ),
    "m = m + betas[0] * (grad > 0)\nparam -= lr * m": (
        "r.py:2: a comparison of tensors is no value: grad > 0; write where(cond, 1, 0)"
    ),
    "m = where(grad, m, betas[0])\nparam -= lr * m": (
        "r.py:2: the condition of where is no comparison: grad; write x > 0"
    ),
    "m = where(grad > 0 and m > 0, m, betas[0])\nparam -= lr * m": "r.py:2: ",
    "m = max(grad, m) * betas[0]\nparam -= lr * m": (
        "r.py:2: max is for numbers: max(grad, m); write maximum for tensors"
    ),
    "m = lerp(m, grad) * betas[0]\nparam -= lr * m": "r.py:2: lerp takes 3 arguments, not 2",
    "m = lerp(m, end=grad, w=betas[0])\nparam -= lr * m": "r.py:2: lerp takes no keywords",
    "m = m // grad * betas[0]\nparam -= lr * m": "r.py:2: no operator of the language for tensors",
    "m = clamp(m + grad, betas[0], grad)\nparam -= lr * m": "r.py:2: the bounds of clamp are",
    "m = clamp(m + grad, None)\nparam -= lr * betas[0] * m": "r.py:2: clamp without a bound",
    "m = m + grad * param.shape[lr]\nparam -= lr * betas[0] * m": (
        "r.py:2: cannot read param.shape[lr]; write param.shape[0]"
    ),
    "m, param = m + grad\nparam -= lr * betas[0] * m": "r.py:2: cannot unpack m + grad to 2 names",
}


@pytest.mark.parametrize("text", BODIES)
def test_a_fault_of_the_body_is_told(text: str) -> None:
    found = faults(body(text))
    assert any(fault.startswith(BODIES[text]) for fault in found), found


HEADS = {
    "def r(param, grad, m, *, lr=1e-3)": "r.py:1: the state 'm' has no initial value",
    "def r(param, grad, m=zeroes, *, lr=1e-3)": (
        "r.py:1: unknown initial value 'zeroes' of the state 'm'; did you mean 'zeros'?"
    ),
    "def r(param, grad, m=[1], *, lr=1e-3)": "r.py:1: cannot read the initial value of",
    "def r(param, grad, m=zeros, *, lr)": (
        "r.py:1: the hyperparameter 'lr' has no default; write lr=0.1, with a value of yours"
    ),
    "def r(param, grad, m=zeros, *, lr='a')": "r.py:1: cannot read the default of 'lr': 'a'",
    "def r(param, grad, m=zeros, *, lr=-1.0)": (
        "r.py:1: the default -1.0 of 'lr' is out of its range; change the default or the range"
    ),
    "def r(param, grad, m=zeros, *, lr=1.0, momentum=1.0)": (
        "r.py:1: the default 1.0 of 'momentum' is out of its range"
    ),
    "def r(param, grad, m=zeros, *, lr: 0 <= x < 1 = 0.5)": "r.py:1: cannot read the range of",
    "def r(param, grad, m=zeros, *, lr: 1 < lr < lr = 0.5)": "r.py:1: cannot read the range of",
    "def r(param, grad, foreach=zeros, *, lr=1e-3)": (
        "r.py:1: the name 'foreach' is reserved; choose another"
    ),
    "def r(param, grad, m=zeros, *, lr=1e-3, maximize=False)": (
        "r.py:1: the name 'maximize' is reserved; choose another"
    ),
    "def r(param, grad, *m, lr=1e-3)": (
        "r.py:1: 'm' collects arguments, which a rule can't; name each one"
    ),
    "def r(param, grad, m=zeros)": "r.py:1: no hyperparameter 'lr'; add lr=1e-3",
    "def r(grad, param, *, lr=1e-3)": "r.py: no function of this file begins with (param, grad)",
}


@pytest.mark.parametrize("head", HEADS)
def test_a_fault_of_the_head_is_told(head: str) -> None:
    found = faults(f"{head}:\n    m = 0.9 * m + grad\n    param -= 0.1 * m\n")
    assert any(fault.startswith(HEADS[head]) for fault in found), found


GOOD = "def {}(param, grad, *, lr=1e-3):\n    param -= lr * {}\n\n"
FILES = {
    "": "r.py: no function of this file begins with (param, grad)",
    "def r(": "r.py:1: not Python: '(' was never closed; mend the syntax",
    "x = 1\n" + GOOD.format("r", "grad"): "r.py:1: only functions stand in a rule file, not: x = 1",
    "import os\n" + GOOD.format("r", "grad"): "r.py:1: 'import os' can't be imported here",
    GOOD.format("a", "grad")
    + GOOD.format("b", "grad"): ("r.py: several rules: a, b; say which one: r.py:a"),
    GOOD.format("a", "grad") * 2: "r.py:4: 'a' is defined twice; rename one of the two",
    "def h(x):\n    return trch.sign(x)\n\n"
    + GOOD.format("r", "h(grad)"): (
        "r.py:2: unknown name 'trch' in the helper h; did you mean 'torch'?"
    ),
    "def h(x):\n    x /= x.norm()\n    return x\n\n"
    + GOOD.format("r", "h(grad)"): (
        "r.py:2: the helper h changes its argument 'x' in place; make a new tensor: x = ..."
    ),
    "def h(x):\n    return x.sign_()\n\n"
    + GOOD.format("r", "h(grad)"): (
        "r.py:2: the helper h changes its argument 'x' in place; make a new tensor: x = ..."
    ),
    "@torch.no_grad()\n"
    + GOOD.format("r", "grad"): (
        "r.py:1: the only decorator of a rule is @when(param.ndim >= 2); remove the others"
    ),
    "@when(grad.ndim > 1)\n"
    + GOOD.format("r", "grad")
    + GOOD.format("s", "grad"): ("r.py:1: cannot decide by grad.ndim > 1"),
    "@when(ndim > 1)\n" + GOOD.format("r", "grad"): "",
    "@when(ndim > 1)\n"
    + GOOD.format("r", "grad")
    + "@when(ndim < 1)\n"
    + GOOD.format("s", "grad"): ("r.py:6: no function serves the parameters that fulfil no @when"),
    GOOD.format("r", "grad")
    + "def to_eval(param, *, lr=1e-3):\n    param = lr * param\n": (
        "r.py:4: to_eval without to_train; write to_train, which takes it back"
    ),
    "@when(ndim > 1)\n"
    + GOOD.format("r", "grad")
    + "def s(param, grad, *, lr=2.0):\n    param -= lr * grad\n": (
        "r.py:5: 'lr' has another default or range than in line 2; make them the same"
    ),
    "@when(ndim > 1)\n"
    "def r(param, grad, m=scalar(0.0), *, lr=1e-3):\n"
    "    m = m + 1\n    param -= lr * m * grad\n"
    "def s(param, grad, m=zeros, *, lr=1e-3):\n    m = m + grad\n    param -= lr * m\n": (
        "r.py:5: the state 'm' is a number here and a tensor elsewhere; take two names"
    ),
    "def prepare(param, grad, *, lr=1e-3):\n    param = lr * grad\n\n"
    + GOOD.format("r", "grad"): (
        "r.py:2: prepare assigns to param; param changes in the rule only"
    ),
    "def prepare(param, grad):\n    n = total(grad)\n\n"
    + GOOD.format("r", "n * grad"): (
        "r.py:2: total sums one number of each parameter: total(grad); write total(sum(x))"
    ),
    "def prepare(param, grad, m=zeros):\n    n = total(sum(grad))\n    m = m + n * grad\n\n"
    + GOOD.format("r", "grad"): "",
}


@pytest.mark.parametrize("text", [text for text in FILES if FILES[text]])
def test_a_fault_of_the_file_is_told(text: str) -> None:
    found = faults(text)
    assert any(fault.startswith(FILES[text]) for fault in found), found


def test_weight_decay_twice_on_one_way_is_told() -> None:
    head = "def r(param, grad, *, lr=1e-3, weight_decay=0.1, decoupled=True):\n"
    twice = (
        "    grad = grad + weight_decay * param\n    param -= lr * grad + weight_decay * param\n"
    )
    either = (
        "    if decoupled:\n        param *= 1 - lr * weight_decay\n"
        "    else:\n        grad = grad + weight_decay * param\n    param -= lr * grad\n"
    )
    (fault,) = [each for each in faults(head + twice) if "weight_decay" in each]
    assert fault.startswith("r.py:3: weight_decay is applied twice; keep one of the two")
    assert read_rule(head + either, "r.py").name == "r"


def test_all_faults_are_told_at_once() -> None:
    text = "def r(param, grad, m=zeroes, *, lr=-1.0, betas=(0.9, 2.0)):\n    param -= lr * gard\n"
    found = faults(text)
    assert len(found) >= 4
    assert len(found) == len(set(found))


def test_an_unknown_function_of_the_file_is_guessed() -> None:
    text = GOOD.format("adam", "grad") + GOOD.format("lion", "grad")
    assert faults(text, "lino") == ["r.py: no function 'lino'; did you mean 'lion'?"]
    assert read_rule(text, "r.py", "lion").name == "lion"


@pytest.mark.parametrize("nul", ["\0", "(" * 5000, "x = " + "-" * 100_000 + "1"])
def test_what_no_parser_takes_is_told(nul: str) -> None:
    assert faults(nul)[0].startswith("r.py")
