"""Edits of calls, lists, values and signatures."""

from __future__ import annotations

import ast

from support.edits.registry import on_file
from support.edits.source import Code, NotHere, swapped

# Calls, lists and dicts.


@on_file("optim.py")
def keyword_for_the_optimizer(text: str) -> str:
    code = Code(text)
    node = code.statement("return", "build_optimizer")
    assert isinstance(node, ast.Return) and isinstance(node.value, ast.Call)
    return code.extended(node.value, "foreach=False")


@on_file("train.py")
def keyword_for_the_trainer(text: str) -> str:
    code = Code(text)
    return code.extended(code.call("pl.Trainer", "train"), "enable_progress_bar=False")


@on_file("train.py")
def keyword_beside_the_epochs(text: str) -> str:
    code = Code(text)
    old = "        max_epochs=arguments.max_epochs,\n"
    return swapped(code.text, old, old + "        deterministic=True,\n")


@on_file("optim.py")
def group_appended(text: str) -> str:
    code = Code(text)
    node = code.statement("groups:", "parameter_groups")
    assert isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.List)
    return code.extended(node.value, '{"name": "norm", "params": [], "lr": 1e-2}')


@on_file("optim.py")
def group_in_front(text: str) -> str:
    code = Code(text)
    node = code.statement("groups:", "parameter_groups")
    assert isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.List)
    return code.prepended(node.value, '{"name": "norm", "params": [], "lr": 1e-2}')


@on_file("train.py")
def callback_appended(text: str) -> str:
    node = "            *callbacks,\n"
    return swapped(text, node, node + '            pl.callbacks.EarlyStopping("val/loss"),\n')


@on_file("recipe.py")
def entry_of_a_dict(text: str) -> str:
    code = Code(text)
    node = code.expression("{'optimizer'", "recipe_of")
    return code.extended(node, '"torch": "2"')


@on_file("optim.py")
def setting_of_a_group(text: str) -> str:
    code = Code(text)
    return code.extended(code.group("head"), '"eps": 1e-6')


# Values and signatures.


@on_file("train.py")
def literal_changed(text: str) -> str:
    return swapped(text, "log_every_n_steps=10", "log_every_n_steps=50")


@on_file("train.py")
def seed_changed(text: str) -> str:
    return swapped(text, "default=42", "default=7")


@on_file("data.py")
def constant_changed(text: str) -> str:
    return swapped(text, "SPLIT_SEED = 0", "SPLIT_SEED = 1_234")


@on_file("module.py")
def string_changed(text: str) -> str:
    return swapped(text, '"train/loss"', '"loss/train"')


@on_file("train.py")
def operator_changed(text: str) -> str:
    return swapped(text, "if not 0 <= rate", "if not 0 < rate")


@on_file("optim.py")
def message_changed(text: str) -> str:
    return swapped(text, "trains but is in no group", "must be in a group")


@on_file("data.py")
def default_changed(text: str) -> str:
    return swapped(text, "batch_size: int = 64", "batch_size: int = 128")


@on_file("module.py")
def parameter_added(text: str) -> str:
    text = swapped(text, "| None = None) -> None:", "| None = None, smoothing: float = 0) -> None:")
    return swapped(text, "self.rates = ", "self.smoothing = smoothing\n        self.rates = ")


@on_file("optim.py")
def keyword_only_parameter(text: str) -> str:
    return swapped(
        text,
        "def describe_groups(groups: Sequence[ParameterGroup]) -> str:",
        "def describe_groups(groups: Sequence[ParameterGroup], *, glue: str = '  ') -> str:",
    )


@on_file("optim.py")
def annotation_added(text: str) -> str:
    return swapped(text, "    rows = [[", "    rows: list[list[str]] = [[")


@on_file("module.py")
def annotations_changed(text: str) -> str:
    old = "def on_load_checkpoint(self, checkpoint: dict[str, Any])"
    return swapped(text, old, old.replace("dict[str, Any]", "Recipe"))


@on_file("module.py")
def return_type_removed(text: str) -> str:
    return swapped(text, "self) -> OptimizerLRScheduler:", "self):")


@on_file("module.py")
def decorator_added(text: str) -> str:
    code = Code(text)
    return code.before(code.definition("*.validation_step"), "@nn.Module.register_forward_hook")


@on_file("optim.py")
def decorator_with_arguments(text: str) -> str:
    code = Code(text)
    text = code.before(code.definition("describe_groups"), "@lru_cache(maxsize=1)")
    code = Code(text)
    return code.before(code.statement("from typing"), "from functools import lru_cache")


@on_file("module.py")
def base_class_added(text: str) -> str:
    return swapped(text, "(pl.LightningModule):", "(pl.LightningModule, nn.Module):")


@on_file("train.py")
def hoisted_to_a_constant(text: str) -> str:
    text = swapped(text, "log_every_n_steps=10", "log_every_n_steps=LOG_EVERY")
    code = Code(text)
    return code.before(code.definition("parse_arguments"), "LOG_EVERY = 10\n\n\n")


@on_file("optim.py")
def rate_hoisted_to_a_constant(text: str) -> str:
    code = Code(text)
    group = code.group("backbone")
    for key, value in zip(group.keys, group.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "lr":
            rate = code.of(value)
            code = Code(code.replace(value, "BODY_LR"))
            return code.after(code.statement("ParameterGroup:"), f"BODY_LR = {rate}")
    raise NotHere("lr")


@on_file("optim.py")
def walrus_and_lambda(text: str) -> str:
    return swapped(
        text,
        "    unknown = sorted(rates.keys() - {",
        "    if (count := len(groups)) > 9:\n"
        "        raise ValueError(f'{count} groups')\n"
        "    unknown = sorted(rates.keys() - {",
    )


@on_file("train.py")
def match_statement_added(text: str) -> str:
    code = Code(text)
    added = (
        "match arguments.seed:\n    case 0 | 1:\n        print('fixed')\n    case _:\n        pass"
    )
    return code.before(code.statement("pl.seed_everything", "train"), added)


@on_file("data.py")
def async_function_added(text: str) -> str:
    return (
        text
        + "\n\nasync def fetch(url: str) -> bytes:\n    async with url as u:\n        return u\n"
    )
