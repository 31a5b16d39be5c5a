"""The optimizers that step as one do what they do when each is stepped by hand."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from text_run.composite import CompositeOptimizer
from text_run.model import Network
from text_run.optim import build_optimizer

STEPS = 20
LARGEST_NORM = 0.5


def build() -> tuple[list[torch.Tensor], CompositeOptimizer]:
    """The same network each time, and its optimizer."""
    torch.manual_seed(0)
    model = Network()
    optimizer = build_optimizer(model, {})
    assert isinstance(optimizer, CompositeOptimizer)
    return [p for group in optimizer.param_groups for p in group["params"]], optimizer


def set_gradients(parameters: list[torch.Tensor], step: int) -> None:
    """Random ones, of a norm that clipping cuts."""
    random = torch.Generator().manual_seed(step)
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=random)
    torch.nn.utils.clip_grad_norm_(parameters, LARGEST_NORM)


def decay(step: int) -> float:
    return 1 - step / (2 * STEPS)


def run(
    parameters: list[torch.Tensor], optimizer: CompositeOptimizer, steps: range
) -> None:
    for step in steps:
        set_gradients(parameters, step)
        optimizer.step()


def assert_same(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_step_is_one_of_each_optimizer() -> None:
    ours, optimizer = build()
    schedule = LambdaLR(optimizer, decay)
    # By hand: the classes alone, a schedule for each.
    theirs, other = build()
    alone = [
        type(each)([group.copy() for group in each.param_groups])
        for each in other.optimizers
    ]
    schedules = [LambdaLR(each, decay) for each in alone]
    for step in range(STEPS):
        for parameters in (ours, theirs):
            set_gradients(parameters, step)
        optimizer.step()
        schedule.step()
        for each, its_schedule in zip(alone, schedules, strict=True):
            each.step()
            its_schedule.step()
    assert_same(ours, theirs)


def test_a_saved_state_goes_on_where_it_was() -> None:
    ours, optimizer = build()
    run(ours, optimizer, range(3))
    saved = copy.deepcopy(optimizer.state_dict())
    theirs, loaded = build()
    for parameter, value in zip(theirs, ours, strict=True):
        parameter.data.copy_(value)
    loaded.load_state_dict(saved)
    for parameters, each in ((ours, optimizer), (theirs, loaded)):
        run(parameters, each, range(3, 6))
    assert_same(ours, theirs)
    assert len(loaded.state) == len(optimizer.state) == len(saved["state"])


def test_a_schedule_moves_the_groups_that_step_after_a_load() -> None:
    parameters, optimizer = build()
    optimizer.load_state_dict(optimizer.state_dict())
    for group in optimizer.param_groups:
        group["lr"] = 0.0
        group["weight_decay"] = 0.0
    before = [parameter.detach().clone() for parameter in parameters]
    run(parameters, optimizer, range(1))
    assert_same(parameters, before)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))]
)
def test_a_copy_has_parameters_and_states_of_its_own(
    duplicate: Callable[[CompositeOptimizer], CompositeOptimizer],
) -> None:
    ours, optimizer = build()
    run(ours, optimizer, range(2))
    twin = duplicate(optimizer)
    theirs = [p for group in twin.param_groups for p in group["params"]]
    for parameters, each in ((ours, optimizer), (theirs, twin)):
        run(parameters, each, range(2, 4))
    assert_same(ours, theirs)


def test_the_closure_is_called_once_and_may_differentiate() -> None:
    parameters, optimizer = build()
    calls = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.stack([p.square().sum() for p in parameters]).sum()
        loss.backward()
        calls.append(loss)
        return loss

    with torch.no_grad():
        assert optimizer.step(closure) is calls[0]
    assert len(calls) == 1


def test_a_group_of_no_optimizer_is_refused() -> None:
    _, optimizer = build()
    stray = {"params": [("late", torch.nn.Parameter(torch.zeros(2, 2)))]}
    with pytest.raises(ValueError, match="none of the optimizers has this group"):
        optimizer.add_param_group(stray)
    chosen = optimizer.optimizers[0]
    chosen.add_param_group({**stray, "name": "late"})
    optimizer.add_param_group(chosen.param_groups[-1])
    assert optimizer.param_groups[-1]["name"] == "late"


def test_groups_of_another_optimizer_are_not_loaded() -> None:
    _, optimizer = build()
    saved = optimizer.state_dict()
    saved["param_groups"] = saved["param_groups"][:-1]
    with pytest.raises(ValueError, match="not those of this optimizer"):
        optimizer.load_state_dict(saved)
