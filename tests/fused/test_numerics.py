"""The kernels for the CPU compute what the rule says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.fused import (
    Package,
    copies,
    largest_difference,
    load_package,
    needs_compiler,
    some_params,
)
from support.random_rules import random_rule
from support.references import CASES, Case, Oracle, disagreement

from lightgen.problems import InputError
from lightgen.rules.fused.split import read_kernels
from lightgen.rules.reading.parse import read_rule

pytestmark = [needs_compiler, pytest.mark.filterwarnings("error:fused=True")]


def is_fusable(text: str) -> bool:
    try:
        read_kernels(read_rule(text, "rule.py"))
    except InputError:
        return False
    return True


FUSED = {name: case for name, case in CASES.items() if is_fusable(case.text)}
RULES = {case.text: case.rule for case in FUSED.values()}
RANDOM = [seed for seed in range(60) if is_fusable(random_rule(seed))]


@pytest.fixture(scope="module", params=RULES, ids=RULES.values())
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return load_package(request.param, tmp_path_factory.mktemp("rule"))


def test_is_its_reference(compiled: Package, request: pytest.FixtureRequest) -> None:
    text = request.node.callspec.params["compiled"]
    for case in (case for case in FUSED.values() if case.text == text):
        for dtype in case.dtypes:
            compiled.calls.clear()
            found = disagreement(
                case, dtype, lambda p, case=case: compiled.optimizer(p, fused=True, **case.options)
            )
            assert len(compiled.calls) >= 100, "the kernel was not used"
            assert found <= (case.float64 if dtype is torch.float64 else case.float32)


def test_most_of_the_rules_are_fused() -> None:
    names = {case.rule for case in FUSED.values()}
    assert {"sgd", "adam", "adamw", "amsgrad", "nadam", "radam", "rmsprop", "adagrad"} <= names
    assert {"adadelta", "lion", "adan", "ademamix", "adopt", "schedulefree_adamw"} <= names
    assert not names & {"lamb", "lars", "adafactor", "muon", "sphere", "stiefel", "sgd_clip"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", RANDOM)
def test_random_rules_are_what_they_say(seed: int, tmp_path: Path) -> None:
    text = random_rule(seed)
    case = Case("", {}, lambda params: Oracle(text, params), shapes=((4, 6), (3, 5), (2, 3, 4)))
    package = load_package(text, tmp_path)
    ours = trajectory_of(case, lambda p: package.optimizer(p, fused=True))
    theirs = trajectory_of(case, lambda p: Oracle(text, p))
    assert package.calls
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)


def trajectory_of(case: Case, make: object) -> list[torch.Tensor]:
    params = case.params(torch.float64)
    optimizer = make(params)  # type: ignore[operator]
    for grads, _ in zip(case.grads(torch.float64), range(4), strict=False):
        for p, grad in zip(params, grads, strict=True):
            p.grad = grad
        optimizer.step()
    return params


SHAPES = (40000,), (3, 5), (), (0,), (2, 3, 4, 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_is_the_single_tensor_step(adamw: Package, dtype: torch.dtype) -> None:
    ours = some_params(*SHAPES, dtype=dtype)
    theirs = copies(ours)
    fused = adamw.optimizer(ours, lr=1e-2, fused=True)
    single = adamw.optimizer(theirs, lr=1e-2, foreach=False)
    for _ in range(5):
        fused.step()
        single.step()
    assert adamw.calls == ["update"] * 5
    # One bit of the last place where the two round to bfloat16 at a tie.
    limit = {torch.float64: 1e-14, torch.float32: 1e-6, torch.bfloat16: 0.016}[dtype]
    assert largest_difference(ours, theirs) <= limit
    for p, q in zip(ours, theirs, strict=True):
        assert fused.state[p]["exp_avg"].dtype == single.state[q]["exp_avg"].dtype
        torch.testing.assert_close(fused.state[p]["exp_avg"], single.state[q]["exp_avg"])


def test_nan_and_infinities_come_out_as_in_eager_code(adamw: Package) -> None:
    ours = some_params((4096,))
    grad = ours[0].grad
    assert grad is not None
    for i, value in enumerate((torch.nan, torch.inf, -torch.inf, 0.0, 1e-42, 3e38)):
        grad[7 * i :: 64] = value
        ours[0].data[7 * i + 1 :: 64] = value
    theirs = copies(ours)
    adamw.optimizer(ours, fused=True).step()
    adamw.optimizer(theirs, foreach=False).step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6, equal_nan=True)
    assert ours[0].isnan().any() and ours[0].isinf().any()


def test_bfloat16_is_rounded_to_the_nearest(tmp_path: Path) -> None:
    text = "def plain(param, grad, *, lr=1.0):\n    param -= lr * grad\n"
    package = load_package(text, tmp_path)
    torch.manual_seed(0)
    p = torch.nn.Parameter(torch.randn(100_000).bfloat16())
    p.grad = (0.01 * torch.randn(100_000)).bfloat16()
    p.grad[:3] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    expected = (p.detach().float() - p.grad.float()).bfloat16()
    package.optimizer([p], fused=True).step()
    torch.testing.assert_close(p.detach(), expected, rtol=0, atol=0, equal_nan=True)


def test_functions_treat_nan_and_zero_as_torch_does(tmp_path: Path) -> None:
    text = """def odd(param, grad, *, lr=1.0):
    low = maximum(grad, 0.5 * param) + minimum(grad, param) + clamp(grad, -1, 1)
    part = where((grad > 0) & (param < 1), sign(grad), reciprocal(param))
    roots = rsqrt(abs(param) + 1) + param**2 + abs(grad) ** 0.5 + abs(grad) ** -1 + grad**3
    deep = sigmoid(param) + tanh(grad) + expm1(0.1 * param) + log1p(abs(grad)) + atan2(grad, param)
    waves = sin(grad) * cos(param) + floor(grad) + atan(param) + exp(-abs(grad)) - tan(0.1 * grad)
    param = lr * (low + part + roots + deep + waves + log(abs(param) + 2) ** 1.5)
"""
    package = load_package(text, tmp_path)
    values = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1.0, -2.5, 0.3])
    grid = torch.cartesian_prod(values, values).double()
    p = torch.nn.Parameter(grid[:, 0].contiguous())
    p.grad = grid[:, 1].contiguous()
    (twin,) = copies([p])
    package.optimizer([p], fused=True).step()
    package.optimizer([twin], foreach=False).step()
    assert package.calls
    torch.testing.assert_close(p, twin, rtol=1e-13, atol=1e-13, equal_nan=True)


def test_a_rule_with_names_of_cpp(tmp_path: Path) -> None:
    text = """def names(param, grad, double=zeros, *, lr=0.1, template=0.5, register=True):
    signed = template * grad
    begin = double + signed
    if register:
        new = begin * lr
    else:
        new = -begin
    auto = new + 1e-3 * param
    double = begin
    param -= auto
"""
    package = load_package(text, tmp_path)
    ours = some_params((50,))
    theirs = copies(ours)
    for register in (True, False):
        package.optimizer(ours, fused=True, register=register).step()
        package.optimizer(theirs, foreach=False, register=register).step()
    assert package.calls
    assert largest_difference(ours, theirs) <= 1e-6


def test_each_function_of_a_rule_has_a_kernel(tmp_path: Path) -> None:
    text = """@when(param.ndim >= 2)
def matrix(param, grad, momentum_buffer=zeros, *, lr=0.1, momentum=0.9):
    momentum_buffer = momentum * momentum_buffer + grad
    param -= lr * max(1, param.shape[0] / param.shape[1]) ** 0.5 * momentum_buffer


def rest(param, grad, seen=scalar(0.0), *, lr=0.1):
    seen += 1
    param -= lr / seen * sign(grad)
"""
    package = load_package(text, tmp_path)
    ours = some_params((6, 3), (5,), (2, 4), ())
    theirs = copies(ours)
    fused = package.optimizer(ours, fused=True)
    single = package.optimizer(theirs, foreach=False)
    for _ in range(3):
        fused.step()
        single.step()
    assert set(package.calls) == {"update_matrix", "update_rest"}
    assert largest_difference(ours, theirs) <= 1e-6
    assert fused.state[ours[1]]["seen"] == 3
