"""The classes of the golden rules: what is written, and the tests that are written with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import black
import pytest
import torch
from support.compiled import compile_rule, run_own_tests, write_out
from torch import Tensor

GOLDEN = Path(__file__).parents[2] / "golden" / "rules"
RULES = {path.relative_to(GOLDEN).as_posix(): path for path in sorted(GOLDEN.rglob("*.py"))}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all of them."""
    folder = tmp_path_factory.mktemp("rules")
    for name, path in RULES.items():
        write_out(path.read_text(), folder, name.removesuffix(".py").replace("/", "_"))
    return folder


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.slow
def test_all_pass_their_own_tests(written: Path) -> None:
    done = run_own_tests(written)
    assert done.returncode == 0, done.stdout[-6000:]


def test_black_and_ruff_leave_them(written: Path) -> None:
    for path in written.glob("*.py"):
        text = path.read_text()
        assert black.format_str(text, mode=black.Mode(line_length=88)) == text, path.name
    common = ["--isolated", "--no-cache", "--line-length=88"]
    run("ruff", "check", *common, "--select=E,F,W,I,UP,B", ".", cwd=written)
    run("ruff", "format", "--check", *common, ".", cwd=written)


@pytest.mark.slow
def test_mypy_is_content(written: Path) -> None:
    """Strictly, but for what users' own helpers return."""
    files = [path.name for path in sorted(written.glob("*.py"))]
    options = ["--strict", "--no-warn-return-any", "--cache-dir=/dev/null"]
    run("mypy", *options, *files, cwd=written)


def test_the_rule_is_the_reference_in_the_docstring() -> None:
    text = (
        'def f(param, grad, *, lr=0.1):\n    """Says \\"hi\\" \\\\ to """\n    param -= lr * grad\n'
    )
    assert "Says" in (sys.modules[compile_rule(text).__module__].__doc__ or "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('    """A "quoted" word."""', 'A "quoted" word.'),
        ("    r'''Raw \\d and \"\"\" in it.'''", "Raw \\d and ''' in it."),
        ('    """Ends in a backslash \\\\"""', "Ends in a backslash \\"),
        ('    """' + "long " * 40 + '"""', "long long"),
        ("    'ends with a quote\"'", 'ends with a quote"'),
    ],
)
def test_docstring_survives_quotes_backslashes_and_length(text: str, lines: str) -> None:
    made = compile_rule(f"def f(param, grad, *, lr=0.1):\n{text}\n    param -= lr * grad\n")
    assert lines in (made.__doc__ or "")


INITIAL = """
def f(
    param, grad, a=zeros, b=ones, c=0.25, d=param, e=grad, f=zeros_rows, g=zeros_cols,
    h=scalar(0.5), *, lr=0.1
):
    a += grad
    b += grad
    c += grad
    d += grad
    e += grad
    f += mean_rows(grad)
    g += mean_cols(grad)
    h += 1
    param -= lr * (a + b + c + d + e + f + g + h)
"""


@pytest.mark.parametrize("maximize", [False, True])
def test_states_begin_as_the_rule_says(maximize: bool) -> None:
    param = torch.full((2, 3), 4.0, requires_grad=True)
    param.grad = torch.full((2, 3), 2.0)
    optimizer = compile_rule(INITIAL)([param], maximize=maximize)  # type: ignore[call-arg]
    optimizer.step()
    grad = -2.0 if maximize else 2.0
    state = optimizer.state[param]
    starts = {"a": 0.0, "b": 1.0, "c": 0.25, "d": 4.0, "e": grad}
    for name, start in starts.items():
        assert torch.equal(state[name], torch.full((2, 3), start + grad)), name
    assert state["f"].shape == (2, 1) and state["g"].shape == (1, 3)
    assert state["h"].dtype == torch.float64 and state["h"] == 1.5


def test_constants_of_complex_parameters_are_in_both_parts() -> None:
    text = "def f(param, grad, v=0.5, *, lr=0.1):\n    v += grad * grad\n    param -= lr * v\n"
    param = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
    param.grad = torch.zeros(2, dtype=torch.complex64)
    optimizer = compile_rule(text)([param])  # type: ignore[call-arg]
    optimizer.step()
    assert torch.equal(optimizer.state[param]["v"], torch.full((2,), 0.5 + 0.5j))


@pytest.mark.parametrize("shape", [(), (0,), (3,)])
def test_rows_and_columns_need_matrices(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no update serves a parameter of shape"):
        compile_rule(INITIAL)([torch.zeros(shape)])  # type: ignore[call-arg]


SWAP = """
def f(param, grad, a=1.0, b=2.0, *, lr=0.1):
    a, b = b, a
    param -= lr * (a - b) * grad
"""


@pytest.mark.parametrize("differentiable", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_states_that_change_places(compiled: bool, differentiable: bool) -> None:
    param = torch.zeros(2)
    param.grad = torch.ones(2)
    options = {"differentiable": differentiable}
    optimizer = compile_rule(SWAP)([param], **options)  # type: ignore[call-arg]
    step = torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step
    for expected in ((2.0, 1.0), (1.0, 2.0)):
        step()
        state = optimizer.state[param]
        assert (state["a"][0], state["b"][0]) == expected


def test_a_kept_gradient_is_the_optimizers_own() -> None:
    """Under differentiable=True too, where new state is not copied into the old."""
    text = "def f(param, grad, last=zeros, *, lr=0.1):\n"
    text += "    param -= lr * (grad - last)\n    last = grad\n"
    param = torch.zeros(2)
    grad = torch.ones(2)
    param.grad = grad
    optimizer = compile_rule(text)([param], differentiable=True)  # type: ignore[call-arg]
    optimizer.step()
    grad.zero_()
    assert torch.equal(optimizer.state[param]["last"], torch.ones(2))


def test_small_decay_is_not_lost_in_half_precision_parameters() -> None:
    """Decay and step are added in float32 and rounded once."""
    text = "def f(param, grad, *, lr=0.1, weight_decay=0.0):\n"
    text += "    param *= 1 - lr * weight_decay\n    param -= lr * grad\n"
    param = torch.ones(1, dtype=torch.bfloat16)
    param.grad = torch.full((1,), 0.02, dtype=torch.bfloat16)
    optimizer = compile_rule(text)([param], weight_decay=0.02)  # type: ignore[call-arg]
    optimizer.step()
    expected = (1 - 0.1 * 0.02) - 0.1 * param.grad.float()
    assert torch.equal(param, expected.to(torch.bfloat16))


def test_shared_numbers_reach_all_groups_and_a_checkpoint() -> None:
    made = compile_rule(RULES["prodigy.py"].read_text())

    def build(params: list[Tensor]) -> torch.optim.Optimizer:
        return made([{"params": [p]} for p in params])  # type: ignore[call-arg]

    params = [torch.ones(3), torch.ones(2)]
    optimizer = build(params)
    for _ in range(3):
        for param in params:
            param.grad = param.clone()
        optimizer.step()
    found = {group["d"] for group in optimizer.param_groups}
    assert len(found) == 1 and found != {1e-6}
    loaded = build([p.clone() for p in params])
    loaded.load_state_dict(optimizer.state_dict())
    assert {group["d"] for group in loaded.param_groups} == found


@pytest.mark.parametrize("name", ["muon.py", "adafactor.py", "prodigy.py", "lamb.py"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_step_equals_eager_step(name: str) -> None:
    """Of rules with shapes, helpers or shared numbers; the others test it themselves."""
    made = compile_rule(RULES[name].read_text())
    torch._dynamo.reset()
    results = []
    for is_compiled in (False, True):
        generator = torch.Generator().manual_seed(0)
        sizes = ((4, 3), (5,), (3, 3))
        params = [torch.randn(s, generator=generator, dtype=torch.float64) for s in sizes]
        optimizer = made(params, lr=0.1)  # type: ignore[call-arg]
        step = torch.compile(optimizer.step, backend="eager") if is_compiled else optimizer.step
        for _ in range(4):
            for param in params:
                param.grad = torch.randn(param.shape, generator=generator, dtype=param.dtype)
            step()
        results.append(params)
    torch.testing.assert_close(*results)


def test_shared_numbers_exclude_differentiable() -> None:
    made = compile_rule(RULES["prodigy.py"].read_text())
    with pytest.raises(RuntimeError, match="differentiable"):
        made([torch.ones(2)], differentiable=True)  # type: ignore[call-arg]
