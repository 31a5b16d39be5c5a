"""What the classes of the `custom` skeleton and of rules have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.rules.rule import Initial, State
from lightgen.rules.update.lists import list_names
from lightgen.source import Expr, Identifier, Prose, Source, block, indent

# Locals of the methods that gather states, which no list of states may be called.
LOCALS = {"params", "grads", "state_steps", "steps", "options", "tensors", "kinds", "values"}
LOCALS |= {"indices", "olds", "news", "new_values", "owners", "numbers"}

KNOWN_TO_TORCH = "_init_group"  # torch.compile looks for a method of this name
GATHER = "Gather the parameters that have a gradient; make state on the first step."


@dataclass(frozen=True)
class StateList:
    """A state in the holes of a template: its key, and the list of it over parameters.

    `kind` is the type of what is in the list: numbers may be given to code for floats.
    """

    name: Identifier
    plural: Identifier
    kind: Identifier


def part(name: str, holes: Mapping[str, Any]) -> Source:
    """A part of a generated file, without the end of its last line."""
    return Source(fill(f"custom/{name}.py", holes).rstrip("\n"))


def optimizer_imports(imports: Imports) -> Source:
    """The imports of the file with the class, and what it needs besides."""
    imports.names("collections.abc", "Callable", "Mapping").names("itertools", "chain")
    imports.names("typing", "Any").module("torch").names("torch", "Tensor")
    imports.names(
        "torch.optim.optimizer",
        *("Optimizer", "ParamsT", "_default_to_fused_or_foreach", "_use_grad_for_differentiable"),
    )
    return imports.source()


def load_blocks(kept: str, *, counts_steps: bool = True) -> dict[str, Source]:
    """The holes of load_state_dict: `kept` says what the state is."""
    but_step = Source('key != "step" and ' if counts_steps else "")
    return {
        "load_doc": part("load_doc", {"kept": Prose(kept)}),
        "restore": part("restore", {"but_step": but_step}),
    }


def state_lists(states: Sequence[State]) -> list[StateList]:
    """The names of the lists; none is a state's own or a local's name."""
    names = [state.name for state in states]
    plurals = list_names(names, LOCALS | {*names})
    return [
        StateList(
            Identifier(state.name),
            Identifier(plurals[state.name]),
            Identifier("Tensor" if state.is_tensor else "Any"),
        )
        for state in states
    ]


def init_method(
    states: Sequence[State],
    *,
    name: str = KNOWN_TO_TORCH,
    doc: str = GATHER,
    left_out: str = "p.grad is None",
    refuse: Sequence[str] = ("refuse_sparse",),
    new_state: Sequence[State] | None = (),
    is_scaled: bool = False,
) -> Source:
    """The method that fills the lists of a group; `new_state` is made where there is none.

    `is_scaled` says that gradients may be multiplied by what `_grad_scale` tells.
    """
    made = [
        f'state["{state.name}"] = {initial_value(state, is_scaled)}' for state in new_state or ()
    ]
    lines = ["if len(state) == 0:", *indent(['state["step"] = _step_count(0)', *made])]
    holes = {
        "init_method": Identifier(name),
        "init_doc": (
            part("init_doc", {"gathers": Prose(doc)})
            if name == KNOWN_TO_TORCH
            else Source(f'        """{doc}"""')
        ),
        "states": state_lists(states),
        "is_left_out": Expr(left_out),
        "refuse": joined(part(each, {}) for each in refuse),
        "new_state": ABSENT if new_state is None else block(indent(lines, 3)),
    }
    return part("init", holes)


def joined(parts: Iterable[str]) -> Source:
    """The parts one under the other; a line that is not there, if there are none."""
    return Source("\n".join(parts) or ABSENT)


def initial_value(state: State, is_scaled: bool = False) -> Expr:
    """What a state holds before the first step of the parameter `p`."""
    dtype = "dtype=_state_dtype(p)"
    table = {
        Initial.PARAM: "p.to(_state_dtype(p), copy=True)",
        Initial.GRAD: '_first_gradient(p, group["maximize"])'
        + (" / self._grad_scale()" if is_scaled else ""),
        Initial.ROWS: f"p.new_zeros((*p.shape[:-1], 1), {dtype})",
        Initial.COLS: f"p.new_zeros((*p.shape[:-2], 1, p.shape[-1]), {dtype})",
        Initial.SCALAR: f"torch.tensor({state.value!r}, dtype={number_dtype(state)})",
    }
    if state.initial is not Initial.CONSTANT:
        return Expr(table[state.initial])
    if state.value == 0:
        return Expr(f"torch.zeros_like(p, {dtype})")
    return Expr(f"_full_like(p, {state.value!r})")


def number_dtype(state: State) -> str:
    """How precisely a number is kept between steps."""
    return "torch.float32" if state.single else "torch.float64"
