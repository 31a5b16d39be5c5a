"""What hypothesis draws: names, texts that try to be code, and whole specs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.schedulers import WIRING, schedulers
from lightgen.catalogue.trainer import trainer_arguments
from lightgen.plan.hyperparameter import RESERVED
from lightgen.plan.names import member_fault
from lightgen.source import is_identifier

CODE = [
    'x"];import os;[',
    "x\nimport os",
    "'''",
    '"""',
    "x)\n    import os  # (",
    "{{ x }}",
    "{% import 'os' %}",
    "{x!r}",
    "\\",
    "x\\",
    "# x",
    "\x00",
    "\x1b[31m",
    "\u2028import os",
    "%s",
    "a.b.c",
    "a-b",
    "class",
    "a.class",
    "*",
    "x #",
    "=== \n>>>",
]
names = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True).filter(
    lambda name: not member_fault(name) and name != "rest"
)
texts = st.one_of(st.text(max_size=30), st.sampled_from(CODE), names)
rates = st.sampled_from([1.0, 0.1, 1e-2, 3e-3, 1e-4, 2.5e-5, 1.2345e-7])
_LONG = "a" * 40


patterns = st.lists(
    names | names.map("*.{}".format) | names.map("re:{}[.'\"0-9]".format), min_size=1, max_size=4
)


@st.composite
def group_tables(draw: st.DrawFn, settings: frozenset[str]) -> dict[str, dict[str, Any]]:
    """One to four groups with names of one to forty letters, the last perhaps the rest."""
    count = draw(st.integers(1, 4))
    named = draw(st.lists(names | st.just(_LONG), min_size=count, max_size=count, unique=True))
    if count > 1 and draw(st.booleans()):
        named[-1] = "rest"
    tables: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(named):
        table: dict[str, Any] = {"lr": draw(rates | st.sampled_from(["x0.1", "x0.25"]))}
        if "weight_decay" in settings and draw(st.booleans()):
            table["weight_decay"] = draw(st.sampled_from([0, 0.01, 1.0]))
        if "betas" in settings and draw(st.booleans()):
            table["betas"] = [0.9, 0.95]
        if at and draw(st.integers(0, 4)) == 0:
            table = {"freeze": True}
        if name != "rest" and draw(st.integers(0, 2)) == 0:
            table["match"] = draw(patterns)
        tables[name] = table
    return tables


@st.composite
def custom_tables(draw: st.DrawFn) -> dict[str, Any]:
    """A custom optimizer with hyperparameters of its own, their names up to the longest."""
    named = st.from_regex(r"[a-z][a-z_]{0,29}", fullmatch=True).filter(
        lambda name: is_identifier(name) and name not in RESERVED
    )
    default = st.sampled_from(
        [0.5, 1e-8, True, [0.5, 0.25], {"default": 1.0, "min": 0, "below": 2}]
    )
    return {
        "class_name": draw(st.sampled_from(["Own", "O" + "w" * 39])),
        "hyperparameters": draw(st.dictionaries(named, default, max_size=3)),
    }


def argument_values(argument: Argument) -> list[Any]:
    """Values in the range of an argument; none for what a spec cannot say."""
    low = next(bound for bound in (argument.min, argument.above, 0) if bound is not None)
    high = next(bound for bound in (argument.max, argument.below, low + 2) if bound is not None)
    nullable = argument.optional or argument.default is None
    found: list[Any] = {
        "flag": [True, False],
        "text": [*argument.choices],
        "integers": [[3, 6]],
        "numbers": [[(low + high) / 2] * argument.length] if argument.length else [],
        "integer": [2, 7],
        "number": [(low + high) / 2],
    }.get(argument.kind, [])
    return [*found, "none"] if nullable and found else found


@st.composite
def schedule_tables(draw: st.DrawFn) -> dict[str, Any]:
    """A schedule with up to three of its arguments and of the wiring."""
    record = schedulers()[draw(st.sampled_from([*schedulers()]))]
    taken = {**record.arguments, **WIRING}
    offered = [name for name in taken if argument_values(taken[name])]
    table: dict[str, Any] = {"name": record.name}
    for name in draw(st.lists(st.sampled_from(offered), max_size=3, unique=True)):
        table[name] = draw(st.sampled_from(argument_values(taken[name])))
    return table


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Specs that hold: an optimizer, groups that it can have, perhaps a schedule."""
    optimizer = draw(st.sampled_from([*optimizers(), "custom"]))
    spec: dict[str, Any] = {
        "project": {"package": draw(st.sampled_from(["run", "digits_run", "p" * 40]))},
        "optimizer": {"name": optimizer},
    }
    record = optimizers().get(optimizer)
    if record is None and draw(st.booleans()):
        spec["optimizer"] |= draw(custom_tables())
    if draw(st.booleans()) and not (record and record.single_group):
        settings = record.group_arguments if record else ["weight_decay", "betas"]
        spec["groups"] = draw(group_tables(frozenset(settings)))
    schedule = draw(st.sampled_from([None, *schedulers()]))
    if schedule:
        spec["scheduler"] = {"name": schedule}
    if schedule in ("cosine", "linear", "wsd"):
        spec["scheduler"]["warmup_steps"] = draw(st.integers(0, 10_000))
    if draw(st.booleans()):
        spec["task"] = "regression"
    if draw(st.booleans()):
        spec["trainer"] = {"max_epochs": draw(st.integers(1, 1000))}
    return spec


_scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.sampled_from(["AdamW", "custom", "cosine", "regression", "none", "x0.1", "re:a|b"]),
)
values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)


def _table(keys: list[str]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(keys) | texts, values, max_size=3) | values


_ARGUMENTS = sorted({key for record in optimizers().values() for key in record.arguments})
_OPTIMIZER = ["name", "class_name", "hyperparameters", *_ARGUMENTS]
_SCHEDULER = sorted({key for record in schedulers().values() for key in record.arguments})
KEYS = {
    "project": ["package", "lightning"],
    "data": ["name", "batch_size"],
    "model": ["name", "width", "bias"],
    "optimizer": _OPTIMIZER,
    "scheduler": ["name", *WIRING, *_SCHEDULER],
    "trainer": [*trainer_arguments()],
    "template": ["ref", "variables"],
}
# Anything at all where a spec might stand, at places that mean something.
wild_specs = st.fixed_dictionaries(
    {},
    optional={
        "task": _scalars,
        "seed": _scalars,
        **{name: _table(keys) for name, keys in KEYS.items()},
        "groups": st.dictionaries(
            names | texts, _table(["lr", "match", "freeze", *_ARGUMENTS]), max_size=3
        )
        | values,
    },
)
wild_groups = st.lists(
    st.sampled_from(["a", "head", "rest", ":", "=", ",", ";", "x", "1e-3", "freeze", "[", "]"])
    | st.sampled_from(["(", ")", "re:", "*", ".", " ", "betas=[0.9,0.99]", "-", "lr", '"', "nan"])
    | st.text(max_size=2),
    max_size=9,
).map("".join)
wild_paths = st.sampled_from(
    [f"{table}.{key}" for table, keys in KEYS.items() for key in keys]
    + ["seed", "task", "groups.a.lr", "groups.a.match", "groups.rest.freeze", "groups", "optimizer"]
    + ["optimizer.hyperparameters.q", "optimizer.hyperparameters.q.default", "groups.a.eps"]
)
wild_assignments = st.one_of(
    st.builds("{}={}".format, wild_paths, texts | _scalars.map(str)), texts
)
