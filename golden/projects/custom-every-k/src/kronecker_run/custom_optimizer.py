"""The optimizer Shampoo.

It is Shampoo: a preconditioner of Kronecker factors, renewed every k steps.
`_accumulate` is done at every step and costs a product of matrices; `_inverse_root`
is the costly part, done every `precondition_every_steps`. `_direction` uses what was
computed last. Another method of this kind differs in these three.
"""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor
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


def _accumulate(factor: Tensor, matrix: Tensor, *, decay: float) -> None:
    """Average the products of the rows of matrix in factor, in place."""
    factor.lerp_(matrix @ matrix.T, 1 - decay)


def _inverse_root(factor: Tensor, order: int, *, damping: float) -> Tensor:
    """The factor to the power -1 / order.

    Eigenvalues below damping times the largest are lifted to it. The identity for a
    factor of zeros. Raises RuntimeError for one that is not finite.
    """
    if not torch.isfinite(factor).all():
        raise RuntimeError("a gradient was not finite, and is in a factor now")
    values, vectors = torch.linalg.eigh(factor)
    largest = values[-1]
    if largest <= 0:
        return torch.eye(len(factor), dtype=factor.dtype, device=factor.device)
    powers = values.clamp(min=damping * largest) ** (-1 / order)
    root: Tensor = (vectors * powers) @ vectors.T
    return root


def _direction(exp_avg: Tensor, adam: Tensor, roots: Mapping[str, Tensor]) -> Tensor:
    """The preconditioned average of the gradient, as long as the update of Adam.

    Algorithm 1 of Gupta et al. 2018 (arXiv:1802.09568); its length is grafted from
    Adam as in Anil et al. 2020 (arXiv:2002.09018). roots holds those of the sides
    that have one; without any, the update of Adam itself.
    """
    if not roots:
        return adam
    direction = _as_matrix(exp_avg)
    if "left" in roots:
        direction = roots["left"] @ direction
    if "right" in roots:
        direction = direction @ roots["right"]
    tiny = torch.finfo(direction.dtype).tiny
    scale = adam.norm() / direction.norm().clamp(min=tiny)
    return direction.mul(scale).reshape(adam.shape)


class Shampoo(Optimizer):
    """Shampoo with the step lengths of Adam and decoupled weight decay.

    params: tensors, (name, tensor) pairs, or dicts of which each is a group with
        options of its own.
    lr: learning rate; a float or a 1-element tensor.
    betas: decay rates, per step, of the averages of the gradient and of its products.
    eps: added to Adam's denominator, after the square root.
    damping: least eigenvalue of a factor under the root, as a share of the largest.
    weight_decay: share of a parameter that is taken off per step and unit of lr.
    precondition_every_steps: steps from one inverse root to the next.
    max_side: a longer side of a matrix is not preconditioned: the costly part grows
        with its cube, the memory with its square.
    maximize: go up the gradient.

    A parameter of more than two dimensions is a matrix of its first one by the rest;
    vectors and numbers are updated as by Adam. The state of bfloat16 and float16
    parameters is kept in float32. Raises ValueError for an option out of range, also
    in a group, and for a key of a group that is no option.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        damping: float = 1e-6,
        weight_decay: float = 0.0,
        precondition_every_steps: int = 10,
        max_side: int = 1024,
        *,
        maximize: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "damping": damping,
            "weight_decay": weight_decay,
            "precondition_every_steps": precondition_every_steps,
            "max_side": max_side,
            "maximize": maximize,
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
        # No option of this class: torch adds it.
        self.defaults.pop("differentiable", None)
        self.defaults.setdefault("maximize", False)
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

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; return the loss of closure.

        closure computes the gradients anew and returns the loss; it is called once.
        Raises RuntimeError for a sparse gradient, and when a root is due after a
        gradient that was not finite.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        params = [p for group in self.param_groups for p in group["params"]]
        if any(p.grad is not None and p.grad.is_sparse for p in params):
            raise RuntimeError(
                f"{type(self).__name__} does not support sparse gradients"
            )
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._step_parameter(p, p.grad, group)
        return loss

    def _step_parameter(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if len(state) == 0:
            state.update(_new_state(p, group["max_side"]))
        state["step"] += 1
        step = state["step"].item()
        # The gradient belongs to the caller and is only read.
        grad = _as_real(grad).to(_state_dtype(p))
        if group["maximize"]:
            grad = -grad

        lr = float(group["lr"])
        beta1, beta2 = group["betas"]
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = (exp_avg_sq / (1 - beta2**step)).sqrt_().add_(group["eps"])
        adam = exp_avg / (1 - beta1**step) / denom

        sides = [side for side in ("left", "right") if side in state]
        for side in sides:
            matrix = _as_matrix(grad)
            rows = matrix if side == "left" else matrix.T
            _accumulate(state[side], rows, decay=beta2)
            if (step - 1) % group["precondition_every_steps"] == 0:
                # Kept in the state: a resumed run goes on with the same ones.
                state[f"{side}_root"] = _inverse_root(
                    state[side], 2 * len(sides), damping=group["damping"]
                )
        roots = {side: state[f"{side}_root"] for side in sides}
        param = _as_real(p)
        param.mul_(1 - lr * group["weight_decay"])
        param.add_(_direction(exp_avg, adam, roots), alpha=-lr)


def _new_state(p: Tensor, max_side: int) -> dict[str, Tensor]:
    """Averages of zeros, and a factor for each side that is preconditioned."""
    real = _as_real(p)
    options: dict[str, Any] = {"dtype": _state_dtype(p), "device": p.device}
    state = {
        "step": _step_count(0),
        "exp_avg": torch.zeros_like(real, dtype=_state_dtype(p)),
        "exp_avg_sq": torch.zeros_like(real, dtype=_state_dtype(p)),
    }
    if real.ndim >= 2 and real.numel() > 0:
        for side, size in zip(("left", "right"), _as_matrix(real).shape, strict=True):
            # A single row or column has nothing to turn: its length is Adam's.
            if 1 < size <= max_side:
                state[side] = torch.zeros(size, size, **options)
                state[f"{side}_root"] = torch.eye(size, **options)
    return state


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise for options out of range, NaN included."""
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
    damping = options["damping"]
    if not 0.0 < damping:
        raise ValueError(f"Invalid damping value: {damping}")
    weight_decay = options["weight_decay"]
    if not 0.0 <= weight_decay:
        raise ValueError(f"Invalid weight_decay value: {weight_decay}")
    precondition_every_steps = options["precondition_every_steps"]
    if not 1 <= precondition_every_steps:
        raise ValueError(
            f"Invalid precondition_every_steps value: {precondition_every_steps}"
        )
    max_side = options["max_side"]
    if not 1 <= max_side:
        raise ValueError(f"Invalid max_side value: {max_side}")
    for name in ("precondition_every_steps", "max_side"):
        if not isinstance(options[name], int):
            raise ValueError(f"{name} must be a whole number: {options[name]}")


def _state_dtype(p: Tensor) -> torch.dtype:
    """At least float32: small changes of an average are lost in 8 bits."""
    return torch.promote_types(p.dtype.to_real(), torch.float32)


def _step_count(value: float) -> Tensor:
    """A step count as torch keeps it: 0-dim, on the CPU, whatever the parameter."""
    dtype = torch.promote_types(torch.get_default_dtype(), torch.float32)
    return torch.tensor(float(value), dtype=dtype, device="cpu")


def _as_real(x: Tensor) -> Tensor:
    return torch.view_as_real(x.resolve_conj()) if torch.is_complex(x) else x


def _as_matrix(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)
