"""The optimizer SAM.

It is sharpness-aware minimization (SAM) around SGD with momentum. A step takes the
gradient twice: where the parameters are, and a little way up from there. `_climb` goes
up, `_descend` is the update by the second gradient; another method of two gradients
differs in these two.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import get_total_norm
from torch.optim.optimizer import Optimizer, ParamsT

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


def _climb(
    params: list[Tensor],
    grads: list[Tensor],
    *,
    grad_norm: float,
    rho: float,
) -> None:
    """Move parameters in place to where the second gradient is taken.

    Equation 2 of Foret et al. 2021 (arXiv:2010.01412), with p = 2. grad_norm is that
    of all parameters of all groups together.
    """
    torch._foreach_add_(params, grads, alpha=rho / (grad_norm + 1e-12))


def _descend(
    params: list[Tensor],
    grads: list[Tensor],
    momentum_buffers: list[Tensor],
    *,
    lr: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """Update parameters and buffers in place, as torch.optim.SGD does.

    grads are the second ones, the parameters are back where the step began. A
    gradient belongs to the caller and is only read.
    """
    if weight_decay != 0:
        grads = list(torch._foreach_add(grads, params, alpha=weight_decay))
    torch._foreach_mul_(momentum_buffers, momentum)
    torch._foreach_add_(momentum_buffers, grads)
    torch._foreach_add_(params, momentum_buffers, alpha=-lr)


@contextmanager
def running_statistics_kept(model: nn.Module) -> Iterator[None]:
    """Let batch norms normalize by the batch, but not count it once more.

    For the second pass: its parameters are never those of the model, and each batch
    counts once.
    """
    tracking = [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    for module in tracking:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True


class SAM(Optimizer):
    """SGD with momentum, by the gradient at the worst point nearby.

    params: tensors, (name, tensor) pairs, or dicts of which each is a group with
        options of its own.
    lr: learning rate; a float or a 1-element tensor.
    rho: how far up the second gradient is taken, as a distance in parameters.
    momentum: decay rate, per step, of the sum of past gradients.
    weight_decay: added to the second gradient, times the parameter.
    maximize: go up the gradient, and take the second one further down.

    `perturbed` is true while the second gradient is taken. The buffers of bfloat16
    and float16 parameters are kept in float32. Raises ValueError for an option out of
    range, also in a group, and for a key of a group that is no option.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.1,
        rho: float = 0.05,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "rho": rho,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        _check_options(defaults)
        super().__init__(params, defaults)
        self.perturbed = False

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
        # No option of this class: torch adds it.
        self.defaults.pop("differentiable", None)
        self.perturbed = False
        self.defaults.setdefault("maximize", False)
        for group in self.param_groups:
            for option, value in self.defaults.items():
                group.setdefault(option, value)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict without loss of precision.

        torch casts state to the dtype of its parameter, and so would round float32
        state to bfloat16 (pytorch/pytorch#75224).
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
                    if torch.is_tensor(value):
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

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; return the first loss.

        closure computes the gradients anew and returns the loss. It is called twice,
        with the same random numbers from torch, so that dropout drops the same. If
        the second call raises, the parameters are back where the step began.
        Raises RuntimeError without a closure and for a sparse gradient.
        """
        if closure is None:
            raise RuntimeError(
                f"{type(self).__name__} needs a closure: it takes the gradient twice"
            )
        with torch.enable_grad(), self._generators_rewound():
            loss = closure()
        origin = self._perturb()
        try:
            self.perturbed = True
            with torch.enable_grad():
                closure()
        finally:
            self.perturbed = False
            # Exactly: adding and subtracting would round.
            for p, value in origin:
                p.copy_(value)
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _perturb(self) -> list[tuple[Tensor, Tensor]]:
        """Go to where the second gradient is taken; return where parameters were."""
        parts = [(group, *_with_gradients(group)) for group in self.param_groups]
        grad_norm = float(get_total_norm([g for *_, grads in parts for g in grads]))
        origin = [(p, p.clone()) for _, params, _ in parts for p in params]
        for group, params, grads in parts:
            if params:
                params = [_as_real(p) for p in params]
                _climb(params, grads, grad_norm=grad_norm, rho=group["rho"])
        return origin

    def _step_group(self, group: dict[str, Any]) -> None:
        params, grads = _with_gradients(group)
        if not params:
            return
        momentum_buffers = []
        for p in params:
            state = self.state[p]
            if len(state) == 0:
                buffer = torch.zeros_like(_as_real(p), dtype=_state_dtype(p))
                state["momentum_buffer"] = buffer
            momentum_buffers.append(state["momentum_buffer"])
        _descend(
            [_as_real(p) for p in params],
            grads,
            momentum_buffers,
            lr=float(group["lr"]),
            momentum=group["momentum"],
            weight_decay=group["weight_decay"],
        )

    def _generators_rewound(self) -> AbstractContextManager[None]:
        """Rewind torch's random generators at the end."""
        devices = {p.device for group in self.param_groups for p in group["params"]}
        indices = sorted(device.index for device in devices if device.type != "cpu")
        return torch.random.fork_rng(indices)


def _with_gradients(group: Mapping[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """The parameters that have a gradient, and the gradients to go down.

    These are real and at least in float32.
    """
    params = [p for p in group["params"] if p.grad is not None]
    if any(p.grad.is_sparse for p in params):
        raise RuntimeError("SAM does not support sparse gradients")
    grads = [_as_real(p.grad).to(_state_dtype(p)) for p in params]
    return params, [-grad for grad in grads] if group["maximize"] else grads


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise for options out of range, NaN included."""
    lr = options["lr"]
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")
    rho = options["rho"]
    if not 0.0 < rho:
        raise ValueError(f"Invalid rho value: {rho}")
    momentum = options["momentum"]
    if not 0.0 <= momentum < 1.0:
        raise ValueError(f"Invalid momentum value: {momentum}")
    weight_decay = options["weight_decay"]
    if not 0.0 <= weight_decay:
        raise ValueError(f"Invalid weight_decay value: {weight_decay}")


def _state_dtype(p: Tensor) -> torch.dtype:
    """At least float32: small changes of a sum are lost in 8 bits."""
    return torch.promote_types(p.dtype.to_real(), torch.float32)


def _as_real(x: Tensor) -> Tensor:
    return torch.view_as_real(x.resolve_conj()) if torch.is_complex(x) else x
