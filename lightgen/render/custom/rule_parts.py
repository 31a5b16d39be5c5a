"""The methods of a rule's class that depend on its states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lightgen.render.custom.hyperparameters import options_block
from lightgen.render.custom.optimizer_class import (
    GATHER,
    init_method,
    part,
    state_lists,
)
from lightgen.render.custom.rule_facts import keeps_lines
from lightgen.render.custom.rule_fused import step_holes
from lightgen.render.environment import ABSENT
from lightgen.rules.rule import Function, Rule, State
from lightgen.rules.update.code import UpdateCode, is_elementwise
from lightgen.source import Expr, Identifier, Source, block, explode, indent


def is_complex_fit(function: Function, rule: Rule) -> bool:
    """Whether complex parameters may be updated as pairs of real numbers."""
    others = [each for each in (rule.to_eval, rule.to_train) if each is not None]
    return rule.prepare is None and all(is_elementwise(f, rule) for f in (function, *others))


def states_of(function: Function) -> tuple[State, ...]:
    """What it keeps per parameter, in the order in which its code takes it."""
    return (*function.tensors, *function.scalars)


def all_states(function: Function, rule: Rule) -> tuple[State, ...]:
    """What is kept for a parameter that the function serves: also for `prepare` and the modes."""
    others = [each for each in (rule.prepare, rule.to_eval, rule.to_train) if each is not None]
    found = {s.name: s for each in (*others, function) for s in states_of(each)}
    return tuple(found.values())


def per_parameter_states(rule: Rule) -> tuple[State, ...]:
    """What is kept for any parameter; functions may begin a state of one name differently."""
    found = (state for function in rule.functions for state in all_states(function, rule))
    return tuple(dict.fromkeys(found))


def condition_of(code: UpdateCode) -> str:
    """What a parameter `p` has to be for the function; empty for any."""
    if not code.condition and keeps_lines(code.function):
        return "p.ndim >= 2"
    return code.condition


def check_condition(codes: Sequence[UpdateCode]) -> bool:
    """Whether there may be parameters that no function serves."""
    return all(condition_of(code) for code in codes)


def update_of(codes: Sequence[UpdateCode]) -> list[str]:
    """The function that names the update of a parameter, where it depends on that."""
    if len(codes) == 1 and not condition_of(codes[0]):
        return []
    lines = [
        "def _update_of(p: Tensor) -> str:",
        '    """The name of the update that serves a parameter; empty if none does."""',
    ]
    for code in codes:
        condition = condition_of(code)
        if not condition:
            return ["\n".join([*lines, f'    return "{code.suffix}"'])]
        lines += [f"    if {condition}:", f'        return "{code.suffix}"']
    return ["\n".join([*lines, '    return ""'])]


def step_methods(rule: Rule, codes: Sequence[UpdateCode], fused_module: str = "") -> list[Source]:
    """For each function of the rule how a group is updated and what is gathered for it."""
    return [
        method
        for code in codes
        for method in (
            _step_method(rule, code, len(codes) == 1, fused_module),
            _init_method(rule, code, len(codes) == 1, is_scaled=bool(fused_module)),
        )
    ]


def _init_method(rule: Rule, code: UpdateCode, is_only: bool, *, is_scaled: bool) -> Source:
    left_out = "p.grad is None"
    if not is_only:
        left_out += f' or _update_of(p) != "{code.suffix}"'
    # `prepare` comes first and has made the states.
    if rule.prepare:
        doc = "Gather the parameters that have a gradient, and their state."
        return init_method(
            states_of(code.function),
            name="_init_group" if is_only else f"_init_{code.suffix}",
            doc=doc,
            left_out=left_out,
            refuse=(),
            new_state=None,
        )
    return init_method(
        states_of(code.function),
        name="_init_group" if is_only else f"_init_{code.suffix}",
        doc=GATHER,
        left_out=left_out,
        refuse=refused(is_complex_fit(code.function, rule)),
        new_state=all_states(code.function, rule),
        is_scaled=is_scaled,
    )


def refused(is_complex: bool) -> tuple[str, ...]:
    """The checks of a parameter before it is updated."""
    return ("refuse_sparse",) if is_complex else ("refuse_sparse", "refuse_complex")


def _step_method(rule: Rule, code: UpdateCode, is_only: bool, fused_module: str) -> Source:
    function = code.function
    is_complex = is_complex_fit(function, rule)
    states = states_of(function)
    plurals = {str(each.name): each.plural for each in state_lists(states)}
    tensors = [plurals[state.name] for state in function.tensors]
    numbers = [plurals[state.name] for state in function.scalars]
    real = "_as_real({})" if is_complex else "{}"
    shared = ", shared: dict[str, float]" if code.shared else ""
    functional = [
        *(real.format(f"{each}[i]") for each in tensors),
        *(f"{each}[i].double()" for each in numbers),
        *(["steps[i]"] if function.uses_step else []),
    ]
    kind_lists = [f"kind_{each}" for each in ("params", "grads", *tensors)]
    kind_numbers = {each: f"kind_{each}" for each in numbers}
    steps = ["kind_steps"] if function.uses_step else []
    holes = {
        **step_holes(
            function, fused_module, "" if is_only else function.name, is_complex=is_complex
        ),
        "step_method": Identifier("_step_group" if is_only else f"_step_{code.suffix}"),
        "init_method": Identifier("_init_group" if is_only else f"_init_{code.suffix}"),
        "step_parameters": Expr(f"self, group: dict[str, Any]{shared}"),
        "states": state_lists(states),
        "rate": part("rule_rate", {}) if "lr" in function.hypers else ABSENT,
        "options": _options(function, code.shared),
        "steps": _line(2, "steps = [_get_value(step) for step in state_steps]", bool(steps)),
        "resolved_grad": Expr("grad.resolve_conj()" if is_complex else "grad"),
        "real_grads": _line(2, "grads = [_as_real(grad) for grad in grads]", is_complex),
        "real_p": Expr(real.format("p")),
        "functional": Identifier(_name(code.functional)),
        "functional_arguments": block(indent(explode(functional), 5)) or ABSENT,
        "new_values": Expr("new_param, *new_values" if states else "(new_param,)"),
        "store_functional": _store(states),
        "foreach": Identifier(_name(code.foreach)),
        "single": Identifier(_name(code.single)),
        "tensor_lists": block(
            indent(
                explode(
                    f"[_as_real(x) for x in {each}]" if is_complex else each for each in tensors
                ),
                3,
            )
        )
        or ABSENT,
        "kind_lists": Expr(", ".join(kind_lists)),
        "indices": Identifier("indices" if kind_numbers or steps else "_"),
        "numbers_of_kind": lines_or_absent(
            3,
            [
                *(
                    f"{kind} = [{all_}[i].item() for i in indices]"
                    for all_, kind in kind_numbers.items()
                ),
                *(["kind_steps = [steps[i] for i in indices]"] if steps else []),
            ],
        ),
        "update_arguments": Expr(
            ", ".join([*kind_lists, *kind_numbers.values(), *steps, "**options"])
        ),
        "store_numbers": lines_or_absent(
            3,
            [
                line
                for all_, kind in kind_numbers.items()
                for line in (
                    f"for i, number in zip(indices, {kind}, strict=True):",
                    f"    {all_}[i].fill_(number)",
                )
            ],
        ),
    }
    return part("rule_step", holes)


def _name(code: str) -> str:
    """The name of a function from its text."""
    return code.partition("def ")[2].partition("(")[0]


def _store(states: Sequence[State]) -> Source:
    if not states:
        return lines_or_absent(4, ["p.copy_(_as_stored(new_param, p))"])
    return part("rule_store", {"states": state_lists(states)})


def _options(function: Function, shared: Iterable[str] = (), levels: int = 3) -> Source:
    entries = explode(f'"{name}": shared["{name}"]' for name in shared)
    return (
        Source(
            "\n".join(
                filter(
                    None,
                    [options_block(function.hypers, levels), "\n".join(indent(entries, levels))],
                )
            )
        )
        or ABSENT
    )


def _line(levels: int, line: str, is_there: bool) -> Source:
    return lines_or_absent(levels, [line] if is_there else [])


def lines_or_absent(levels: int, lines: Iterable[str]) -> Source:
    """The lines of a hole, none of which may be there."""
    return block(indent(lines, levels)) or ABSENT
