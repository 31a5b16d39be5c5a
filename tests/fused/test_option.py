"""The option `fused` of the class: conflicts, state, gradient scalers."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.fused import (
    ADAMW,
    Package,
    copies,
    largest_difference,
    load_package,
    needs_compiler,
    some_params,
    write_package,
)
from torch.nn import Parameter

pytestmark = [needs_compiler, pytest.mark.filterwarnings("error:fused=True")]


@pytest.mark.parametrize("other", ["foreach", "differentiable"])
def test_excludes(adamw: Package, other: str) -> None:
    with pytest.raises(RuntimeError, match=f"`fused` does not go with `{other}`"):
        adamw.optimizer(some_params((3,)), fused=True, **{other: True})
    with pytest.raises(RuntimeError, match=other):
        adamw.optimizer([{"params": some_params((3,)), other: True}], fused=True)


def test_belongs_to_a_group(adamw: Package) -> None:
    params = some_params((3,), (4,))
    groups = [{"params": params[:1], "fused": True}, {"params": params[1:]}]
    adamw.optimizer(groups).step()
    assert adamw.calls == ["update"]


def test_an_older_checkpoint_and_copies(adamw: Package) -> None:
    params = some_params((3,), (4, 2))
    optimizer = adamw.optimizer(params, fused=True)
    optimizer.step()
    older = optimizer.state_dict()
    for group in older["param_groups"]:
        del group["fused"]
    optimizer.load_state_dict(older)
    assert optimizer.param_groups[0]["fused"] is True
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin._step_supports_amp_scaling
        twin.step()
    plain = adamw.optimizer(params)
    assert not plain._step_supports_amp_scaling


def test_autograd_sees_that_the_parameter_changed(adamw: Package) -> None:
    p = Parameter(torch.ones(3))
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    adamw.optimizer([p], fused=True).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_gradients_are_only_read(adamw: Package) -> None:
    params = some_params((300,), (2, 3))
    before = [p.grad.clone() for p in params if p.grad is not None]
    adamw.optimizer(params, fused=True, maximize=True).step()
    assert largest_difference([p.grad for p in params if p.grad is not None], before) == 0


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
def test_complex_parameters(adamw: Package, dtype: torch.dtype) -> None:
    ours = some_params((5,), (2, 3), dtype=dtype)
    assert ours[0].grad is not None
    ours[0].grad = ours[0].grad.conj()
    theirs = copies(ours)
    for maximize in (False, True):
        adamw.optimizer(ours, fused=True, maximize=maximize).step()
        adamw.optimizer(theirs, foreach=False, maximize=maximize).step()
    assert adamw.calls == ["update"] * 2
    assert largest_difference(ours, theirs) <= 1e-6


def test_parameters_that_skip_steps_have_their_own_count(adamw: Package) -> None:
    ours = some_params((5,), (6,))
    theirs = copies(ours)
    fused = adamw.optimizer(ours, lr=0.1, fused=True)
    single = adamw.optimizer(theirs, lr=0.1, foreach=False)
    for t in range(6):
        for params in (ours, theirs):
            torch.manual_seed(t)
            for p in params:
                p.grad = torch.randn_like(p)
            if t in (0, 3):
                params[1].grad = None
        fused.step()
        single.step()
    assert [float(fused.state[p]["step"]) for p in ours] == [6, 4]
    assert largest_difference(ours, theirs) <= 1e-6


def test_a_tensor_as_learning_rate(adamw: Package) -> None:
    ours = some_params((5,))
    theirs = copies(ours)
    adamw.optimizer(ours, lr=torch.tensor([0.1]), fused=True).step()
    adamw.optimizer(theirs, lr=0.1, foreach=False).step()
    assert adamw.calls and largest_difference(ours, theirs) <= 1e-6


def scaled_step(optimizer: Any, scaler: Any, params: list[Parameter], bad: bool = False) -> None:
    """A backward pass of a loss whose gradients are known."""
    optimizer.zero_grad()
    loss = sum((p * torch.arange(1.0, 1 + p.numel())).sum() for p in params)
    scaler.scale(loss * (torch.inf if bad else 1.0)).backward()
    scaler.step(optimizer)
    scaler.update()


def test_under_a_gradient_scaler_it_is_torch(adamw: Package) -> None:
    ours, theirs = some_params((5,), (6,)), some_params((5,), (6,))
    options: dict[str, Any] = {"lr": 0.1, "fused": True}
    pairs = (adamw.optimizer(ours, **options), ours), (torch.optim.AdamW(theirs, **options), theirs)
    for optimizer, params in pairs:
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for t in range(5):
            scaled_step(optimizer, scaler, params, bad=t == 2)
        assert [float(optimizer.state[p]["step"]) for p in params] == [4, 4]
        assert scaler.get_scale() == 512
    assert adamw.calls == ["update"] * 4
    assert largest_difference(ours, theirs) <= 1e-6


def test_a_scaler_that_has_unscaled_leaves_nothing_to_divide(adamw: Package) -> None:
    ours, theirs = some_params((5,)), some_params((5,))
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    fused = adamw.optimizer(ours, lr=0.1, fused=True)
    scaler.scale((ours[0] * 3).sum()).backward()
    fused.zero_grad()
    scaler.scale((ours[0] * 3).sum()).backward()
    scaler.unscale_(fused)
    scaler.step(fused)
    theirs[0].grad = torch.full((5,), 3.0)
    adamw.optimizer(theirs, lr=0.1, foreach=False).step()
    assert largest_difference(ours, theirs) <= 1e-6


def test_what_is_not_served_is_unscaled_too(adamw: Package) -> None:
    ours = [Parameter(torch.ones(4, 6)[:, ::2])]
    theirs = [Parameter(torch.ones(4, 3))]
    with pytest.warns(RuntimeWarning, match="gaps"):
        fused = adamw.optimizer(ours, lr=0.1, fused=True)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        scaler.scale((ours[0] * 3).sum()).backward()
        scaler.step(fused)
    theirs[0].grad = torch.full((4, 3), 3.0)
    adamw.optimizer(theirs, lr=0.1, foreach=False).step()
    assert not adamw.calls and largest_difference(ours, theirs) <= 1e-6


def test_a_state_that_starts_as_the_gradient_is_unscaled(tmp_path: Path) -> None:
    text = """def differences(param, grad, previous=grad, *, lr=0.1):
    param -= lr * (grad + (grad - previous))
    previous = grad
"""
    package = load_package(text, tmp_path)
    ours, theirs = some_params((5,)), some_params((5,))
    fused = package.optimizer(ours, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for params, optimizer in ((ours, fused), (theirs, package.optimizer(theirs))):
        for factor in (1.0, 3.0):
            optimizer.zero_grad()
            loss = (params[0] * factor).sum()
            if optimizer is fused:
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            else:
                loss.backward()
                optimizer.step()
    assert package.calls and largest_difference(ours, theirs) <= 1e-6


def test_numbers_are_kept(tmp_path: Path) -> None:
    text = """def counted(param, grad, share=scalar(1.0), other=scalar(0.0), *, lr=0.1):
    share = share * 0.5
    other += step * share
    param -= lr * other * grad
"""
    package = load_package(text, tmp_path)
    ours = some_params((5,), (3,))
    theirs = copies(ours)
    fused = package.optimizer(ours, fused=True)
    single = package.optimizer(theirs, foreach=False)
    for _ in range(3):
        fused.step()
        single.step()
    assert package.calls and largest_difference(ours, theirs) <= 1e-6
    for p, q in zip(ours, theirs, strict=True):
        assert fused.state[p] == single.state[q]
        assert fused.state[p]["share"].dtype == torch.float64


def test_compiled_steps_take_the_functional_way(adamw: Package) -> None:
    ours = some_params((5,), (2, 3))
    theirs = copies(ours)
    fused = adamw.optimizer(ours, fused=True)
    torch.compile(fused.step, backend="eager")()
    adamw.optimizer(theirs, foreach=False).step()
    assert largest_difference(ours, theirs) <= 1e-6


def test_deleting_the_files_leaves_the_rest(tmp_path: Path) -> None:
    name, class_name = write_package(ADAMW, tmp_path)
    for path in (tmp_path / name).glob("fused_update*"):
        path.unlink()
    sys.path.insert(0, str(tmp_path))
    module = __import__(f"{name}.custom_optimizer", fromlist=[class_name])
    sys.path.remove(str(tmp_path))
    params = some_params((3,))
    before = params[0].detach().clone()
    getattr(module, class_name)(params).step()
    assert not params[0].equal(before)
