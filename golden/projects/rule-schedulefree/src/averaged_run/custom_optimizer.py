"""The optimizer SchedulefreeAdamw, by its update rule:

    def schedulefree_adamw(
        param,
        grad,
        z=param,
        exp_avg_sq=zeros,
        weight_sum=scalar(0.0),
        lr_max=scalar(0.0),
        *,
        lr=2.5e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        warmup_steps: 0 <= warmup_steps = 0,
        r=0.0,
        weight_lr_power=2.0,
    ):
        '''Schedule-Free AdamW (arXiv:2405.15682), Algorithm 1.

        In training param is y, the point of the gradients; in evaluation x, the average.
        '''
        beta1, beta2 = betas
        lr_now = lr
        if warmup_steps > 0:
            lr_now = lr * min(1, step / warmup_steps)
        lr_max = max(lr_max, lr_now)
        weight = step**r * lr_max**weight_lr_power
        weight_sum += weight
        c = where(weight_sum > 0, weight / weight_sum, 0)
        exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
        denom = sqrt(exp_avg_sq / (1 - beta2**step)) + eps
        update = grad / denom + weight_decay * param
        param = lerp(param, z, c) - lr_now * (1 - beta1 * (1 - c)) * update
        z -= lr_now * update


    def to_eval(param, z=param, *, betas=(0.9, 0.999)):
        '''From y to x.'''
        param = lerp(param, z, 1 - 1 / betas[0])


    def to_train(param, z=param, *, betas=(0.9, 0.999)):
        '''From x to y.'''
        param = lerp(param, z, 1 - betas[0])

`_single_tensor_update` is the rule in place, `_foreach_update` the same over lists of
tensors, `_functional_update` the rule with new values only: for `differentiable=True`,
torch.compile and the tests, which hold the three against each other. A change belongs
in all of them.
"""  # noqa: E501

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


# What is kept as one number per parameter, and how precisely.
NUMBERS = {
    "weight_sum": torch.float64,
    "lr_max": torch.float64,
}


def _single_tensor_update(
    params: list[Tensor],
    grads: list[Tensor],
    zs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    weight_sums: list[float],
    lr_maxs: list[float],
    steps: list[float],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    warmup_steps: float,
    r: float,
    weight_lr_power: float,
) -> None:
    """Update parameters and state in place, one parameter at a time."""
    beta1, beta2 = betas
    for i, (param, grad, z, exp_avg_sq, weight_sum, lr_max, step) in enumerate(
        zip(params, grads, zs, exp_avg_sqs, weight_sums, lr_maxs, steps, strict=True)
    ):
        lr_now = lr
        if warmup_steps > 0:
            lr_now = lr * min(1, step / warmup_steps)
        lr_max = max(lr_max, lr_now)
        lr_maxs[i] = lr_max
        weight = step**r * lr_max**weight_lr_power
        weight_sum = weight_sum + weight
        weight_sums[i] = weight_sum
        c = weight / weight_sum if weight_sum > 0 else 0
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = exp_avg_sq.div(1 - beta2**step).sqrt_().add_(eps)
        update = grad.div(denom).add_(param, alpha=weight_decay)
        param.lerp_(z, c).add_(update, alpha=-lr_now * (1 - beta1 * (1 - c)))
        z.add_(update, alpha=-lr_now)


def _foreach_update(
    params: list[Tensor],
    grads: list[Tensor],
    zs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    weight_sums: list[float],
    lr_maxs: list[float],
    steps: list[float],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    warmup_steps: float,
    r: float,
    weight_lr_power: float,
) -> None:
    """Do the same for lists of tensors, with one kernel for many parameters.

    All tensors are on one device and of one dtype.
    """
    beta1, beta2 = betas
    lr_now = lr
    if warmup_steps > 0:
        lr_nows = [lr * min(1, step / warmup_steps) for step in steps]
    else:
        lr_nows = [lr_now] * len(params)
    lr_maxs[:] = [
        max(lr_max, lr_now) for lr_max, lr_now in zip(lr_maxs, lr_nows, strict=True)
    ]
    weights = [
        step**r * lr_max**weight_lr_power
        for lr_max, step in zip(lr_maxs, steps, strict=True)
    ]
    weight_sums[:] = [
        weight_sum + weight
        for weight_sum, weight in zip(weight_sums, weights, strict=True)
    ]
    cs = [
        weight / weight_sum if weight_sum > 0 else 0
        for weight_sum, weight in zip(weight_sums, weights, strict=True)
    ]
    torch._foreach_mul_(exp_avg_sqs, beta2)
    torch._foreach_addcmul_(exp_avg_sqs, grads, grads, 1 - beta2)
    denoms = torch._foreach_div(exp_avg_sqs, [1 - beta2**step for step in steps])
    torch._foreach_sqrt_(denoms)
    torch._foreach_add_(denoms, eps)
    updates = torch._foreach_div(grads, denoms)
    torch._foreach_add_(updates, params, alpha=weight_decay)
    torch._foreach_lerp_(params, zs, cs)
    torch._foreach_add_(
        params,
        torch._foreach_mul(
            updates,
            [
                -lr_now * (1 - beta1 * (1 - c))
                for lr_now, c in zip(lr_nows, cs, strict=True)
            ],
        ),
    )
    torch._foreach_add_(
        zs, torch._foreach_mul(updates, [-lr_now for lr_now in lr_nows])
    )


def _functional_update(
    param: Tensor,
    grad: Tensor,
    z: Tensor,
    exp_avg_sq: Tensor,
    weight_sum: float,
    lr_max: float,
    step: float,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    warmup_steps: float,
    r: float,
    weight_lr_power: float,
) -> tuple[Any, ...]:
    """The rule as it was given: every assignment makes a new tensor."""
    beta1, beta2 = betas
    lr_now = lr
    if warmup_steps > 0:
        lr_now = lr * min(1, step / warmup_steps)
    lr_max = max(lr_max, lr_now)
    weight = step**r * lr_max**weight_lr_power
    weight_sum = weight_sum + weight
    c = weight / weight_sum if weight_sum > 0 else 0
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad * grad
    denom = torch.sqrt(exp_avg_sq / (1 - beta2**step)) + eps
    update = grad / denom + weight_decay * param
    param = torch.lerp(param, z, c) - lr_now * (1 - beta1 * (1 - c)) * update
    z = z - lr_now * update
    return param, z, exp_avg_sq, weight_sum, lr_max


def _to_eval(
    param: Tensor,
    z: Tensor,
    *,
    betas: tuple[float, float],
) -> Tensor:
    """The parameter that one evaluates with."""
    beta1, beta2 = betas
    param = torch.lerp(param, z, 1 - 1 / beta1)
    return param


def _to_train(
    param: Tensor,
    z: Tensor,
    *,
    betas: tuple[float, float],
) -> Tensor:
    """The parameter that one trains with."""
    beta1, beta2 = betas
    param = torch.lerp(param, z, 1 - beta1)
    return param


class SchedulefreeAdamw(Optimizer):
    """Schedule-Free AdamW (arXiv:2405.15682), Algorithm 1.

    In training param is y, the point of the gradients; in evaluation x, the average.

    params: tensors, (name, tensor) pairs, or dicts of which each is a group with
        options of its own.
    lr: learning rate; a float, or a 1-element tensor, which a compiled step can
        follow without compiling again.
    betas, eps, weight_decay, warmup_steps, r, weight_lr_power: as in the rule at the
        top of the file.
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
        lr: float | Tensor = 0.0025,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
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
            "warmup_steps": warmup_steps,
            "r": r,
            "weight_lr_power": weight_lr_power,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "train_mode": True,
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

        torch casts state to the dtype of its parameter: float32 state to bfloat16
        (pytorch/pytorch#75224), and every number kept as float64.
        """
        loaded: dict[str, Any] = {}

        def remember(optimizer: Optimizer, state_dict: dict[str, Any]) -> None:
            loaded.update(state_dict)

        def restore(optimizer: Optimizer) -> None:
            saved_ids = chain(*(group["params"] for group in loaded["param_groups"]))
            params = chain(*(group["params"] for group in self.param_groups))
            for saved_id, p in zip(saved_ids, params, strict=True):
                for key, value in loaded["state"].get(saved_id, {}).items():
                    if key in NUMBERS:
                        number = torch.as_tensor(value, dtype=NUMBERS[key])
                        self.state[p][key] = number.to("cpu", copy=True)
                    elif key != "step" and _state_dtype(p) != p.dtype:
                        self.state[p][key] = value.to(p.device, _state_dtype(p))

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
        if not all(group["train_mode"] for group in self.param_groups):
            raise RuntimeError(
                "step() in eval mode: call train() of the optimizer first"
            )
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        params: list[Tensor] = []
        grads: list[Tensor] = []
        zs: list[Tensor] = []
        exp_avg_sqs: list[Tensor] = []
        weight_sums: list[Any] = []
        lr_maxs: list[Any] = []
        state_steps: list[Tensor] = []
        self._init_group(
            group,
            params,
            grads,
            zs,
            exp_avg_sqs,
            weight_sums,
            lr_maxs,
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
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
            "warmup_steps": group["warmup_steps"],
            "r": group["r"],
            "weight_lr_power": group["weight_lr_power"],
        }
        # A tensor: a number would be wrapped anew for each of the steps.
        torch._foreach_add_(state_steps, torch.ones((), device="cpu"), alpha=1)
        steps = [_get_value(step) for step in state_steps]
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
                    _as_real(zs[i]),
                    _as_real(exp_avg_sqs[i]),
                    weight_sums[i].double(),
                    lr_maxs[i].double(),
                    steps[i],
                    **options,
                )
                olds = {
                    "z": zs[i],
                    "exp_avg_sq": exp_avg_sqs[i],
                    "weight_sum": weight_sums[i],
                    "lr_max": lr_maxs[i],
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
            [_as_real(x) for x in zs],
            [_as_real(x) for x in exp_avg_sqs],
        ]
        kinds: dict[Any, Any] = self._group_tensors_by_device_and_dtype(
            tensors, with_indices=True
        )
        for (
            kind_params,
            kind_grads,
            kind_zs,
            kind_exp_avg_sqs,
        ), indices in kinds.values():
            kind_weight_sums = [weight_sums[i].item() for i in indices]
            kind_lr_maxs = [lr_maxs[i].item() for i in indices]
            kind_steps = [steps[i] for i in indices]
            update(
                kind_params,
                kind_grads,
                kind_zs,
                kind_exp_avg_sqs,
                kind_weight_sums,
                kind_lr_maxs,
                kind_steps,
                **options,
            )
            for i, number in zip(indices, kind_weight_sums, strict=True):
                weight_sums[i].fill_(number)
            for i, number in zip(indices, kind_lr_maxs, strict=True):
                lr_maxs[i].fill_(number)
        for p, value in zip(params, values, strict=True):
            if p.dtype != _state_dtype(p):
                p.copy_(value)

    def _init_group(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        zs: list[Tensor],
        exp_avg_sqs: list[Tensor],
        weight_sums: list[Tensor],
        lr_maxs: list[Tensor],
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
                state["z"] = p.to(_state_dtype(p), copy=True)
                state["exp_avg_sq"] = torch.zeros_like(p, dtype=_state_dtype(p))
                state["weight_sum"] = torch.tensor(0.0, dtype=torch.float64)
                state["lr_max"] = torch.tensor(0.0, dtype=torch.float64)
            params.append(p)
            grads.append(p.grad)
            zs.append(state["z"])
            exp_avg_sqs.append(state["exp_avg_sq"])
            weight_sums.append(state["weight_sum"])
            lr_maxs.append(state["lr_max"])
            state_steps.append(state["step"])

    @torch.no_grad()
    def train(self) -> None:
        """Turn the parameters into those to train."""
        for group in self.param_groups:
            if group["train_mode"] is True:
                continue
            group["train_mode"] = True
            options = {
                "betas": group["betas"],
            }
            for p in group["params"]:
                state = self.state.get(p)
                if not state:
                    continue
                new_param = _to_train(
                    _as_real(p.to(_state_dtype(p))),
                    _as_real(state["z"]),
                    **options,
                )
                p.copy_(_as_stored(new_param, p))

    @torch.no_grad()
    def eval(self) -> None:
        """Turn the parameters into those to evaluate and save."""
        for group in self.param_groups:
            if group["train_mode"] is False:
                continue
            group["train_mode"] = False
            options = {
                "betas": group["betas"],
            }
            for p in group["params"]:
                state = self.state.get(p)
                if not state:
                    continue
                new_param = _to_eval(
                    _as_real(p.to(_state_dtype(p))),
                    _as_real(state["z"]),
                    **options,
                )
                p.copy_(_as_stored(new_param, p))


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
    warmup_steps = options["warmup_steps"]
    if not 0 <= warmup_steps:
        raise ValueError(f"Invalid warmup_steps value: {warmup_steps}")
    r = options["r"]
    if not -torch.inf < r < torch.inf:
        raise ValueError(f"Invalid r value: {r}")
    weight_lr_power = options["weight_lr_power"]
    if not -torch.inf < weight_lr_power < torch.inf:
        raise ValueError(f"Invalid weight_lr_power value: {weight_lr_power}")
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
