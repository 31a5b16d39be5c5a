"""The contract of CustomOptimizer, on the CPU.

Defaults are read from the optimizer, so a new default needs no change here. A new
update rule needs one: in `reference`, the rule written out slowly.
"""

import copy
import inspect
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer, lr_scheduler
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from two_run.custom_optimizer import CustomOptimizer

# Just beyond each end of each range; for a tuple, of each of its entries.
OUT_OF_RANGE: list[tuple[str, float]] = [
    ("lr", -1.0),
    ("betas", -1.0),
    ("betas", 1.0),
    ("eps", -1.0),
    ("weight_decay", -1.0),
]

# The defaults, and other values.
OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1},
]

both_paths = pytest.mark.parametrize("foreach", [False, True])


def build(params: Any, **options: Any) -> Optimizer:
    return CustomOptimizer(params, **options)


def make_params(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """A matrix, a transposed matrix, a vector, a scalar and an empty vector."""
    generator = torch.Generator().manual_seed(0)
    shapes: list[tuple[int, ...]] = [(3, 4), (2, 3), (5,), (), (0,)]
    params = [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]
    params[1] = params[1].transpose(0, -1)
    return [param.requires_grad_() for param in params]


def make_grads(params: list[Tensor], n_steps: int, seed: int = 1) -> list[list[Tensor]]:
    """A gradient per parameter, for each step."""
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in params]
        for _ in range(n_steps)
    ]


def run(optimizer: Optimizer, n_steps: int = 5, seed: int = 1) -> None:
    """Step n_steps times, with random gradients."""
    params = all_params(optimizer)
    for grads in make_grads(params, n_steps, seed):
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad
        optimizer.step()


def all_params(optimizer: Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def clone(params: list[Tensor]) -> list[Tensor]:
    return [param.detach().clone().requires_grad_() for param in params]


def assert_same(left: list[Tensor], right: list[Tensor]) -> None:
    """Bit by bit."""
    torch.testing.assert_close(left, right, rtol=0, atol=0)


def assert_same_state(left: Optimizer, right: Optimizer) -> None:
    """Bit by bit, dtypes and keys included."""
    torch.testing.assert_close(
        left.state_dict()["state"], right.state_dict()["state"], rtol=0, atol=0
    )


def save_and_load(state_dict: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


# The update


def reference(
    params: list[Tensor], steps_grads: list[list[Tensor]], group: dict[str, Any]
) -> list[Tensor]:
    """The parameters after all steps: the update rule in its textbook form."""
    beta1, beta2 = group["betas"]
    results = []
    for i, start in enumerate(params):
        param = start.detach().clone()
        m = torch.zeros_like(param)
        v = torch.zeros_like(param)
        for t, grads in enumerate(steps_grads, start=1):
            grad = -grads[i] if group["maximize"] else grads[i]
            param = param - group["lr"] * group["weight_decay"] * param
            m = beta1 * m + (1 - beta1) * grad
            v = beta2 * v + (1 - beta2) * grad**2
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            param = param - group["lr"] * m_hat / (v_hat.sqrt() + group["eps"])
        results.append(param)
    return results


@both_paths
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_update_equals_reference(
    options: dict[str, Any], maximize: bool, foreach: bool
) -> None:
    """The one test that changes with the update: edit `reference` and OPTIONS."""
    params = make_params()
    optimizer = build(params, **options, maximize=maximize, foreach=foreach)
    expected = reference(params, make_grads(params, 20), optimizer.param_groups[0])
    run(optimizer, 20)
    torch.testing.assert_close(params, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_foreach_equals_for_loop(options: dict[str, Any], maximize: bool) -> None:
    """Also when some parameters are a step behind."""
    dtypes = (torch.float64, torch.float32, torch.complex128, torch.bfloat16)
    results = []
    for foreach in (False, True):
        params = [param for dtype in dtypes for param in make_params(dtype)]
        optimizer = build(params, **options, maximize=maximize, foreach=foreach)
        for param in params[::2]:
            param.grad = torch.ones_like(param)
        optimizer.step()
        run(optimizer)
        results.append((params, optimizer.state_dict()["state"]))
    torch.testing.assert_close(*results)


@both_paths
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_goes_in_the_right_direction(
    maximize: bool, scheduled: bool, contiguous: bool, foreach: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(10, 5, generator=generator)
    if not contiguous:
        weight = torch.stack([weight, weight], dim=-1)[..., 0]
    weight.requires_grad_()
    bias = torch.randn(10, generator=generator).requires_grad_()
    inputs = torch.randn(5, generator=generator)
    optimizer = build([weight, bias], lr=0.01, maximize=maximize, foreach=foreach)
    step_lr = lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.9)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)

    def closure() -> float:
        optimizer.zero_grad()
        loss = (weight.mv(inputs) + bias).square().sum()
        torch.autograd.backward(loss)
        return loss.item()

    first = closure()
    for _ in range(20):
        loss = optimizer.step(closure)
        if scheduled:
            step_lr.step()
            plateau.step(loss)
    last = closure()
    assert last > first if maximize else last < first


@both_paths
@pytest.mark.parametrize("options", [*OPTIONS, {"lr": 0.1}, {"maximize": True}])
def test_groups_have_their_own_options(options: dict[str, Any], foreach: bool) -> None:
    """Each goes on like in an optimizer of its own."""
    together, alone = ((make_params(), make_params()) for _ in range(2))
    groups = [{"params": together[0]}, {"params": together[1], **options}]
    optimizers = [
        build(groups, foreach=foreach),
        build(alone[0], foreach=foreach),
        build(alone[1], foreach=foreach, **options),
    ]
    for seed in range(5):
        (grads,) = make_grads(alone[0], 1, seed)
        for params in (*together, *alone):
            for param, grad in zip(params, grads, strict=True):
                param.grad = grad
        for optimizer in optimizers:
            optimizer.step()
    for params, expected in zip(together, alone, strict=True):
        torch.testing.assert_close(params, expected)


@both_paths
def test_weight_decay_of_a_group_shrinks_its_parameters(foreach: bool) -> None:
    decayed, plain = (torch.ones(3, requires_grad=True) for _ in range(2))
    groups = [{"params": [decayed], "weight_decay": 0.5}, {"params": [plain]}]
    optimizer = build(groups, lr=0.01, weight_decay=0.0, foreach=foreach)
    for param in (decayed, plain):
        param.grad = torch.zeros(3)
    for _ in range(3):
        optimizer.step()
    assert ((decayed > 0) & (decayed < 1)).all()
    assert torch.equal(plain, torch.ones(3))


@both_paths
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_tensor_lr_equals_float_lr(shape: tuple[int, ...], foreach: bool) -> None:
    lr = torch.full(shape, 0.1, dtype=torch.float64)
    results = []
    for value in (0.1, lr):
        params = make_params()
        optimizer = build(params, lr=value, weight_decay=0.1, foreach=foreach)
        scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        for seed in range(3):
            run(optimizer, 1, seed)
            scheduler.step()
        results.append(params)
    torch.testing.assert_close(*results)
    assert optimizer.param_groups[0]["lr"] is lr


@both_paths
def test_complex_parameter_equals_its_real_and_imaginary_parts(foreach: bool) -> None:
    params = make_params(torch.complex128)
    parts = [torch.view_as_real(p.detach()).clone().requires_grad_() for p in params]
    optimizer = build(params, foreach=foreach)
    parts_optimizer = build(parts, foreach=foreach)
    for grads in make_grads(params, 5):
        for param, part, grad in zip(params, parts, grads, strict=True):
            param.grad, part.grad = grad, torch.view_as_real(grad)
        optimizer.step()
        parts_optimizer.step()
    torch.testing.assert_close([torch.view_as_real(p) for p in params], parts)


def test_complex_gradient_may_be_a_lazy_conjugate() -> None:
    param = torch.ones(3, dtype=torch.complex64, requires_grad=True)
    torch.autograd.backward((param.conj() * (1 + 2j)).sum().abs())
    assert param.grad is not None and param.grad.is_conj()
    optimizer = build([param], lr=0.1)
    for _ in range(2):
        optimizer.step()
    assert not torch.equal(param, torch.ones_like(param))


@both_paths
def test_parameters_without_gradient_are_left_alone(foreach: bool) -> None:
    params = make_params()
    before = clone(params)
    optimizer = build(params, weight_decay=0.1, foreach=foreach)
    optimizer.step()
    assert_same(params, before)
    assert not optimizer.state

    params[0].grad = torch.ones_like(params[0])
    optimizer.step()
    assert_same(params[1:], before[1:])
    assert list(optimizer.state) == [params[0]]


@both_paths
def test_zero_gradients_change_nothing(foreach: bool) -> None:
    params = make_params()
    before = clone(params)
    optimizer = build(params, weight_decay=0.0, foreach=foreach)
    for param in params:
        param.grad = torch.zeros_like(param)
    optimizer.step()
    assert_same(params, before)


@both_paths
def test_zero_lr_makes_the_state_and_nothing_else(foreach: bool) -> None:
    """Distributed checkpoints make the state this way before they load it."""
    params = make_params()
    before = clone(params)
    optimizer = build(params, lr=0.0, weight_decay=0.1, foreach=foreach)
    for param in params:
        param.grad = torch.zeros_like(param)
    optimizer.step()
    assert_same(params, before)
    assert all(optimizer.state[param] for param in params)


@both_paths
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64, torch.bfloat16])
def test_gradients_are_only_read(
    dtype: torch.dtype, maximize: bool, foreach: bool
) -> None:
    params = make_params(dtype)
    optimizer = build(params, weight_decay=0.1, maximize=maximize, foreach=foreach)
    for grads in make_grads(params, 3):
        before = [grad.clone() for grad in grads]
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad
        optimizer.step()
        for param, grad in zip(params, grads, strict=True):
            assert param.grad is grad
        assert_same(grads, before)


def test_autograd_notices_the_update() -> None:
    param = make_params()[0]
    loss = param.square().sum()
    run(build([param]), 2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(loss)


@both_paths
def test_memory_format_of_the_parameter_is_kept(foreach: bool) -> None:
    param = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    optimizer = build([param.requires_grad_()], foreach=foreach)
    run(optimizer)
    assert param.is_contiguous(memory_format=torch.channels_last)
    for value in optimizer.state[param].values():
        assert value.ndim == 0 or value.stride() == param.stride()


def test_closure_is_called_once_a_step_with_gradients_on() -> None:
    param = make_params()[0]
    (before,) = clone([param])
    optimizer = build([param], lr=0.1)
    calls = []

    def closure() -> float:
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = param.square().sum()
        torch.autograd.backward(loss)
        return loss.item()

    with torch.no_grad():
        losses = [optimizer.step(closure) for _ in range(2)]
    assert calls == [True, True]
    assert losses[0] == before.square().sum()
    assert not torch.equal(param, before)


def test_step_without_closure_returns_none() -> None:
    assert build(make_params()).step() is None


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


# torch's compiler imports deprecated parts of torch.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.usefixtures("float64_by_default")
@both_paths
@pytest.mark.parametrize("lr", [0.1, [0.1]])
def test_compiled_step_equals_eager_step(
    lr: float | list[float], foreach: bool
) -> None:
    eager, compiled = make_params(), make_params()
    run(build(eager, lr=0.1, weight_decay=0.1, foreach=foreach))
    optimizer = build(
        compiled,
        lr=torch.tensor(lr) if isinstance(lr, list) else lr,
        weight_decay=0.1,
        foreach=foreach,
    )
    step = torch.compile(optimizer.step, backend="eager")
    for grads in make_grads(compiled, 5):
        for param, grad in zip(compiled, grads, strict=True):
            param.grad = grad
        step()
    torch.testing.assert_close(compiled, eager)


def test_differentiable_step_passes_gradcheck() -> None:
    # States of a run fit together. The step has another lr, lest a maximum of the two
    # have no derivative.
    values = torch.linspace(0.5, 1.5, 4, dtype=torch.float64)
    start = values.clone().requires_grad_()
    optimizer = build([start], lr=0.1, weight_decay=0.1)
    for scale in (1.0, 1.2):
        start.grad = scale * values
        optimizer.step()
    (state,) = optimizer.state.values()
    names = [name for name, value in state.items() if value.dtype == torch.float64]

    def one_step(param: Tensor, grad: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        param = param.clone()
        param.grad = grad
        new_state = {name: value.clone() for name, value in state.items()}
        for name, value in zip(names, values, strict=True):
            new_state[name] = value.clone()
        optimizer = build([param], lr=0.05, weight_decay=0.1, differentiable=True)
        optimizer.state[param] = new_state
        optimizer.step()
        return param, *(new_state[name] for name in names)

    inputs = [start, values, *(state[name] for name in names)]
    inputs = [value.detach().clone().requires_grad_() for value in inputs]
    # Near zero the second derivative of a square root is large.
    assert torch.autograd.gradcheck(one_step, inputs, eps=1e-8)


def test_differentiable_steps_pass_gradients_to_the_learning_rate() -> None:
    grads = make_grads([torch.zeros(4, dtype=torch.float64)], 3)

    def three_steps(start: Tensor, lr: Tensor) -> Tensor:
        param = start.clone()
        optimizer = build([param], lr=lr, differentiable=True)
        for (grad,) in grads:
            param.grad = grad
            optimizer.step()
        return param

    start = torch.ones(4, dtype=torch.float64, requires_grad=True)
    lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(three_steps, (start, lr))


# Errors


def replaced(default: Any, bad: float) -> list[Any]:
    """The default with bad in its place, or in the place of each of its entries."""
    if not isinstance(default, tuple):
        return [bad]
    return [(*default[:i], bad, *default[i + 1 :]) for i in range(len(default))]


def bad_options() -> Iterator[dict[str, Any]]:
    optimizer = build(make_params())
    options = inspect.signature(type(optimizer)).parameters
    defaults = {k: v for k, v in optimizer.defaults.items() if k in options}
    for name, bad in OUT_OF_RANGE:
        for value in replaced(defaults[name], bad):
            yield {name: value}
    for name, default in defaults.items():
        if isinstance(default, int | float | tuple) and not isinstance(default, bool):
            for value in replaced(default, float("nan")):
                yield {name: value}
        if isinstance(default, tuple):
            yield {name: default[1:]}


@pytest.mark.parametrize("options", list(bad_options()), ids=str)
def test_bad_values_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        build(make_params(), **options)
    with pytest.raises(ValueError):
        build([{"params": make_params(), **options}])
    optimizer = build(make_params())
    with pytest.raises(ValueError):
        build([{"params": make_params(), **optimizer.defaults}], **options)
    with pytest.raises(ValueError):
        optimizer.add_param_group({"params": make_params(), **options})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("options", [{"lr": torch.tensor([0.1, 0.1])}])
def test_tensor_lr_of_many_elements_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        build(make_params(), **options)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        build([{"params": make_params(), **options}])


def test_misspelt_key_of_a_group_is_refused() -> None:
    groups = [{"params": make_params(), "learning_rate": 0.1}]
    with pytest.raises(ValueError, match="learning_rate; the options are .*lr"):
        build(groups)
    optimizer = build(make_params())
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.add_param_group(groups[0])
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    "make_scheduler",
    [
        lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=9),
        lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.01, 0.1),
        lambda optimizer: torch.optim.swa_utils.SWALR(optimizer, 0.1),
    ],
)
def test_group_may_be_named_and_hold_what_schedulers_keep(
    make_scheduler: Callable[[Optimizer], lr_scheduler.LRScheduler],
) -> None:
    optimizer = build([{"params": make_params(), "name": "first"}])
    scheduler = make_scheduler(optimizer)
    run(optimizer, 1)
    scheduler.step()
    group = {**optimizer.param_groups[0], "params": make_params(), "name": "second"}
    optimizer.add_param_group(group)
    run(optimizer, 1)
    assert [group["name"] for group in optimizer.param_groups] == ["first", "second"]


def test_parameters_that_are_no_list_of_tensors_are_refused() -> None:
    param = make_params()[0]
    with pytest.raises(TypeError, match="iterable of Tensors or dicts"):
        build(param)
    with pytest.raises(ValueError, match="empty parameter list"):
        build([])
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        build([3.0])
    with pytest.raises(ValueError, match="non-leaf"):
        build([param * 2])
    no_group: Any = [torch.ones(3)]
    with pytest.raises(TypeError):
        build([param]).add_param_group(no_group)


def test_parameter_told_twice_is_refused() -> None:
    param = make_params()[0]
    with pytest.raises(ValueError, match="more than one parameter group"):
        build([{"params": [param]}, {"params": [param]}])
    with (
        pytest.warns(UserWarning, match="duplicate parameters"),
        pytest.raises(ValueError, match="duplicate parameters"),
    ):
        build([param, param])


def test_names_for_some_parameters_only_are_refused() -> None:
    first, second = make_params()[0], make_params()[0]
    with pytest.raises(ValueError, match="Some param names are missing"):
        build([("first", first), second])
    with pytest.raises(ValueError, match="with/without names"):
        build([{"params": [("first", first)]}, {"params": [second]}])


def test_foreach_excludes_differentiable() -> None:
    with pytest.raises(RuntimeError, match="differentiable"):
        build(make_params(), foreach=True, differentiable=True)


@both_paths
def test_sparse_gradient_is_refused(foreach: bool) -> None:
    param = make_params()[0]
    (before,) = clone([param])
    optimizer = build([param], foreach=foreach)
    param.grad = torch.ones_like(param).to_sparse()
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step()
    assert_same([param], [before])


# State


def state_shapes(param: Tensor) -> dict[str, tuple[int, ...]]:
    shape = tuple(param.shape)
    return {"step": (), "exp_avg": shape, "exp_avg_sq": shape}


def test_first_step_makes_the_state() -> None:
    optimizer = build(make_params())
    assert not optimizer.state
    run(optimizer, 1)
    for param, state in optimizer.state.items():
        assert state["step"].dtype == torch.float32
        assert state["step"] == 1
        shapes = {name: tuple(value.shape) for name, value in state.items()}
        assert shapes == state_shapes(param)


@pytest.mark.parametrize("lr", [0.1, torch.tensor(0.1)])
def test_printing_shows_the_options_of_each_group(lr: float | Tensor) -> None:
    optimizer = build([{"params": make_params(), "lr": lr}, {"params": make_params()}])
    text = repr(optimizer)
    assert text.startswith(type(optimizer).__name__)
    for option in optimizer.defaults:
        assert text.count(f"    {option}: ") == 2


@pytest.mark.parametrize(
    "copy_optimizer", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copy_goes_on_like_the_original(
    copy_optimizer: Callable[[Optimizer], Optimizer],
) -> None:
    optimizer = build(make_params())
    run(optimizer)
    copied = copy_optimizer(optimizer)
    public = {name for name in vars(optimizer) if not name.startswith("_")}
    assert public == {name for name in vars(copied) if not name.startswith("_")}
    assert copied.defaults == optimizer.defaults
    for each in (optimizer, copied):
        run(each, seed=2)
    assert_same(all_params(copied), all_params(optimizer))
    assert_same_state(copied, optimizer)


def test_state_dict_is_deterministic() -> None:
    optimizers = [build(make_params()) for _ in range(2)]
    for optimizer in optimizers:
        run(optimizer)
    first, second = (optimizer.state_dict() for optimizer in optimizers)
    assert first["param_groups"] == second["param_groups"]
    assert [list(s) for s in first["state"].values()] == [
        list(s) for s in second["state"].values()
    ]
    assert_same_state(*optimizers)


@both_paths
@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.complex64, torch.bfloat16, torch.float16]
)
def test_resumed_run_equals_uninterrupted_run(
    dtype: torch.dtype, foreach: bool
) -> None:
    params = make_params(dtype)
    optimizer = build(params, weight_decay=0.1, foreach=foreach)
    run(optimizer)

    resumed_params = clone(params)
    resumed = build(resumed_params, foreach=foreach)
    resumed.load_state_dict(save_and_load(optimizer.state_dict()))
    assert_same_state(resumed, optimizer)

    for each in (optimizer, resumed):
        run(each, seed=2)
    assert_same(resumed_params, params)
    assert_same_state(resumed, optimizer)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_state_of_half_precision_parameters_is_float32(dtype: torch.dtype) -> None:
    optimizer = build(make_params(dtype))
    run(optimizer)
    loaded = build(make_params(dtype))
    loaded.load_state_dict(optimizer.state_dict())
    for state in (*optimizer.state.values(), *loaded.state.values()):
        assert all(value.dtype == torch.float32 for value in state.values())


def test_checkpoint_of_single_precision_loads_into_half_precision() -> None:
    optimizer = build(make_params(torch.float32))
    run(optimizer)
    loaded = build(make_params(torch.bfloat16))
    loaded.load_state_dict(optimizer.state_dict())
    assert_same_state(loaded, optimizer)
    run(loaded)


def drop_options(state_dict: dict[str, Any]) -> dict[str, Any]:
    groups = [{"params": group["params"]} for group in state_dict["param_groups"]]
    return {"state": state_dict["state"], "param_groups": groups}


def test_options_that_an_older_checkpoint_lacks_get_their_defaults() -> None:
    optimizer = build(make_params())
    run(optimizer)
    loaded = build(clone(all_params(optimizer)))
    loaded.load_state_dict(save_and_load(drop_options(optimizer.state_dict())))
    for each in (optimizer, loaded):
        run(each, seed=2)
    assert_same(all_params(loaded), all_params(optimizer))


def test_flags_that_an_older_pickle_lacks_get_their_defaults() -> None:
    optimizer = build(make_params())
    run(optimizer)
    state = copy.deepcopy(optimizer.__getstate__())
    for options in (state["defaults"], *state["param_groups"]):
        for flag in ("foreach", "maximize", "differentiable"):
            del options[flag]
    loaded = object.__new__(type(optimizer))
    loaded.__setstate__(state)
    for each in (optimizer, loaded):
        run(each, seed=2)
    loaded.add_param_group({"params": make_params()})
    assert_same(all_params(loaded)[: len(all_params(optimizer))], all_params(optimizer))


def test_step_may_be_saved_as_a_number() -> None:
    optimizer = build(make_params())
    run(optimizer)
    state_dict = copy.deepcopy(optimizer.state_dict())
    for state in state_dict["state"].values():
        state["step"] = state["step"].item()
    loaded = build(clone(all_params(optimizer)))
    loaded.load_state_dict(state_dict)
    assert_same_state(loaded, optimizer)
    for each in (optimizer, loaded):
        run(each, seed=2)
    assert_same(all_params(loaded), all_params(optimizer))


@pytest.mark.parametrize("named_before", [False, True])
@pytest.mark.parametrize("named_after", [False, True])
def test_names_of_parameters_do_not_matter_for_loading(
    named_after: bool, named_before: bool
) -> None:
    def build_with_names(params: list[Tensor], named: bool) -> Optimizer:
        return build([(f"p{i}", p) for i, p in enumerate(params)] if named else params)

    optimizer = build_with_names(make_params(), named_before)
    run(optimizer)
    loaded = build_with_names(clone(all_params(optimizer)), named_after)
    loaded.load_state_dict(save_and_load(optimizer.state_dict()))
    assert_same_state(loaded, optimizer)
    for each in (optimizer, loaded):
        run(each, seed=2)
    assert_same(all_params(loaded), all_params(optimizer))
    has_names = "param_names" in loaded.param_groups[0]
    assert has_names == (named_before or named_after)


def test_state_dict_of_other_groups_is_refused() -> None:
    state_dict = build(make_params()).state_dict()
    with pytest.raises(ValueError, match="parameter group"):
        build(make_params()[:2]).load_state_dict(state_dict)


# Hooks


def test_step_hooks_are_called_in_order() -> None:
    optimizer = build(make_params())
    calls: list[str] = []
    handles = [
        register_optimizer_step_pre_hook(lambda *_: calls.append("global pre")),
        register_optimizer_step_post_hook(lambda *_: calls.append("global post")),
        optimizer.register_step_pre_hook(lambda *_: calls.append("pre")),
        optimizer.register_step_post_hook(lambda *_: calls.append("post")),
    ]
    optimizer.step()
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert calls == ["global pre", "pre", "post", "global post"]


def test_state_dict_hooks_are_called_in_order() -> None:
    optimizer = build(make_params())
    calls: list[str] = []

    def replace(_: Optimizer, state_dict: dict[str, Any]) -> dict[str, Any]:
        calls.append("post")
        return {**state_dict, "extra": 1}

    optimizer.register_state_dict_pre_hook(lambda _: calls.append("pre"))
    optimizer.register_state_dict_pre_hook(
        lambda _: calls.append("first"), prepend=True
    )
    optimizer.register_state_dict_post_hook(replace)
    assert optimizer.state_dict()["extra"] == 1
    assert calls == ["first", "pre", "post"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_load_state_dict_hooks_change_and_see_what_is_loaded(
    dtype: torch.dtype,
) -> None:
    optimizer = build(make_params(dtype))
    run(optimizer)
    empty = build(make_params(dtype)).state_dict()
    loaded = build(make_params(dtype))
    calls: list[str] = []
    seen: list[Any] = []

    def replace(_: Optimizer, state_dict: dict[str, Any]) -> dict[str, Any]:
        calls.append("pre")
        return {**empty, "state": optimizer.state_dict()["state"]}

    def look(loading: Optimizer) -> None:
        calls.append("post")
        seen.append(copy.deepcopy(loading.state_dict()["state"]))

    loaded.register_load_state_dict_pre_hook(replace)
    loaded.register_load_state_dict_pre_hook(
        lambda *_: calls.append("first"), prepend=True
    )
    loaded.register_load_state_dict_post_hook(look)
    for _ in range(2):
        loaded.load_state_dict(empty)
    assert calls == ["first", "pre", "post"] * 2
    assert len(loaded._optimizer_load_state_dict_pre_hooks) == 2
    assert len(loaded._optimizer_load_state_dict_post_hooks) == 1
    state = optimizer.state_dict()["state"]
    torch.testing.assert_close(seen, [state, state], rtol=0, atol=0)
