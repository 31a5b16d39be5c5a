"""The helpers of a rule as the generated file has them: the user's text, with types."""

from __future__ import annotations

import ast
import io
import tokenize


def typed(text: str) -> str:
    """The function with Any where the user gave no type, so that a strict checker is content."""
    function = ast.parse(text).body[-1]
    assert isinstance(function, ast.FunctionDef)
    lines = text.split("\n")
    places = [
        (argument.end_lineno or 0, _characters(lines, argument), ": Any")
        for argument in _arguments(function.args)
        if argument.annotation is None
    ]
    if function.returns is None:
        places.append((*_end_of_arguments(text, function.lineno), " -> Any"))
    for line, column, addition in sorted(places, reverse=True):
        lines[line - 1] = lines[line - 1][:column] + addition + lines[line - 1][column:]
    return "\n".join(lines)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _characters(lines: list[str], argument: ast.arg) -> int:
    """Where the argument's name ends; ast counts bytes."""
    line = lines[(argument.end_lineno or 1) - 1]
    return len(line.encode()[: argument.end_col_offset].decode())


def _end_of_arguments(text: str, first_line: int) -> tuple[int, int]:
    """Line and column behind the parenthesis that closes the arguments."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.start[0] < first_line or token.type != tokenize.OP:
            continue
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.string, 0)
        if depth == 0 and token.string == ")":
            return token.end
    raise AssertionError("a function has arguments in parentheses")
