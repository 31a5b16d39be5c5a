"""Several optimizers that step as one: Lightning's automatic optimization takes one."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch.optim import Optimizer


class CompositeOptimizer(Optimizer):
    """Steps optimizers together, each on its own parameters.

    Their groups and states are this optimizer's: schedules, clipping and checkpoints
    meet one optimizer. How each saves and loads its state stays its own.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = list(optimizers)
        super().__init__(self._groups(), {})
        self._share()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "optimizers": self.optimizers}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take a group that one of the optimizers has; ValueError for any other."""
        if not any(param_group is group for group in self._groups()):
            raise ValueError(
                "none of the optimizers has this group: add it there first"
            )
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step each optimizer; the closure is called once, before them all."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for optimizer in self.optimizers:
            optimizer.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The states and groups as of one optimizer, its parameters counted through."""
        for pre_hook in self._optimizer_state_dict_pre_hooks.values():
            pre_hook(self)
        with self._separated():
            parts = [optimizer.state_dict() for optimizer in self.optimizers]
        merged: dict[str, Any] = {"state": {}, "param_groups": []}
        start = 0
        for part in parts:
            for index, state in part["state"].items():
                merged["state"][start + index] = state
            for group in part["param_groups"]:
                indices = [start + index for index in group["params"]]
                merged["param_groups"].append({**group, "params": indices})
            start += sum(len(group["params"]) for group in part["param_groups"])
        for post_hook in self._optimizer_state_dict_post_hooks.values():
            merged = post_hook(self, merged) or merged
        return merged

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let each optimizer load its part, in the data types that it keeps."""
        for pre_hook in self._optimizer_load_state_dict_pre_hooks.values():
            state_dict = pre_hook(self, state_dict) or state_dict
        sizes = [len(group["params"]) for group in self.param_groups]
        if [len(group["params"]) for group in state_dict["param_groups"]] != sizes:
            raise ValueError("the saved groups are not those of this optimizer")
        groups, states = iter(state_dict["param_groups"]), state_dict["state"]
        with self._separated():
            for optimizer in self.optimizers:
                part = list(islice(groups, len(optimizer.param_groups)))
                indices = [index for group in part for index in group["params"]]
                state = {index: states[index] for index in indices if index in states}
                optimizer.load_state_dict({"state": state, "param_groups": part})
        for post_hook in self._optimizer_load_state_dict_post_hooks.values():
            post_hook(self)

    def _groups(self) -> Iterator[dict[str, Any]]:
        for optimizer in self.optimizers:
            yield from optimizer.param_groups

    @contextmanager
    def _separated(self) -> Iterator[None]:
        """Within, each optimizer has the states of its own parameters only."""
        for optimizer in self.optimizers:
            own = {p for group in optimizer.param_groups for p in group["params"]}
            states = {p: state for p, state in self.state.items() if p in own}
            optimizer.state = defaultdict(dict, states)
        try:
            yield
        finally:
            self._share()

    def _share(self) -> None:
        """Have the groups that step, and one place for the states of all."""
        self.param_groups = list(self._groups())
        self.state.clear()
        for optimizer in self.optimizers:
            self.state.update(optimizer.state)
            optimizer.state = self.state
