"""Whether a rule updates every entry of a parameter by itself."""

from __future__ import annotations

import ast

from lightgen.rules.language import COLS, REDUCTIONS, ROWS
from lightgen.rules.rule import Function, Rule


def elementwise_fault(function: Function, rule: Rule) -> str:
    """Why not every entry of a parameter is updated by itself; empty if it is."""
    if rule.prepare is not None:
        return "prepare sees all parameters ahead of the update"
    for state in function.tensors:
        if not state.is_like_param:
            return f"the state '{state.name}' has another shape than the parameter"
    for node in (each for statement in function.body for each in ast.walk(statement)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in rule.helpers:
                return f"{name} (line {node.lineno}) sees a whole tensor"
            case ast.Call(func=ast.Name(id=name)) if name in REDUCTIONS | {ROWS, COLS}:
                return f"{name} (line {node.lineno}) sees a whole tensor"
            case ast.BinOp(op=ast.MatMult()):
                return f"@ (line {node.lineno}) sees a whole tensor"
            case ast.Attribute() | ast.Name(id="ndim"):
                return f"line {node.lineno} asks for the shape of the parameter"
    return ""


def is_elementwise(function: Function, rule: Rule) -> bool:
    """Whether every entry of the parameter is updated by itself, whatever its shape."""
    return not elementwise_fault(function, rule)
