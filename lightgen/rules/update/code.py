"""A rule as Python text: its update in place, one by one and over lists, and as it was given."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from lightgen.rules.elementwise import is_elementwise as is_elementwise
from lightgen.rules.kinds import Kind, state_kind
from lightgen.rules.reading.liveness import reads
from lightgen.rules.rule import Function, Hyper, Rule
from lightgen.rules.update.foreach import foreach_lines
from lightgen.rules.update.functional import functional_lines
from lightgen.rules.update.lists import list_names
from lightgen.rules.update.lower import lower
from lightgen.rules.update.normal import normal_body
from lightgen.rules.update.operations import Operation
from lightgen.rules.update.single import single_lines
from lightgen.rules.update.text import TextOf


@dataclass(frozen=True)
class UpdateCode:
    """One function of a rule, printed three times; each text is a whole function.

    `condition` is Python on the parameter `p`, empty where the function serves every one; `shared`
    names the numbers of `prepare` that the function takes as keywords after the hyperparameters.
    """

    function: Function
    suffix: str
    condition: str
    single: str
    foreach: str
    functional: str
    shared: tuple[str, ...] = ()


def update_codes(rule: Rule) -> tuple[UpdateCode, ...]:
    """The code of each function of a rule."""
    return tuple(_update_code(rule, function) for function in rule.functions)


def mode_codes(rule: Rule) -> tuple[str, str]:
    """`_to_eval` and `_to_train`, empty where the rule has none."""
    return _mode_code(rule, rule.to_eval), _mode_code(rule, rule.to_train)


def _update_code(rule: Rule, function: Function) -> UpdateCode:
    body = Body.of(rule, function)
    suffix = "update" if len(rule.functions) == 1 else function.name
    condition = ""
    if function.condition is not None:
        condition = TextOf({"param": Kind.TENSOR}, ())(_on_p(function.condition))
    return UpdateCode(
        function,
        suffix,
        condition,
        single=_single(body, suffix),
        foreach=_foreach(body, suffix),
        functional=_functional(body, suffix),
        shared=body.shared,
    )


def _on_p(condition: ast.expr) -> ast.expr:
    """The condition, on the name that a parameter has in the class."""

    class Rename(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id == "ndim":
                return ast.Attribute(ast.Name("p", ast.Load()), "ndim", ast.Load())
            return ast.Name("p" if node.id == "param" else node.id, node.ctx)

    renamed: ast.expr = Rename().visit(ast.parse(ast.unparse(condition), mode="eval").body)
    return ast.fix_missing_locations(renamed)


@dataclass(frozen=True)
class Body:
    """The body of a function ahead of printing."""

    function: Function
    hypers: tuple[Hyper, ...]
    shared: tuple[str, ...]
    statements: tuple[ast.stmt, ...]
    entries: dict[str, tuple[str, ...]]
    helpers: tuple[str, ...]

    @classmethod
    def of(cls, rule: Rule, function: Function) -> Body:
        """The body of one of the functions of a rule."""
        hypers = {hyper.name: hyper for hyper in rule.hypers if hyper.name in function.hypers}
        read = {name for statement in function.body for name in reads(statement)}
        made = {*rule.prepared, *(state.name for state in rule.shared)}
        tuples = {n: len(h.default) for n, h in hypers.items() if isinstance(h.default, tuple)}
        taken = {*rule.helpers, *hypers, *made, *(state.name for state in function.states)}
        statements, entries = normal_body(function, tuples, taken)
        return cls(
            function,
            tuple(hypers[name] for name in function.hypers),
            tuple(sorted(made & read)),
            statements,
            entries,
            tuple(rule.helpers),
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of what is one number for the group."""
        entries = [name for names in self.entries.values() for name in names]
        return (*(hyper.name for hyper in self.hypers), *self.shared, *entries)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kinds of the names that the function begins with."""
        return {
            "param": Kind.TENSOR,
            "grad": Kind.TENSOR,
            **{state.name: state_kind(state) for state in self.function.states},
            "step": Kind.PARAMETER,
            "pi": Kind.GROUP,
            **dict.fromkeys(self.numbers, Kind.GROUP),
        }

    @property
    def scalars(self) -> tuple[str, ...]:
        """The states that are numbers."""
        return tuple(state.name for state in self.function.scalars)

    @property
    def tensors(self) -> tuple[str, ...]:
        """The states that are tensors."""
        return tuple(state.name for state in self.function.tensors)

    @property
    def leading(self) -> tuple[str, ...]:
        """The names that differ from parameter to parameter, in the order of the head."""
        step = ("step",) if self.function.uses_step else ()
        return ("param", "grad", *self.tensors, *self.scalars, *step)

    @cached_property
    def lists(self) -> dict[str, str]:
        """The names of the lists of what differs from parameter to parameter."""
        nodes = [node for each in self.statements for node in ast.walk(each)]
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        return list_names(self.leading, {*names, *self.leading, *self.numbers, *self.helpers})

    @property
    def scalar_lists(self) -> dict[str, str]:
        """Those of the states that are numbers."""
        return {name: self.lists[name] for name in self.scalars}

    @property
    def unpacking(self) -> list[str]:
        """The lines that name the entries of tuples."""
        return [f"{', '.join(names)} = {name}" for name, names in self.entries.items()]

    @property
    def keywords(self) -> list[str]:
        """The parameters of the head that are numbers of the group."""
        typed = [f"{hyper.name}: {_type(hyper)}" for hyper in self.hypers]
        return [*typed, *(f"{name}: float" for name in self.shared)]

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """What the body does in memory."""
        return lower(self.function, self.statements, self.numbers, self.helpers)


def _type(hyper: Hyper) -> str:
    if isinstance(hyper.default, tuple):
        count = len(hyper.default)
        return f"tuple[{', '.join(['float'] * count) if count <= 3 else 'float, ...'}]"
    return "bool" if isinstance(hyper.default, bool) else "float"


def head(name: str, positional: list[str], keywords: list[str], result: str) -> list[str]:
    """The lines of the head of a function."""
    arguments = [f"    {each}," for each in positional]
    options = ["    *,", *(f"    {each}," for each in keywords)] if keywords else []
    return [f"def {name}(", *arguments, *options, f") -> {result}:"]


def _lists(body: Body) -> list[str]:
    numbers = {*body.scalars, "step"}
    return [
        f"{many}: list[{'float' if name in numbers else 'Tensor'}]"
        for name, many in body.lists.items()
    ]


def _single(body: Body, suffix: str) -> str:
    loop = _loop(body)
    inner = single_lines(body.operations, body.scalar_lists)
    lines = [
        *head(f"_single_tensor_{suffix}", _lists(body), body.keywords, "None"),
        '    """Update parameters and state in place, one parameter at a time."""',
        *(f"    {line}" for line in body.unpacking),
        *(f"    {line}" for line in loop),
        *(f"        {line}" for line in inner),
    ]
    return "\n".join(lines)


def _loop(body: Body) -> list[str]:
    operations = body.operations
    text = "\n".join(single_lines(operations, body.scalar_lists))
    used = [name for name in body.leading if name == "param" or _has_word(text, name)]
    lists = ", ".join(body.lists[name] for name in used)
    targets, source = ", ".join(used), f"zip({lists}, strict=True)"
    if len(used) == 1:
        source = lists
    if not body.scalars:
        return [f"for {targets} in {source}:"]
    inner = f"({targets})" if len(used) > 1 else targets
    return [f"for i, {inner} in enumerate({source}):"]


def _has_word(text: str, word: str) -> bool:
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return word in names


def _foreach(body: Body, suffix: str) -> str:
    inner = foreach_lines(body.operations, body.scalars, body.lists)
    lines = [
        *head(f"_foreach_{suffix}", _lists(body), body.keywords, "None"),
        '    """Do the same for lists of tensors, with one kernel for many parameters.',
        "",
        "    All tensors are on one device and of one dtype.",
        '    """',
        *(f"    {line}" for line in body.unpacking),
        *(f"    {line}" for line in inner),
    ]
    return "\n".join(lines)


def _functional(body: Body, suffix: str) -> str:
    numbers = {*body.scalars, "step"}
    positional = [f"{name}: {'float' if name in numbers else 'Tensor'}" for name in body.leading]
    returned = ("param", *body.tensors, *body.scalars)
    inner = functional_lines(body.statements, body.kinds, body.helpers)
    result = "tuple[Any, ...]" if body.scalars else "tuple[Tensor, ...]"
    lines = [
        *head(f"_functional_{suffix}", positional, body.keywords, result),
        '    """The rule as it was given: every assignment makes a new tensor."""',
        *(f"    {line}" for line in (*body.unpacking, *inner)),
        f"    return {', '.join(returned)}{',' if len(returned) == 1 else ''}",
    ]
    return "\n".join(lines)


def _mode_code(rule: Rule, function: Function | None) -> str:
    if function is None:
        return ""
    body = Body.of(rule, function)
    numbers = {*body.scalars, "step"}
    positional = [
        f"{name}: {'float' if name in numbers else 'Tensor'}"
        for name in body.leading
        if name != "grad"
    ]
    other = "evaluates" if function.name == "to_eval" else "trains"
    lines = [
        *head(f"_{function.name}", positional, body.keywords, "Tensor"),
        f'    """The parameter that one {other} with."""',
        *(f"    {line}" for line in body.unpacking),
        *(f"    {x}" for x in functional_lines(body.statements, body.kinds, body.helpers)),
        "    return param",
    ]
    return "\n".join(lines)
