"""The optimizer Lion, by its update rule:

    def lion(
        param, grad, exp_avg=zeros, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0
    ):
        '''Lion (arXiv:2302.06675).'''
        param *= 1 - lr * weight_decay
        param -= lr * sign(lerp(exp_avg, grad, 1 - betas[0]))
        exp_avg = lerp(exp_avg, grad, 1 - betas[1])

`_single_tensor_update` is the rule in place, `_foreach_update` the same over lists of
tensors, `_functional_update` the rule with new values only: for `differentiable=True`,
torch.compile and the tests, which hold the three against each other. A change belongs
in all of them.
"""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import (
    Optimizer,
    ParamsT,
    _default_to_fused_or_foreach,
    _use_grad_for_differentiable,
)

FLAGS = {"foreach": None, "maximize": False, "differentiable": False}

# What a group may hold beside the options: names, and what schedulers keep there.
GROUP_KEYS = {
    "params",
    "param_names",
    "name",
    "initial_lr",
    "max_lr",
    "min_lr",
    "base_momentum",
    "max_momentum",
    "swa_lr",
    "lr_scale",
}


def _single_tensor_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    *,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
) -> None:
    """Update parameters and state in place, one parameter at a time."""
    beta1, beta2 = betas
    for param, grad, exp_avg in zip(params, grads, exp_avgs, strict=True):
        param.mul_(1 - lr * weight_decay)
        update = exp_avg.lerp(grad, 1 - beta1).sign_()
        param.add_(update, alpha=-lr)
        exp_avg.lerp_(grad, 1 - beta2)


def _foreach_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    *,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
) -> None:
    """Do the same for lists of tensors, with one kernel for many parameters.

    All tensors are on one device and of one dtype.
    """
    beta1, beta2 = betas
    torch._foreach_mul_(params, 1 - lr * weight_decay)
    updates = torch._foreach_lerp(exp_avgs, grads, 1 - beta1)
    torch._foreach_sign_(updates)
    torch._foreach_add_(params, updates, alpha=-lr)
    torch._foreach_lerp_(exp_avgs, grads, 1 - beta2)


def _functional_update(
    param: Tensor,
    grad: Tensor,
    exp_avg: Tensor,
    *,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
) -> tuple[Tensor, ...]:
    """The rule as it was given: every assignment makes a new tensor."""
    beta1, beta2 = betas
    param = param * (1 - lr * weight_decay)
    param = param - lr * torch.sign(torch.lerp(exp_avg, grad, 1 - beta1))
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta2)
    return param, exp_avg


class Lion(Optimizer):
    """Lion (arXiv:2302.06675).

    params: tensors, (name, tensor) pairs, or dicts of which each is a group with
        options of its own.
    lr: learning rate; a float, or a 1-element tensor, which a compiled step can
        follow without compiling again.
    betas, weight_decay: as in the rule at the top of the file.
    foreach: one kernel for many tensors; None decides as torch does, by the device.
    maximize: go up the gradient.
    differentiable: let autograd pass through the step. Slower; excludes foreach.

    The state of bfloat16 and float16 parameters is kept in float32. Raises ValueError
    for an option out of range, also in a group, and for a key of a group that is no
    option.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "betas": betas,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        _check_options(defaults)
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, with the defaults for what it does not say.

        Raises ValueError for a bad value, for an unknown key, which torch would keep
        and ignore, and for a parameter that stands in the group twice, which torch
        would update twice per step.
        """
        options = {**self.defaults, **param_group}
        if unknown := options.keys() - self.defaults.keys() - GROUP_KEYS:
            raise ValueError(
                f"unknown keys in a parameter group: {', '.join(sorted(unknown))}; "
                f"the options are {', '.join(sorted(self.defaults))}"
            )
        _check_options(options)
        super().add_param_group(param_group)
        if len(param_group["params"]) != len(set(param_group["params"])):
            self.param_groups.pop()
            raise ValueError("a parameter group with duplicate parameters")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; what an older checkpoint or pickle lacks gets its default."""
        super().__setstate__(state)
        for flag, value in FLAGS.items():
            self.defaults.setdefault(flag, value)
        for group in self.param_groups:
            for option, value in self.defaults.items():
                group.setdefault(option, value)
            for p in group["params"]:
                p_state = self.state.get(p, {})
                if p_state and not isinstance(p_state["step"], Tensor):
                    p_state["step"] = _step_count(p_state["step"])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict without loss of precision.

        torch casts state to the dtype of its parameter, and so would round float32
        moments to bfloat16 (pytorch/pytorch#75224).
        """
        loaded: dict[str, Any] = {}

        def remember(optimizer: Optimizer, state_dict: dict[str, Any]) -> None:
            loaded.update(state_dict)

        def restore(optimizer: Optimizer) -> None:
            saved_ids = chain(*(group["params"] for group in loaded["param_groups"]))
            params = chain(*(group["params"] for group in self.param_groups))
            for saved_id, p in zip(saved_ids, params, strict=True):
                dtype = _state_dtype(p)
                if dtype == p.dtype:
                    continue
                for key, value in loaded["state"].get(saved_id, {}).items():
                    if key != "step" and torch.is_tensor(value):
                        self.state[p][key] = value.to(device=p.device, dtype=dtype)

        # Last before and first after the load: other hooks may change what is loaded,
        # and those that follow see the state as it stays.
        handles = (
            self.register_load_state_dict_pre_hook(remember),
            self.register_load_state_dict_post_hook(restore, prepend=True),
        )
        try:
            super().load_state_dict(state_dict)
        finally:
            for handle in handles:
                handle.remove()

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; return the loss of closure.

        closure computes the gradients anew and returns the loss; it is called once.
        Raises RuntimeError for a sparse gradient.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        params: list[Tensor] = []
        grads: list[Tensor] = []
        exp_avgs: list[Tensor] = []
        state_steps: list[Tensor] = []
        self._init_group(
            group,
            params,
            grads,
            exp_avgs,
            state_steps,
        )
        if not params:
            return

        differentiable = group["differentiable"]
        lr = group["lr"]
        if isinstance(lr, Tensor):
            lr = lr.squeeze()
        if not differentiable:
            lr = _get_value(lr)
        options: dict[str, Any] = {
            "lr": lr,
            "betas": group["betas"],
            "weight_decay": group["weight_decay"],
        }
        # A tensor: a number would be wrapped anew for each of the steps.
        torch._foreach_add_(state_steps, torch.ones((), device="cpu"), alpha=1)
        grads = [
            grad.resolve_conj().to(_state_dtype(p))
            for p, grad in zip(params, grads, strict=True)
        ]
        if group["maximize"]:
            grads = [-grad for grad in grads]
        grads = [_as_real(grad) for grad in grads]

        # The compiler needs tensors for numbers, and autograd the old values.
        if differentiable or torch.compiler.is_compiling():
            for i, p in enumerate(params):
                new_param, *new_values = _functional_update(
                    _as_real(p).to(grads[i].dtype, copy=True),
                    grads[i],
                    _as_real(exp_avgs[i]),
                    **options,
                )
                olds = {
                    "exp_avg": exp_avgs[i],
                }
                news = [
                    _as_stored(value, old).clone()
                    for value, old in zip(new_values, olds.values(), strict=True)
                ]
                p.copy_(_as_stored(new_param, p))
                for (name, old), new in zip(olds.items(), news, strict=True):
                    if differentiable:
                        self.state[p][name] = new
                    else:
                        old.copy_(new)
            return

        foreach = group["foreach"]
        if foreach is None:
            _, foreach = _default_to_fused_or_foreach(params, differentiable)
        update = _foreach_update if foreach else _single_tensor_update
        # The parameters; of those in half precision, copies.
        values = [
            _as_real(p).to(grad.dtype) for p, grad in zip(params, grads, strict=True)
        ]
        tensors: Any = [
            values,
            grads,
            [_as_real(x) for x in exp_avgs],
        ]
        kinds: dict[Any, Any] = self._group_tensors_by_device_and_dtype(
            tensors, with_indices=True
        )
        for (kind_params, kind_grads, kind_exp_avgs), _ in kinds.values():
            update(kind_params, kind_grads, kind_exp_avgs, **options)
        for p, value in zip(params, values, strict=True):
            if p.dtype != _state_dtype(p):
                p.copy_(value)

    def _init_group(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        exp_avgs: list[Tensor],
        state_steps: list[Tensor],
    ) -> None:
        """Gather the parameters that have a gradient; make state on the first step.

        torch.compile runs this method, known by its name, outside of the graph: it
        must only fill the lists, with parameters, gradients and state as they are.
        """
        for p in group["params"]:
            if p.grad is None:
                continue
            if p.grad.is_sparse:
                raise RuntimeError(
                    f"{type(self).__name__} does not support sparse gradients"
                )
            state = self.state[p]
            if len(state) == 0:
                state["step"] = _step_count(0)
                state["exp_avg"] = torch.zeros_like(p, dtype=_state_dtype(p))
            params.append(p)
            grads.append(p.grad)
            exp_avgs.append(state["exp_avg"])
            state_steps.append(state["step"])


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise for options out of range, NaN included, or at odds with each other."""
    lr = options["lr"]
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")
    betas = options["betas"]
    if len(betas) != 2:
        raise ValueError("betas must have 2 entries")
    for index, value in enumerate(betas):
        if not 0.0 <= value < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {value}")
    weight_decay = options["weight_decay"]
    if not 0.0 <= weight_decay:
        raise ValueError(f"Invalid weight_decay value: {weight_decay}")
    if options["foreach"] and options["differentiable"]:
        raise RuntimeError("`foreach` does not support `differentiable`")


def _state_dtype(p: Tensor) -> torch.dtype:
    """At least float32: small changes of an average are lost in 8 bits."""
    return torch.promote_types(p.dtype, torch.float32)


def _step_count(value: float) -> Tensor:
    """A step count as torch keeps it: 0-dim, on the CPU, whatever the parameter."""
    dtype = torch.promote_types(torch.get_default_dtype(), torch.float32)
    return torch.tensor(float(value), dtype=dtype, device="cpu")


def _get_value(x: Any) -> Any:
    """The number in a 1-element tensor; torch.compile needs the tensor itself."""
    if isinstance(x, Tensor) and not torch.compiler.is_compiling():
        return x.item()
    return x


def _as_real(x: Tensor) -> Tensor:
    """Real and imaginary parts are updated as two numbers."""
    return torch.view_as_real(x) if torch.is_complex(x) else x


def _as_stored(value: Any, old: Tensor) -> Tensor:
    """A new value in the form of the old: complex, in half precision, or a number."""
    if torch.is_complex(old):
        return torch.view_as_complex(value.contiguous())
    return torch.as_tensor(value, dtype=old.dtype, device=old.device)
