"""The oracle in the tests of a rule: its functional form, driven over the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lightgen.render.custom.rule_parts import all_states, condition_of, states_of
from lightgen.render.environment import ABSENT
from lightgen.rules.rule import Initial, Rule, State
from lightgen.rules.update.code import UpdateCode
from lightgen.source import Source, block, explode, indent, literal

STEP = '"step": ()'


def reference(rule: Rule, codes: Sequence[UpdateCode]) -> dict[str, Source]:
    """The holes of the function that takes all steps, and of the states that it begins with."""
    return {
        "first_state": _by_condition(codes, lambda code: _first_state(rule, code), 1),
        "shared_starts": _shared_starts(rule),
        "prepare": _prepare(rule),
        "update": _by_condition(codes, _update, 3),
    }


def state_shapes(rule: Rule, codes: Sequence[UpdateCode]) -> Source:
    """A function from a parameter to the shapes of its state."""

    def shapes(code: UpdateCode) -> list[str]:
        entries = (f'"{s.name}": {_shape(s)}' for s in all_states(code.function, rule))
        return ["return {" + ", ".join([STEP, *entries]) + "}"]

    head = "def state_shapes(p: Tensor) -> dict[str, tuple[int, ...]]:"
    body = _by_condition(codes, shapes, 1)
    own = ["    shape = tuple(p.shape)"] if "shape" in body.replace("p.shape", "") else []
    return block([head, *own, body])


def function_name(text: str) -> str:
    """The name of the function that the text defines."""
    return text.partition("def ")[2].partition("(")[0]


def _by_condition(
    codes: Sequence[UpdateCode], lines: Callable[[UpdateCode], list[str]], levels: int
) -> Source:
    """The lines of each function, where a parameter `p` is one of those that it serves."""
    if len(codes) == 1:
        return block(indent(lines(codes[0]), levels))
    written: list[str] = []
    for index, code in enumerate(codes):
        condition = condition_of(code)
        word = "if" if index == 0 else "elif"
        written.append(f"{word} {condition}:" if condition else "else:")
        written += indent(lines(code))
    if condition_of(codes[-1]):
        written += ["else:", '    raise AssertionError("no update serves this shape")']
    return block(indent(written, levels))


def _first_state(rule: Rule, code: UpdateCode) -> list[str]:
    entries = (f'"{s.name}": {_first_value(s)}' for s in all_states(code.function, rule))
    return ["return {", *indent(explode(entries)), "}"]


def _first_value(state: State) -> str:
    return {
        Initial.CONSTANT: f"torch.full_like(p, {literal(float(state.value))})",
        Initial.PARAM: "p.clone()",
        Initial.GRAD: "grad.clone()",
        Initial.ROWS: "torch.zeros_like(p.sum(-1, keepdim=True))",
        Initial.COLS: "torch.zeros_like(p.sum(-2, keepdim=True))",
        Initial.SCALAR: literal(float(state.value)),
        Initial.SHARED: "",
    }[state.initial]


def _shape(state: State) -> str:
    if state.initial is Initial.ROWS:
        return "(*shape[:-1], 1)"
    if state.initial is Initial.COLS:
        return "(*shape[:-2], 1, shape[-1])"
    return "shape" if state.is_tensor else "()"


def _shared_starts(rule: Rule) -> Source:
    if rule.prepare is None:
        return ABSENT
    entries = (f'"{state.name}": {literal(float(state.value))}' for state in rule.shared)
    return block(indent(["shared: dict[str, Any] = {", *indent(explode(entries)), "}"]))


def _prepare(rule: Rule) -> Source:
    if rule.prepare is None:
        return ABSENT
    states = states_of(rule.prepare)
    arguments = [
        "params",
        "grads",
        *(f'[state["{state.name}"] for state in states]' for state in states),
        *(["[step] * len(params)"] if rule.prepare.uses_step else []),
        "group",
        *(f'{state.name}=shared["{state.name}"]' for state in rule.shared),
    ]
    news = [f"new_{state.name}" for state in states]
    lines = [
        f"{', '.join(['shared', *news])}{'' if news else ','} = _prepare_update(",
        *indent(explode(arguments)),
        ")",
        "shared = {name: float(value) for name, value in shared.items()}",
    ]
    for state, new in zip(states, news, strict=True):
        lines += [
            f"for state, value in zip(states, {new}, strict=True):",
            f'    state["{state.name}"] = value',
        ]
    return block(indent(lines, 2))


def _update(code: UpdateCode) -> list[str]:
    states = states_of(code.function)
    held = [f'state["{state.name}"]' for state in states]
    arguments = [
        "p",
        "grad",
        *held,
        *(["step"] if code.function.uses_step else []),
        *(f'{name}=group["{name}"]' for name in code.function.hypers),
        *(f'{name}=shared["{name}"]' for name in code.shared),
    ]
    rounded = [
        line
        for state in states
        if state.single
        for line in (
            f'number = torch.tensor(state["{state.name}"], dtype=torch.float32)',
            f'state["{state.name}"] = number.item()',
        )
    ]
    return [
        f"{', '.join(['params[i]', *held])}{'' if held else ','} = "
        f"{function_name(code.functional)}(",
        *indent(explode(arguments)),
        ")",
        *rounded,
    ]
