"""A second opinion on the classes of rules: what torch's own optimizer tests ask of a class.

The wheel carries the descriptions that they run on, `common_optimizers`, but not the tests.
"""

from __future__ import annotations

import inspect
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from support.compiled import compile_rule
from torch import Tensor

pytest.importorskip("expecttest", reason="torch.testing._internal imports it")

from torch.testing._internal import common_optimizers as upstream

RULES = Path(__file__).parents[2] / "golden" / "rules"


def lion_inputs(device: str, dtype: torch.dtype | None = None) -> list[Any]:
    """As upstream has them for SGD with momentum."""
    return [
        upstream.OptimizerInput(params=None, kwargs=kwargs, desc=str(kwargs))
        for kwargs in (
            {},
            {"lr": 0.01},
            {"lr": torch.tensor(0.001)},
            {"weight_decay": 0.1},
            {"weight_decay": 0.1, "maximize": True},
            {"betas": (0.95, 0.98), "lr": 1e-3},
        )
    ]


def lion_errors(device: str, dtype: torch.dtype) -> list[Any]:
    wrong = upstream.OptimizerInput(
        params=None, kwargs={"lr": 1e-2, "betas": (1.0, 0.0)}, desc="beta1 should be under 1"
    )
    return [
        *upstream.get_error_inputs_for_all_optims(device, dtype),
        upstream.ErrorOptimizerInput(
            wrong, error_type=ValueError, error_regex="Invalid beta parameter at index 0: 1.0"
        ),
    ]


INFOS = {
    "adamw": ("AdamW", upstream.optim_inputs_func_adamw, upstream.optim_error_inputs_func_adam),
    "lion": ("Lion", lion_inputs, lion_errors),
    "nadam": ("NAdam", upstream.optim_inputs_func_nadam, upstream.get_error_inputs_for_all_optims),
    "radam": ("RAdam", upstream.optim_inputs_func_radam, upstream.get_error_inputs_for_all_optims),
}


def info_of(rule: str) -> Any:
    name, inputs, errors = INFOS[rule]
    return upstream.OptimizerInfo(
        compile_rule((RULES / f"{rule}.py").read_text(), class_name=name),
        optim_inputs_func=inputs,
        optim_error_inputs_func=errors,
        supported_impls=("foreach", "differentiable"),
    )


def configurations(info: Any) -> list[Any]:
    known = inspect.signature(info.optim_cls).parameters.keys()
    found = [
        each
        for each in info.optim_inputs_func(device="cpu", dtype=torch.float64)
        if each.kwargs.keys() <= known
    ]
    assert len(found) >= 4
    return found


def trained(optim_cls: Any, kwargs: dict[str, Any], n_steps: int, dtype: torch.dtype) -> Any:
    """As upstream's tests train: a matrix and a vector on a fixed input."""
    generator = torch.Generator().manual_seed(0)
    weight, bias, data = (
        torch.randn(size, generator=generator, dtype=dtype) for size in ((10, 5), (10,), (5,))
    )
    params: list[Tensor] = [weight.requires_grad_(), bias.requires_grad_()]
    lr = kwargs.get("lr")
    own_lr = {"lr": lr.clone()} if isinstance(lr, Tensor) else {}
    optimizer = optim_cls(params, **{**kwargs, **own_lr})
    losses = []
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = (weight.mv(data) + bias).abs().square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return optimizer, losses, params


@pytest.mark.parametrize("rule", INFOS)
def test_errors(rule: str) -> None:
    info = info_of(rule)
    for error in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        made = error.optimizer_error_input
        if made.kwargs.keys() - inspect.signature(info.optim_cls).parameters.keys():
            continue  # an option of the fused or capturable ones
        if "capturable=False" in error.error_regex or "both Tensors" in error.error_regex:
            continue  # a tensor for lr is taken over lists too, and for betas it is no option
        params = made.params or [torch.nn.Parameter(torch.ones(1))]
        if error.error_type is UserWarning:
            with pytest.warns(UserWarning), pytest.raises(ValueError, match="duplicate"):
                info.optim_cls(params, **made.kwargs)
            continue
        with pytest.raises(error.error_type, match=error.error_regex):
            info.optim_cls(params, **made.kwargs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("rule", INFOS)
def test_directions_and_paths(rule: str, dtype: torch.dtype) -> None:
    info = info_of(rule)
    for each in configurations(info):
        _, losses, params = trained(info.optim_cls, {**each.kwargs, "foreach": False}, 20, dtype)
        rose = losses[-1] > losses[0]
        assert rose is bool(each.kwargs.get("maximize")), each.desc
        *_, others = trained(info.optim_cls, {**each.kwargs, "foreach": True}, 20, dtype)
        torch.testing.assert_close(others, params)


@pytest.mark.parametrize("rule", ["adamw", "nadam", "radam"])
def test_each_configuration_is_torchs(rule: str) -> None:
    info = info_of(rule)
    for each in configurations(info):
        *_, params = trained(info.optim_cls, {**each.kwargs, "foreach": True}, 20, torch.float64)
        *_, theirs = trained(getattr(torch.optim, INFOS[rule][0]), each.kwargs, 20, torch.float64)
        torch.testing.assert_close(params, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rule", INFOS)
def test_old_and_loaded_state_dicts(rule: str) -> None:
    """`can_load_older_state_dict` and `save_load_equality_with_weights_only`."""
    info = info_of(rule)
    flags = upstream._get_optim_inputs_including_global_cliquey_kwargs
    for each in flags("cpu", torch.float64, info, skip=("differentiable",)):
        if each.kwargs.keys() - inspect.signature(info.optim_cls).parameters.keys():
            continue
        optimizer, *_ = trained(info.optim_cls, each.kwargs, 3, torch.float64)
        file = io.BytesIO()
        torch.save(optimizer.state_dict(), file)
        file.seek(0)
        loaded = torch.load(file, weights_only=True)
        assert str(loaded) == str(optimizer.state_dict())
        for group in loaded["param_groups"]:
            for flag in info.not_og_supported_flags:
                group.pop(flag, None)
        other, *_ = trained(info.optim_cls, each.kwargs, 1, torch.float64)
        other.load_state_dict(loaded)
        torch.testing.assert_close(
            other.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0
        )
        other.step()
