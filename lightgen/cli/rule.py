"""lightgen rule check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import typer

from lightgen.cli.report import print_json, print_line, print_notes, print_table, report_error
from lightgen.plan.names import class_name_from
from lightgen.problems import LightgenError
from lightgen.rulefile import named_rule
from lightgen.rules.elementwise import elementwise_fault
from lightgen.rules.explain import BYTES, Explanation, explain
from lightgen.rules.fused.split import kernel_faults
from lightgen.rules.rule import Function, Initial, Rule, State
from lightgen.spec.rule import rule_arguments

FILE = "FILE"
# A number that is no tensor is a float64 of its own.
_BYTES = {
    Initial.ROWS: f"{BYTES} a row",
    Initial.COLS: f"{BYTES} a column",
    Initial.SCALAR: "8 a parameter",
    Initial.SHARED: "8 in all",
}

_STARTS = {Initial.PARAM: "the parameter", Initial.GRAD: "the first gradient"}


def run_check(text: str, *, with_steps: bool, as_json: bool) -> int:
    """Tell what a rule is; return the exit code."""
    try:
        rule = named_rule(text, FILE)
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    explanations = explain(rule) if with_steps else ()
    if as_json:
        print_json(0, **_as_data(rule, explanations))
        return 0
    _print_rule(rule)
    for explanation in explanations:
        _print_explanation(explanation)
    print_notes(_notes(rule))
    return 0


def _print_rule(rule: Rule) -> None:
    title = rule.doc.partition("\n")[0]
    print_line(f"{rule.name}: {title}" if title else rule.name)
    typer.echo(f"class {class_name_from(rule.name)}")
    for function in _functions(rule):
        _print_states(function, rule)
    rows = [(each.name, _plain(each.default), each.range) for each in rule_arguments(rule).values()]
    print_table(("hyperparameter", "default", "range"), rows)
    faults = _not_elementwise(rule)
    print_line(f"elementwise: {f'no, {faults[0]}' if faults else 'yes'}")
    faults = _not_fusable(rule)
    print_line(f"can be fused: {f'no, {faults[0]}' if faults else 'yes'}")


def _functions(rule: Rule) -> tuple[Function, ...]:
    return (*([rule.prepare] if rule.prepare else []), *rule.functions)


def _print_states(function: Function, rule: Rule) -> None:
    if len(_functions(rule)) > 1:
        condition = _condition(function)
        print_line(f"{function.name}{f', where {condition}' if condition else ''}", before="\n")
    if not function.states:
        typer.echo("no state")
        return
    rows = [(each.name, _initial(each), _bytes(each)) for each in function.states]
    print_table(("state", "starts as", "bytes (float32)"), rows)
    entries = sum(BYTES for each in function.states if each.is_like_param)
    typer.echo(f"{entries} bytes of state for each entry of a parameter")


def _condition(function: Function) -> str:
    return "" if function.condition is None else ast.unparse(function.condition)


def _initial(state: State) -> str:
    if state.initial is Initial.CONSTANT:
        return {0.0: "zeros", 1.0: "ones"}.get(state.value, f"{state.value:g}")
    if state.initial in (Initial.SCALAR, Initial.SHARED):
        return f"{state.initial.value}({state.value:g}{', float32' if state.single else ''})"
    return _STARTS.get(state.initial, str(state.initial.value))


def _bytes(state: State) -> str:
    return _BYTES.get(state.initial, f"{BYTES} an entry")


def _not_elementwise(rule: Rule) -> list[str]:
    faults = (elementwise_fault(function, rule) for function in rule.functions)
    return [fault for fault in faults if fault]


def _not_fusable(rule: Rule) -> list[str]:
    """Why no kernel can do the whole update at once; nothing where one can."""
    return [f"{fault.where}: {fault.what}" for fault in kernel_faults(rule)]


def _print_explanation(explanation: Explanation) -> None:
    typer.echo()
    print_line(f"{explanation.function.name}, step by step")
    rows = [("  " * step.depth + step.text, step.effect) for step in explanation.steps]
    print_table(("line", "in memory"), rows)
    print_line(f"one after the other: {explanation.unfused_bytes} bytes an entry (float32)")
    if not explanation.not_fused:
        read, written = ", ".join(explanation.reads), ", ".join(explanation.writes)
        typer.echo(f"fused: {explanation.fused_bytes} bytes an entry")
        print_line(f"reads {read}; writes {written}", before="  ")


def _notes(rule: Rule) -> Iterator[str]:
    """What is right, and may surprise."""
    for state in {state.name: state for each in rule.functions for state in each.states}.values():
        if state.initial is Initial.GRAD:
            yield (
                f"the state {state.name} starts as the first gradient: what makes states before "
                "the first step, as distributed checkpoints do, makes it of zeros"
            )
    if rule.prepare is not None:
        yield (
            "prepare sees the parameters that one process holds: where they are sharded, its "
            "totals are those of the shard"
        )
    if rule.to_eval is not None:
        yield "the class has eval() and train(): call them where the model's are called"


def _as_data(rule: Rule, explanations: tuple[Explanation, ...]) -> dict[str, Any]:
    faults, reasons = _not_elementwise(rule), _not_fusable(rule)
    data = {
        "files": [rule.where],
        "name": rule.name,
        "doc": rule.doc,
        "class_name": class_name_from(rule.name),
        "functions": [_function_data(function) for function in _functions(rule)],
        "hyperparameters": [
            {"name": each.name, "default": each.default, "range": each.range}
            for each in rule_arguments(rule).values()
        ],
        "elementwise": not faults,
        "why_not_elementwise": faults,
        "can_be_fused": not reasons,
        "why_not_fused": reasons,
        "notes": list(_notes(rule)),
    }
    if explanations:
        data["explanation"] = [_explanation_data(each) for each in explanations]
    return data


def _function_data(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "condition": _condition(function),
        "states": [
            {"name": each.name, "initial": _initial(each), "bytes": _bytes(each)}
            for each in function.states
        ],
    }


def _explanation_data(explanation: Explanation) -> dict[str, Any]:
    return {
        "function": explanation.function.name,
        "steps": [asdict(step) for step in explanation.steps],
        "reads": list(explanation.reads),
        "writes": list(explanation.writes),
        "bytes_one_after_the_other": explanation.unfused_bytes,
        "bytes_fused": None if explanation.not_fused else explanation.fused_bytes,
    }


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return f"{value:g}"
