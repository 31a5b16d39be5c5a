"""The contract of SAM, on the CPU.

Defaults are read from the optimizer, so a new default needs no change here. Another
method needs one: in `reference`, the method written out slowly.
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

from sharpness_run.custom_optimizer import SAM, running_statistics_kept

# Just beyond each end of each range; for a tuple, of each of its entries.
OUT_OF_RANGE: list[tuple[str, float]] = [
    ("lr", -1.0),
    ("rho", 0.0),
    ("momentum", -1.0),
    ("momentum", 1.0),
    ("weight_decay", -1.0),
]


def build(params: Any, **options: Any) -> SAM:
    return SAM(params, **options)


def make_params(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """A matrix, a transposed matrix, a filter, a vector, a scalar and an empty one."""
    generator = torch.Generator().manual_seed(0)
    shapes: list[tuple[int, ...]] = [(3, 4), (2, 3), (2, 3, 2, 2), (5,), (), (0, 3)]
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
    """Step n_steps times down bowls around random points."""
    params = all_params(optimizer)
    for grads in make_grads(params, n_steps, seed):
        optimizer.step(slope(params, grads))


def slope(params: list[Tensor], grads: list[Tensor]) -> Callable[[], float]:
    """A closure that sets gradients which depend on where the parameters are."""

    def closure() -> float:
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad + param.detach()
        return 0.0

    return closure


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


# The two gradients


def reference(
    params: list[Tensor], steps_grads: list[list[Tensor]], group: dict[str, Any]
) -> list[Tensor]:
    """The parameters after all steps: the method in its textbook form.

    The gradient is that of `slope`: what is given, and the parameter.
    """
    sign = -1 if group["maximize"] else 1
    sums = [torch.zeros_like(param) for param in params]
    results = [param.detach().clone() for param in params]
    for offsets in steps_grads:
        first = [sign * (g + p) for g, p in zip(offsets, results, strict=True)]
        norm = sum(grad.square().sum() for grad in first) ** 0.5
        for i, (offset, grad) in enumerate(zip(offsets, first, strict=True)):
            worst = results[i] + group["rho"] * grad / norm
            second = sign * (offset + worst) + group["weight_decay"] * results[i]
            sums[i] = group["momentum"] * sums[i] + second
            results[i] = results[i] - group["lr"] * sums[i]
    return results


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"lr": 0.05, "rho": 0.5, "momentum": 0.5, "weight_decay": 0.1}],
)
def test_update_equals_reference(options: dict[str, Any], maximize: bool) -> None:
    """The one test that changes with the method: edit `reference` and the options."""
    params = make_params()
    optimizer = build(params, **options, maximize=maximize)
    expected = reference(params, make_grads(params, 20), optimizer.param_groups[0])
    run(optimizer, 20)
    torch.testing.assert_close(params, expected, rtol=1e-9, atol=1e-9)


def test_norm_is_that_of_all_groups_and_rho_that_of_each() -> None:
    params = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [
        {"params": [p], "rho": rho} for p, rho in zip(params, (1, 2), strict=True)
    ]
    seen = []

    def closure() -> None:
        seen.append([param.item() for param in params])
        for param, grad in zip(params, (3.0, 4.0), strict=True):
            param.grad = torch.tensor([grad])

    build(groups).step(closure)
    assert seen == [[0, 0], [pytest.approx(0.6), pytest.approx(1.6)]]


def test_closure_is_called_twice_with_gradients_on() -> None:
    param = torch.ones(3, requires_grad=True)
    optimizer = build([param], lr=0.1)
    calls = []

    def closure() -> float:
        calls.append((torch.is_grad_enabled(), optimizer.perturbed))
        optimizer.zero_grad()
        loss = param.square().sum()
        torch.autograd.backward(loss)
        return loss.item()

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert calls == [(True, False), (True, True)]
    assert not optimizer.perturbed
    assert loss == 3.0
    assert (param < 1).all()


def test_closure_is_needed() -> None:
    with pytest.raises(RuntimeError, match="needs a closure"):
        build(make_params()).step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parameters_are_back_where_they_were_if_the_second_pass_fails(
    dtype: torch.dtype,
) -> None:
    params = make_params(dtype)
    before = clone(params)
    optimizer = build(params, rho=0.3)

    def closure() -> None:
        if optimizer.perturbed:
            assert not torch.equal(params[0], before[0])
            raise KeyboardInterrupt
        for param in params:
            param.grad = torch.ones_like(param)

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(closure)
    assert not optimizer.perturbed
    assert_same(params, before)


def test_both_passes_draw_the_same_random_numbers() -> None:
    torch.manual_seed(0)
    first, after = torch.rand(3), torch.rand(3)
    drawn: list[Tensor] = []
    torch.manual_seed(0)
    build(make_params()).step(lambda: drawn.append(torch.rand(3)))
    assert_same([*drawn, torch.rand(3)], [first, first, after])


def test_batch_norm_counts_a_second_pass_for_nothing() -> None:
    norm = torch.nn.BatchNorm1d(2)
    inputs = torch.randn(8, 2)
    norm(inputs)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    with running_statistics_kept(torch.nn.Sequential(norm)):
        kept = norm(inputs)
    torch.testing.assert_close(norm.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(kept, norm(inputs))
    assert norm.num_batches_tracked == 2


def test_state_is_the_sum_of_past_gradients() -> None:
    optimizer = build(make_params())
    assert not optimizer.state
    run(optimizer, 1)
    for param, state in optimizer.state.items():
        assert list(state) == ["momentum_buffer"]
        assert state["momentum_buffer"].shape == param.shape


@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_goes_in_the_right_direction(
    maximize: bool, scheduled: bool, contiguous: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(10, 5, generator=generator)
    if not contiguous:
        weight = torch.stack([weight, weight], dim=-1)[..., 0]
    weight.requires_grad_()
    bias = torch.randn(10, generator=generator).requires_grad_()
    inputs = torch.randn(5, generator=generator)
    optimizer = build([weight, bias], lr=0.001, maximize=maximize)
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


def test_groups_have_their_own_options() -> None:
    params = [torch.ones(3, requires_grad=True) for _ in range(3)]
    first, second, third = params
    optimizer = build(
        [
            {"params": [first], "lr": 0.0},
            {"params": [second]},
            {"params": [third], "maximize": True},
        ],
        lr=0.1,
    )
    optimizer.step(slope(params, [torch.ones(3)] * 3))
    assert torch.equal(first, torch.ones(3))
    assert (second < 1).all()
    assert (third > 1).all()


def test_weight_decay_of_a_group_shrinks_its_parameters() -> None:
    decayed, plain = (torch.ones(3, 2, requires_grad=True) for _ in range(2))
    groups = [{"params": [decayed], "weight_decay": 0.5}, {"params": [plain]}]
    optimizer = build(groups, lr=0.1, weight_decay=0.0)
    optimizer.step(slope([decayed, plain], [-torch.ones(3, 2)] * 2))
    assert ((decayed > 0) & (decayed < 1)).all()
    assert torch.equal(plain, torch.ones(3, 2))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_tensor_lr_equals_float_lr(shape: tuple[int, ...]) -> None:
    lr = torch.full(shape, 0.1, dtype=torch.float64)
    results = []
    for value in (0.1, lr):
        params = make_params()
        optimizer = build(params, lr=value, weight_decay=0.1)
        scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        for seed in range(3):
            run(optimizer, 1, seed)
            scheduler.step()
        results.append(params)
    torch.testing.assert_close(*results)
    assert optimizer.param_groups[0]["lr"] is lr


def test_complex_parameter_equals_its_real_and_imaginary_parts() -> None:
    params = make_params(torch.complex128)
    parts = [torch.view_as_real(p.detach()).clone().requires_grad_() for p in params]
    optimizer, parts_optimizer = build(params), build(parts)
    for grads in make_grads(params, 5):
        optimizer.step(slope(params, grads))
        parts_optimizer.step(slope(parts, [torch.view_as_real(g) for g in grads]))
    torch.testing.assert_close([torch.view_as_real(p) for p in params], parts)


def test_parameters_without_gradient_are_left_alone() -> None:
    params = make_params()
    before = clone(params)
    optimizer = build(params, weight_decay=0.1)
    optimizer.step(lambda: 0.0)
    assert_same(params, before)
    assert not optimizer.state

    params[0].grad = torch.ones_like(params[0])
    optimizer.step(lambda: 0.0)
    assert_same(params[1:], before[1:])
    assert list(optimizer.state) == [params[0]]


def test_zero_gradients_change_nothing() -> None:
    params = make_params()
    before = clone(params)
    optimizer = build(params, weight_decay=0.0)
    for param in params:
        param.grad = torch.zeros_like(param)
    optimizer.step(lambda: 0.0)
    assert_same(params, before)


def test_zero_lr_makes_the_state_and_nothing_else() -> None:
    """Distributed checkpoints make the state this way before they load it."""
    params = make_params()
    before = clone(params)
    optimizer = build(params, lr=0.0, weight_decay=0.1)
    for param in params:
        param.grad = torch.zeros_like(param)
    optimizer.step(lambda: 0.0)
    assert_same(params, before)
    assert all(optimizer.state[param] for param in params)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64, torch.bfloat16])
def test_gradients_are_only_read(dtype: torch.dtype, maximize: bool) -> None:
    params = make_params(dtype)
    optimizer = build(params, weight_decay=0.1, maximize=maximize)
    for grads in make_grads(params, 3):
        before = [grad.clone() for grad in grads]
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad
        optimizer.step(lambda: 0.0)
        for param, grad in zip(params, grads, strict=True):
            assert param.grad is grad
        assert_same(grads, before)


def test_autograd_notices_the_update() -> None:
    param = torch.ones(3, requires_grad=True)
    loss = param.square().sum()
    build([param]).step(slope([param], [torch.ones(3)]))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(loss)


def test_memory_format_of_the_parameter_is_kept() -> None:
    param = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    run(build([param.requires_grad_()]))
    assert param.is_contiguous(memory_format=torch.channels_last)


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


def test_sparse_gradient_is_refused() -> None:
    linear, embedding = torch.nn.Linear(3, 2), torch.nn.Embedding(4, 3, sparse=True)
    params: list[Tensor] = [*linear.parameters(), *embedding.parameters()]
    before = clone(params)
    optimizer = build(params)

    def closure() -> None:
        torch.autograd.backward(linear(embedding(torch.tensor([1, 2]))).sum())

    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step(closure)
    assert_same(params, before)


# State


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


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.complex64, torch.bfloat16, torch.float16]
)
def test_resumed_run_equals_uninterrupted_run(dtype: torch.dtype) -> None:
    params = make_params(dtype)
    optimizer = build(params, weight_decay=0.1)
    run(optimizer)

    resumed_params = clone(params)
    resumed = build(resumed_params)
    resumed.load_state_dict(save_and_load(optimizer.state_dict()))
    assert_same_state(resumed, optimizer)

    for each in (optimizer, resumed):
        run(each, n_steps=10, seed=2)
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
        del options["maximize"]
    loaded = object.__new__(type(optimizer))
    loaded.__setstate__(state)
    for each in (optimizer, loaded):
        run(each, seed=2)
    loaded.add_param_group({"params": make_params()})
    assert_same(all_params(loaded)[: len(all_params(optimizer))], all_params(optimizer))


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
