"""The optimizer CustomOptimizer.

Its rule stands in `_single_tensor_update` and, over lists of tensors, once more in
`_foreach_update`. A change belongs in both: the tests hold the one against the other.
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
    exp_avg_sqs: list[Tensor],
    steps: list[float],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    differentiable: bool,
) -> None:
    """Update parameters and moments in place, one parameter at a time.

    Adam is algorithm 1 of Kingma & Ba 2015 (arXiv:1412.6980), the decay algorithm 2
    of Loshchilov & Hutter 2019 (arXiv:1711.05101), scaled by lr as torch does it.
    The tensors of one parameter share a shape; its step counts from 1. A gradient
    belongs to the caller and is only read.
    """
    beta1, beta2 = betas
    for param, grad, exp_avg, exp_avg_sq, step in zip(
        params, grads, exp_avgs, exp_avg_sqs, steps, strict=True
    ):
        if weight_decay != 0:
            param.mul_(1 - lr * weight_decay)

        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)

        denom = (exp_avg_sq.sqrt() / (1 - beta2**step) ** 0.5).add_(eps)
        step_size = lr / (1 - beta1**step)
        if differentiable:
            # A copy, for autograd: the next step writes into exp_avg.
            param.sub_(step_size * exp_avg.clone() / denom)
        else:
            param.addcdiv_(exp_avg, denom, value=-step_size)


def _foreach_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    steps: list[float],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """Do what `_single_tensor_update` does with one kernel for many parameters.

    All parameters are on one device and of one dtype.
    """
    beta1, beta2 = betas
    if weight_decay != 0:
        torch._foreach_mul_(params, 1 - lr * weight_decay)

    torch._foreach_lerp_(exp_avgs, grads, 1 - beta1)
    torch._foreach_mul_(exp_avg_sqs, beta2)
    torch._foreach_addcmul_(exp_avg_sqs, grads, grads, 1 - beta2)

    denoms = torch._foreach_sqrt(exp_avg_sqs)
    torch._foreach_div_(denoms, [(1 - beta2**step) ** 0.5 for step in steps])
    torch._foreach_add_(denoms, eps)
    # With lr = 0 the denominator is infinite, and the parameter stays.
    torch._foreach_div_(denoms, [-lr / (1 - beta1**step) for step in steps])
    torch._foreach_addcdiv_(params, exp_avgs, denoms)


class CustomOptimizer(Optimizer):
    """Adam with bias correction and decoupled weight decay.

    params: tensors, (name, tensor) pairs, or dicts of which each is a group with
        options of its own.
    lr: learning rate; a float, or a 1-element tensor, which a compiled step can
        follow without compiling again.
    betas: decay rates, per step, of the averages of the gradient and of its square.
    eps: added to the denominator, after the square root.
    weight_decay: share of a parameter that is taken off per step and unit of lr.
    foreach: one kernel for many tensors; None decides as torch does, by the device.
    maximize: go up the gradient.
    differentiable: let autograd pass through the step. Slower; excludes foreach.

    The moments of bfloat16 and float16 parameters are kept in float32. Raises
    ValueError for an option out of range, also in a group, and for a key of a group
    that is no option.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
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
        exp_avg_sqs: list[Tensor] = []
        state_steps: list[Tensor] = []
        self._init_group(group, params, grads, exp_avgs, exp_avg_sqs, state_steps)
        if not params:
            return

        differentiable = group["differentiable"]
        foreach = group["foreach"]
        if foreach is None:
            _, foreach = _default_to_fused_or_foreach(params, differentiable)

        lr = group["lr"]
        if isinstance(lr, Tensor):
            lr = lr.squeeze()
        if not differentiable:
            lr = _get_value(lr)
        options = {
            "lr": lr,
            "betas": group["betas"],
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
        }

        torch._foreach_add_(state_steps, 1)
        steps = [_get_value(step) for step in state_steps]
        grads = [
            grad.resolve_conj().to(exp_avg.dtype)
            for grad, exp_avg in zip(grads, exp_avgs, strict=True)
        ]
        if group["maximize"]:
            grads = [-grad for grad in grads]
        params, grads, exp_avgs, exp_avg_sqs = (
            [torch.view_as_real(t) if torch.is_complex(t) else t for t in same_role]
            for same_role in (params, grads, exp_avgs, exp_avg_sqs)
        )

        if not foreach:
            _single_tensor_update(
                params,
                grads,
                exp_avgs,
                exp_avg_sqs,
                steps,
                **options,
                differentiable=differentiable,
            )
            return
        tensors: Any = [params, grads, exp_avgs, exp_avg_sqs]
        kinds: dict[Any, Any] = self._group_tensors_by_device_and_dtype(
            tensors, with_indices=True
        )
        for (params, grads, exp_avgs, exp_avg_sqs), indices in kinds.values():
            kind_steps = [steps[i] for i in indices]
            _foreach_update(params, grads, exp_avgs, exp_avg_sqs, kind_steps, **options)

    def _init_group(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        exp_avgs: list[Tensor],
        exp_avg_sqs: list[Tensor],
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
                state["exp_avg_sq"] = torch.zeros_like(p, dtype=_state_dtype(p))
            params.append(p)
            grads.append(p.grad)
            exp_avgs.append(state["exp_avg"])
            exp_avg_sqs.append(state["exp_avg_sq"])
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
    eps = options["eps"]
    if not 0.0 <= eps:
        raise ValueError(f"Invalid epsilon value: {eps}")
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
