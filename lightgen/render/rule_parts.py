"""The methods of a rule's class that depend on its states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lightgen.render.environment import ABSENT
from lightgen.render.hyperparameters import options_block
from lightgen.render.optimizer_class import (
    GATHER,
    init_method,
    initial_value,
    joined,
    part,
    state_lists,
)
from lightgen.render.rule_facts import keeps_lines
from lightgen.rules.code import UpdateCode, is_elementwise
from lightgen.rules.rule import Function, Rule, State
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
    """What is kept for any parameter."""
    found = {s.name: s for function in rule.functions for s in all_states(function, rule)}
    return tuple(found.values())


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


def step_methods(rule: Rule, codes: Sequence[UpdateCode]) -> list[Source]:
    """For each function of the rule how a group is updated and what is gathered for it."""
    return [
        method
        for code in codes
        for method in (
            _step_method(rule, code, len(codes) == 1),
            _init_method(rule, code, len(codes) == 1),
        )
    ]


def _init_method(rule: Rule, code: UpdateCode, is_only: bool) -> Source:
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
        refuse=_refused(is_complex_fit(code.function, rule)),
        new_state=all_states(code.function, rule),
    )


def _refused(is_complex: bool) -> tuple[str, ...]:
    return ("refuse_sparse",) if is_complex else ("refuse_sparse", "refuse_complex")


def _step_method(rule: Rule, code: UpdateCode, is_only: bool) -> Source:
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
    kind_numbers = {each: f"kind_{each}" for each in numbers}
    steps = ["kind_steps"] if function.uses_step else []
    holes = {
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
        "numbers_of_kind": _lines(
            3,
            [
                *(
                    f"{kind} = [{all_}[i].item() for i in indices]"
                    for all_, kind in kind_numbers.items()
                ),
                *(["kind_steps = [steps[i] for i in indices]"] if steps else []),
            ],
        ),
        "update_arguments": Expr(", ".join(["*kind", *kind_numbers.values(), *steps, "**options"])),
        "store_numbers": _lines(
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
        return _lines(4, ["p.copy_(_as_stored(new_param, p))"])
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
    return _lines(levels, [line] if is_there else [])


def _lines(levels: int, lines: Iterable[str]) -> Source:
    return block(indent(lines, levels)) or ABSENT


def _from_group(names: Iterable[str], levels: int) -> Source:
    """The entries of a dict of options, numbers all of them."""
    values = {"lr": '_get_value(group["lr"])'}
    entries = (
        f'"{name}": {values.get(name, f"group[{chr(34)}{name}{chr(34)}]")}' for name in names
    )
    return _lines(levels, explode(entries))


def prepare_method(rule: Rule, codes: Sequence[UpdateCode]) -> list[Source]:
    """The pass over all parameters of all groups, for a rule that has one."""
    if rule.prepare is None:
        return []
    states = states_of(rule.prepare)
    lists = {str(each.name): each for each in state_lists(states)}
    shared = [state.name for state in rule.shared]
    news = [f"new_{lists[state.name].plural}" for state in states]
    store = [
        line
        for state, new in zip(states, news, strict=True)
        for line in (
            f"for p, value in zip(owners, {new}, strict=True):",
            f'    self.state[p]["{state.name}"].{"copy" if state.is_tensor else "fill"}_(value)',
        )
    ]
    holes = {
        "states": [
            {
                "plural": lists[state.name].plural,
                "kind": Identifier("Tensor" if state.is_tensor else "float"),
                "value": Expr(f'state["{state.name}"]' + ("" if state.is_tensor else ".item()")),
            }
            for state in states
        ],
        "options": _from_group(rule.prepare.hypers, 4),
        "refuse": _deeper(joined(part(each, {}) for each in _refused(False))),
        "new_state": _new_states(rule, codes),
        "prepared": Expr(", ".join(["shared", *news]) + ("" if news else ",")),
        "steps": _line(3, "steps,", rule.prepare.uses_step),
        "shared_arguments": _lines(
            3, explode(f'{name}=self.param_groups[0]["{name}"]' for name in shared)
        ),
        "store": _lines(2, store),
        "keep_shared": _lines(
            3, [f'group["{name}"] = numbers["{name}"]' for name in shared] or ["pass"]
        ),
    }
    return [part("rule_prepare", holes)]


def _deeper(text: Source) -> Source:
    return block(indent(text.split("\n")))


def _new_states(rule: Rule, codes: Sequence[UpdateCode]) -> Source:
    lines = ['state["step"] = _step_count(0)']
    for code in codes:
        made = [f'state["{s.name}"] = {initial_value(s)}' for s in all_states(code.function, rule)]
        if len(codes) == 1:
            lines += made
        elif made:
            lines += [f'if _update_of(p) == "{code.suffix}":', *indent(made)]
    return _lines(5, lines)


def mode_methods(rule: Rule) -> list[Source]:
    """eval() and train(), for a rule that knows the two."""
    if rule.to_eval is None or rule.to_train is None:
        return []
    return [
        _mode_method(
            rule, rule.to_train, "train", "True", "Turn the parameters into those to train."
        ),
        _mode_method(
            rule,
            rule.to_eval,
            "eval",
            "False",
            "Turn the parameters into those to evaluate and save.",
        ),
    ]


def _mode_method(rule: Rule, function: Function, name: str, mode: str, doc: str) -> Source:
    is_complex = any(is_complex_fit(each, rule) for each in rule.functions)
    real = "_as_real({})" if is_complex else "{}"
    arguments = [
        *(real.format(f'state["{state.name}"]') for state in function.tensors),
        *(f'state["{state.name}"].item()' for state in function.scalars),
        *(['state["step"].item()'] if function.uses_step else []),
    ]
    holes = {
        "method": Identifier(name),
        "mode": Expr(mode),
        "doc": Source(doc),
        "options": _from_group(function.hypers, 4),
        "function": Identifier(f"_{function.name}"),
        "real_p": Expr(real.format("p.to(_state_dtype(p))")),
        "arguments": _lines(5, explode(arguments)),
    }
    return part("rule_mode", holes)
