"""The methods of a rule's class beside the update: the pass over all parameters, the two modes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from lightgen.render.custom.optimizer_class import initial_value, joined, part, state_lists
from lightgen.render.custom.rule_parts import (
    all_states,
    is_complex_fit,
    lines_or_absent,
    refused,
    states_of,
)
from lightgen.render.environment import ABSENT
from lightgen.rules.rule import Function, Rule, State
from lightgen.rules.update.code import UpdateCode
from lightgen.source import Expr, Identifier, Source, block, explode, indent


def _from_group(names: Iterable[str], levels: int) -> Source:
    """The entries of a dict of options, numbers all of them."""
    values = {"lr": '_get_value(group["lr"])'}
    entries = (
        f'"{name}": {values.get(name, f"group[{chr(34)}{name}{chr(34)}]")}' for name in names
    )
    return lines_or_absent(levels, explode(entries))


def prepare_method(rule: Rule, codes: Sequence[UpdateCode]) -> list[Source]:
    """The pass over all parameters of all groups, for a rule that has one."""
    if rule.prepare is None:
        return []
    states = states_of(rule.prepare)
    lists = {str(each.name): each for each in state_lists(states)}
    shared = [state.name for state in rule.shared]
    changed = _assigned(rule.prepare)
    news = [f"new_{lists[state.name].plural}" if state.name in changed else "_" for state in states]
    kept = [state for state in states if state.name in changed]
    holes = {
        "states": [
            {
                "plural": lists[state.name].plural,
                "kind": Identifier("Tensor" if state.is_tensor else "float"),
                "value": Expr(f'state["{state.name}"]' + ("" if state.is_tensor else ".item()")),
            }
            for state in states
        ],
        "options": _from_group(rule.prepare.hypers, 3),
        "refuse": _deeper(joined(part(each, {}) for each in refused(False))),
        "new_state": _new_states(rule, codes),
        "prepared": Expr(", ".join(["shared", *news]) + ("" if news else ",")),
        "steps": lines_or_absent(3, ["steps,"] if rule.prepare.uses_step else []),
        "shared_arguments": lines_or_absent(
            3, explode(f'{name}=self.param_groups[0]["{name}"]' for name in shared)
        ),
        "store": _store(kept, [new for new in news if new != "_"]),
        "keep_shared": lines_or_absent(2, _keep(shared)),
    }
    return [part("rule_prepare", holes)]


def _keep(shared: Sequence[str]) -> list[str]:
    if not shared:
        return []
    kept = (f'group["{name}"] = numbers["{name}"]' for name in shared)
    return ["for group in self.param_groups:", *indent(kept)]


def _assigned(function: Function) -> set[str]:
    nodes = (node for statement in function.body for node in ast.walk(statement))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _store(states: Sequence[State], news: Sequence[str]) -> Source:
    if not states:
        return ABSENT
    holes = {
        "names": Expr(", ".join([*(f'"{state.name}"' for state in states), ""])),
        "news": Expr(", ".join(news)),
    }
    return part("rule_prepare_store", holes)


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
    return lines_or_absent(5, lines)


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
        "arguments": lines_or_absent(5, explode(arguments)),
    }
    return part("rule_mode", holes)
