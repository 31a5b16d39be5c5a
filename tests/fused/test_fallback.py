"""What the kernels can't serve is done by foreach, and a warning says once why."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.fused import Package, copies, largest_difference, needs_compiler, some_params
from torch import Tensor
from torch.nn import Parameter


def steps_as_foreach(adamw: Package, params: list[Parameter]) -> bool:
    """Make two steps both ways and compare; whether the kernel was used."""
    theirs = copies(params)
    fused = adamw.optimizer(params, lr=1e-2, fused=True)
    foreach = adamw.optimizer(theirs, lr=1e-2, foreach=True)
    for _ in range(2):
        fused.step()
        foreach.step()
    assert largest_difference(params, theirs) <= 1e-6
    return bool(adamw.calls)


def test_without_a_compiler(
    adamw: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.warns(RuntimeWarning, match=r"no C\+\+ compiler .* foreach") as told:
        assert not steps_as_foreach(adamw, some_params((5,), (2, 3)))
    assert len(told) == 1


def test_a_compiler_that_fails(
    adamw: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cc").write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then exit 0; fi\necho "fatal error: no cmath" >&2\n'
        "exit 1\n"
    )
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("CXX", str(tmp_path / "cc"))
    with pytest.warns(RuntimeWarning, match="can't build fused_update.cpp: fatal error: no cmath"):
        assert not steps_as_foreach(adamw, some_params((5,)))


@needs_compiler
def test_a_folder_that_is_none(
    adamw: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="TORCH_EXTENSIONS_DIR may help"):
        assert not steps_as_foreach(adamw, some_params((5,)))


def channels_last(*shape: int) -> Parameter:
    p = Parameter(torch.randn(shape).to(memory_format=torch.channels_last))
    p.grad = torch.randn_like(p)
    return p


def transposed() -> Parameter:
    p = Parameter(torch.randn(4, 6).t())
    p.grad = torch.randn_like(p)
    return p


LAYOUTS: dict[str, Callable[[], Parameter]] = {
    "channels_last": lambda: channels_last(2, 3, 4, 5),
    "channels_last, one channel": lambda: channels_last(2, 1, 4, 5),
    "transposed": transposed,
}


@needs_compiler
@pytest.mark.filterwarnings("error:fused=True")
@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
def test_dense_layouts_are_served(adamw: Package, make: Callable[[], Parameter]) -> None:
    p = make()
    assert steps_as_foreach(adamw, [*some_params((3, 4)), p])
    assert p.grad is not None and p.stride() == p.grad.stride()


def with_grad(p: Tensor, grad: Tensor) -> Parameter:
    made = Parameter(p)
    made.grad = grad
    return made


NOT_SERVED: dict[str, tuple[Callable[[], Parameter], str]] = {
    "gradient transposed": (lambda: with_grad(torch.ones(4, 6), torch.ones(6, 4).t()), "layout"),
    "gradient expanded": (
        lambda: with_grad(torch.ones(4, 6), torch.ones(1, 1).expand(4, 6)),
        "layout",
    ),
    "with gaps": (lambda: with_grad(torch.ones(4, 6)[:, ::2], torch.ones(4, 6)[:, ::2]), "gaps"),
    "float16": (lambda: with_grad(torch.ones(4).half(), torch.ones(4).half()), "float32"),
    "negated view": (
        lambda: with_grad(torch.ones(4), torch._neg_view(torch.ones(4))),
        "negated",
    ),
}


@needs_compiler
@pytest.mark.parametrize(("make", "reason"), NOT_SERVED.values(), ids=NOT_SERVED)
def test_others_are_not(adamw: Package, make: Callable[[], Parameter], reason: str) -> None:
    with pytest.warns(RuntimeWarning, match=reason) as told:
        assert not steps_as_foreach(adamw, [*some_params((3, 4)), make()])
    assert len([w for w in told if "fused=True" in str(w.message)]) == 1


@needs_compiler
def test_a_state_of_another_size_is_never_written_past(adamw: Package) -> None:
    (p,) = some_params((8,))
    optimizer = adamw.optimizer([p], fused=True)
    optimizer.step()
    optimizer.state[p]["exp_avg"] = torch.zeros(3)
    with pytest.warns(RuntimeWarning, match="another shape"), pytest.raises(RuntimeError):
        optimizer.step()
    assert len(adamw.calls) == 1


class Tagged(Tensor):
    """A tensor whose operations may mean something else."""


@needs_compiler
def test_a_subclass_is_left_to_torch(adamw: Package) -> None:
    p = Parameter(torch.ones(4).as_subclass(Tagged))
    p.grad = torch.ones(4)
    with pytest.warns(RuntimeWarning, match="class of its own"):
        adamw.optimizer([p], fused=True).step()
    assert not adamw.calls and not p.equal(torch.ones(4))


def test_meta_tensors_have_no_kernel(adamw: Package) -> None:
    p = Parameter(torch.ones(4, device="meta"))
    p.grad = torch.ones(4, device="meta")
    with pytest.warns(RuntimeWarning, match="no kernel for meta"):
        adamw.optimizer([p], fused=True).step()


@needs_compiler
def test_each_dtype_gets_its_own_kernel(adamw: Package) -> None:
    params = [
        *some_params((5,), (3, 4)),
        *some_params((7,), dtype=torch.float64),
        *some_params((6,), dtype=torch.bfloat16),
        *some_params((2, 2)),
    ]
    theirs = copies(params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adamw.optimizer(params, fused=True).step()
    adamw.optimizer(theirs, foreach=False).step()
    assert len(adamw.calls) == 3
    for a, b in zip(params, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_without_gradients_nothing_is_built_or_said(adamw: Package) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adamw.optimizer([Parameter(torch.ones(3))], fused=True).step()
    assert adamw.kernels._library.cache_info().currsize == 0
