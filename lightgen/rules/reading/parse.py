"""Read a rule file. It is parsed, never imported or executed."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from dataclasses import replace

from lightgen.problems import Problem, raise_if_any
from lightgen.rules.kinds import Kind, state_kind
from lightgen.rules.reading.body import check_body
from lightgen.rules.reading.file import RULE_HEAD, SPECIAL, RuleFile, is_text
from lightgen.rules.reading.helpers import check_helpers
from lightgen.rules.reading.liveness import reads
from lightgen.rules.reading.rounding import with_rounding
from lightgen.rules.reading.signature import Signature, name_problem, read_signature
from lightgen.rules.rule import Function, Hyper, Initial, Rule, State


def read_rule(text: str, where: str, function: str = "") -> Rule:
    """Read the rule called `function`, or the only one, of the text of a file named `where`.

    Raises InputError with every problem.
    """
    problems: list[Problem] = []
    file = RuleFile.read(text, where, problems)
    family = file.choose(function)
    raise_if_any(problems)
    return _Reader(file, problems).read(family)


class _Reader:
    """Reads the functions of one rule of a file."""

    def __init__(self, file: RuleFile, problems: list[Problem]) -> None:
        self.file, self.where, self.problems = file, file.where, problems
        self.hypers: dict[str, Hyper] = {}
        self.lines: dict[str, int] = {}

    def read(self, family: list[ast.FunctionDef]) -> Rule:
        special = {name: self.file.functions[name] for name in SPECIAL
                   if name in self.file.functions}  # fmt: skip
        rules = {node.name for node in self.file.functions.values() if self.file.is_rule(node)}
        nodes = [*family, *special.values()]
        helpers = {
            name: node
            for name, node in self.file.functions.items()
            if name not in rules and name not in special
        }
        used = check_helpers(helpers, nodes, self.where, self.problems)
        heads = {node.name: self._head(node) for node in nodes}
        self._check_pairs(special)
        prepare, totals = self._prepare(special, heads, used)
        shared = {
            state.name: state
            for state in heads["prepare"].states
            if state.initial is Initial.SHARED
        } if prepare else {}  # fmt: skip
        functions = [
            self._function(node, heads[node.name], used, totals, shared) for node in family
        ]
        modes = {
            name: self._mode(special[name], heads[name], used)
            for name in ("to_eval", "to_train")
            if name in special
        }
        self._check_whole(family, [*functions, *modes.values(), *([prepare] if prepare else [])])
        raise_if_any(self.problems)
        functions = [_with_rounding(each) for each in functions]
        return Rule(
            name=family[0].name,
            where=self.where,
            text=self.file.text,
            doc=functions[0].doc or self.file.doc,
            functions=tuple(functions),
            hypers=tuple(self.hypers.values()),
            helpers={name: _source(self.file.text, helpers[name]) for name in used},
            imports=self.file.imports,
            prepare=prepare,
            prepared=tuple(sorted(totals & _read(functions))),
            to_eval=modes.get("to_eval"),
            to_train=modes.get("to_train"),
        )

    def _head(self, node: ast.FunctionDef) -> Signature:
        leading = SPECIAL.get(node.name, RULE_HEAD)
        signature = read_signature(node, leading, self.where, self.problems)
        fault = name_problem(node.name) if node.name not in SPECIAL else None
        if fault:
            self.problems.append(Problem(f"{self.where}:{node.lineno}", *fault))
        for hyper in signature.hypers:
            known = self.hypers.setdefault(hyper.name, hyper)
            if known != hyper:
                what = f"'{hyper.name}' has another default or range than in line"
                line = self.lines.get(hyper.name, 1)
                self.problems.append(
                    Problem(
                        f"{self.where}:{signature.lines[hyper.name]}",
                        f"{what} {line}",
                        "make them the same",
                    )
                )
        for name, line in signature.lines.items():
            self.lines.setdefault(name, line)
        return signature

    def _function(
        self,
        node: ast.FunctionDef,
        head: Signature,
        helpers: dict[str, ast.FunctionDef],
        totals: set[str],
        shared: dict[str, State],
    ) -> Function:
        condition = self._condition(node)
        states = tuple(shared.get(state.name, state) for state in head.states)
        names = {**dict.fromkeys(totals, Kind.GROUP), **self._names(head)}
        function = _as_function(node, head, states, condition)
        self._check(function, names, helpers)
        return function

    def _mode(
        self, node: ast.FunctionDef, head: Signature, helpers: dict[str, ast.FunctionDef]
    ) -> Function:
        names = {k: v for k, v in self._names(head).items() if k not in ("grad", "step")}
        function = _as_function(node, head, head.states, None)
        self._check(function, names, helpers)
        return function

    def _prepare(
        self,
        special: dict[str, ast.FunctionDef],
        heads: dict[str, Signature],
        helpers: dict[str, ast.FunctionDef],
    ) -> tuple[Function | None, set[str]]:
        """The first pass, and the names of the numbers that it makes for all parameters."""
        node = special.get("prepare")
        if node is None:
            return None, set()
        head = heads["prepare"]
        function = _as_function(node, head, head.states, None)
        kinds = self._check(function, self._names(head), helpers, is_prepare=True)
        made = _assigned(function.body) - {state.name for state in head.states}
        return function, {name for name in made if kinds.get(name) is Kind.GROUP}

    def _check(
        self,
        function: Function,
        names: dict[str, Kind],
        helpers: dict[str, ast.FunctionDef],
        is_prepare: bool = False,
    ) -> dict[str, Kind]:
        tuples = {
            name: len(hyper.default)
            for name, hyper in self.hypers.items()
            if isinstance(hyper.default, tuple) and name in function.hypers
        }
        names = {name: kind for name, kind in names.items() if name not in tuples}
        problems, kinds = check_body(
            function, names, tuples, set(helpers), self.where, is_prepare=is_prepare
        )
        self.problems += problems
        return kinds

    def _names(self, head: Signature) -> dict[str, Kind]:
        return {
            "param": Kind.TENSOR,
            "grad": Kind.TENSOR,
            "step": Kind.PARAMETER,
            "ndim": Kind.PARAMETER,
            "pi": Kind.GROUP,
            **{state.name: state_kind(state) for state in head.states},
            **{hyper.name: Kind.GROUP for hyper in head.hypers},
        }

    def _condition(self, node: ast.FunctionDef) -> ast.expr | None:
        if not node.decorator_list:
            return None
        place = f"{self.where}:{node.decorator_list[0].lineno}"
        match node.decorator_list:
            case [ast.Call(func=ast.Name(id="when"), args=[condition], keywords=[])]:
                names = {each.id for each in ast.walk(condition) if isinstance(each, ast.Name)}
                attributes = {
                    each.attr for each in ast.walk(condition) if isinstance(each, ast.Attribute)
                }
                if names <= {"param", "ndim"} and attributes <= {"ndim", "shape"}:
                    return condition
                what = f"cannot decide by {ast.unparse(condition)}"
                self.problems.append(
                    Problem(place, what, "@when tests param.ndim and param.shape[i] only")
                )
            case _:
                what = "the only decorator of a rule is @when(param.ndim >= 2)"
                self.problems.append(Problem(place, what, "remove the others"))
        return None

    def _check_pairs(self, special: dict[str, ast.FunctionDef]) -> None:
        for one, other in (("to_eval", "to_train"), ("to_train", "to_eval")):
            if one in special and other not in special:
                place = f"{self.where}:{special[one].lineno}"
                todo = f"write {other}, which takes it back"
                self.problems.append(Problem(place, f"{one} without {other}", todo))

    def _check_whole(self, family: list[ast.FunctionDef], functions: list[Function]) -> None:
        """What only all functions together tell: unused hyperparameters, lr, states that stand."""
        place = f"{self.where}:{family[0].lineno}"
        if "lr" not in self.hypers and not self.problems:
            what, todo = "no hyperparameter 'lr'", "add lr=1e-3: groups and schedulers set it"
            self.problems.append(Problem(place, what, todo))
        read = _read(functions)
        for name in self.hypers:
            if name not in read:
                what = f"the hyperparameter '{name}' is never used"
                self.problems.append(
                    Problem(f"{self.where}:{self.lines[name]}", what, "use it or remove it")
                )
        changed = {name for function in functions for name in _assigned(function.body)}
        kinds: dict[str, bool] = {}
        for function in functions:
            for state in function.states:
                self._check_state(state, read, changed)
                if kinds.setdefault(state.name, state.is_tensor) is not state.is_tensor:
                    what = f"the state '{state.name}' is a number here and a tensor elsewhere"
                    where = f"{self.where}:{function.line}"
                    self.problems.append(Problem(where, what, "take two names"))
        if len(family) > 1 and family[-1].decorator_list:
            what = "no function serves the parameters that fulfil no @when"
            todo = "add one without a decorator, the last"
            self.problems.append(Problem(f"{self.where}:{family[-1].lineno}", what, todo))

    def _check_state(self, state: State, read: set[str], changed: set[str]) -> None:
        place = f"{self.where}:{self.lines.get(state.name, 1)}"
        if state.name not in read | changed:
            what = f"the state '{state.name}' is never used"
            self.problems.append(Problem(place, what, "use it or remove it"))
        elif state.name not in changed and state.initial is not Initial.PARAM:
            what = f"the state '{state.name}' is never updated"
            todo = f"assign to it: {state.name} = ..."
            self.problems.append(Problem(place, what, todo))


def _with_rounding(function: Function) -> Function:
    singles = {state.name for state in function.scalars if state.single}
    return replace(function, body=with_rounding(function.body, singles))


def _as_function(
    node: ast.FunctionDef,
    head: Signature,
    states: tuple[State, ...],
    condition: ast.expr | None,
) -> Function:
    body = node.body[1:] if node.body and is_text(node.body[0]) else node.body
    return Function(
        node.name,
        ast.get_docstring(node) or "",
        states,
        tuple(hyper.name for hyper in head.hypers),
        tuple(body),
        condition,
        node.lineno,
    )


def _read(functions: Sequence[Function]) -> set[str]:
    return {name for each in functions for node in each.body for name in reads(node)}


def _assigned(body: tuple[ast.stmt, ...]) -> set[str]:
    return {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _source(text: str, node: ast.FunctionDef) -> str:
    """The text of a function as it stands, with its comments."""
    lines = textwrap.dedent(text).splitlines()
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return "\n".join(lines[first - 1 : node.end_lineno])
