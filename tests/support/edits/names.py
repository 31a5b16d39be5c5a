"""Edits that rename, reorder and move."""

from __future__ import annotations

import re

from lightgen.tree import File, Tree
from support.edits.registry import (
    in_all,
    in_python,
    moved,
    on_file,
    on_tree,
    path_of,
    text_of,
    with_text,
)
from support.edits.source import Code, NotHere, is_attribute, is_name, rename, rename_inside

# Renames.


@on_file("optim.py")
def local_renamed(text: str) -> str:
    return rename_inside(text, "parameter_groups", "groups", "found")


@on_file("module.py")
def local_renamed_in_a_method(text: str) -> str:
    return rename_inside(text, "*.on_fit_start", "optimizer", "adam")


@on_file("optim.py")
def local_renamed_that_stands_in_texts(text: str) -> str:
    return rename_inside(text, "check_coverage", "name", "path")


@on_file("optim.py")
def parameter_renamed(text: str) -> str:
    return rename_inside(text, "parameter_groups", "rates", "overrides")


@on_file("module.py")
def parameter_of_a_method_renamed(text: str) -> str:
    return rename_inside(text, "*.training_step", "batch", "samples")


@on_tree
def attribute_renamed(tree: Tree) -> Tree:
    """`self.model` and every other use of it; not the module of the package."""
    path = path_of(tree, "module.py")
    text = _attribute(text_of(tree[path]), "recipe", "wiring")
    return {**tree, path: with_text(tree[path], text)}


@on_tree
def attribute_renamed_everywhere(tree: Tree) -> Tree:
    return in_python(tree, lambda text: _attribute(text, "model", "net"))


def _attribute(text: str, old: str, new: str) -> str:
    lines = text.splitlines(keepends=True)
    renamed = rename(text, old, new, is_attribute).splitlines(keepends=True)
    keep = ("from ", "import ")
    return "".join(a if a.startswith(keep) else b for a, b in zip(lines, renamed, strict=True))


@on_tree
def method_renamed(tree: Tree) -> Tree:
    return in_python(tree, lambda text: rename(text, "set_epoch", "begin", lambda *_: True))


def _everywhere(tree: Tree, old: str, new: str) -> Tree:
    return in_python(tree, lambda text: rename(text, old, new, is_name))


@on_tree
def function_renamed(tree: Tree) -> Tree:
    return _everywhere(tree, "check_coverage", "assert_coverage")


@on_tree
def changed_function_renamed(tree: Tree) -> Tree:
    return _everywhere(tree, "parameter_groups", "make_groups")


@on_tree
def constant_renamed(tree: Tree) -> Tree:
    return _everywhere(tree, "SPLIT_SEED", "SEED")


@on_tree
def type_renamed(tree: Tree) -> Tree:
    return _everywhere(tree, "ParameterGroup", "Group")


@on_tree
def class_renamed(tree: Tree) -> Tree:
    return _everywhere(tree, "Network", "DigitNet")


@on_tree
def task_renamed(tree: Tree) -> Tree:
    return _everywhere(tree, "Classifier", "DigitTask")


@on_file("optim.py")
def import_alias_added(text: str) -> str:
    text = rename(text, "nn", "tnn")
    if "from torch import tnn\n" not in text:
        raise NotHere("nn")
    return text.replace("from torch import tnn\n", "from torch import nn as tnn\n")


@on_file("module.py")
def import_alias_changed(text: str) -> str:
    if " as F\n" not in text:
        raise NotHere("F")
    return rename(text, "F", "functional")


@on_tree
def module_renamed(tree: Tree) -> Tree:
    return _module_renamed(tree, "optim", "wiring")


@on_tree
def task_module_renamed(tree: Tree) -> Tree:
    return _module_renamed(tree, "module", "task")


@on_tree
def module_moved_into_a_folder(tree: Tree) -> Tree:
    renamed = _module_renamed(tree, "plot", "extras.plot", "extras/plot")
    return {**renamed, "src/sample_run/extras/__init__.py": File(b"")}


def _module_renamed(tree: Tree, old: str, new: str, file: str = "") -> Tree:
    path = path_of(tree, f"sample_run/{old}.py")
    target = path.replace(f"{old}.py", f"{file or new}.py")
    named = re.compile(rf"\b(sample_run[./]){old}\b")
    slashed = (file or new) + ".py"

    def adjust(text: str) -> str:
        text = text.replace(f"sample_run/{old}.py", f"sample_run/{slashed}")
        return named.sub(lambda found: f"{found[1]}{new}", text)

    return moved(in_all(tree, adjust), path, target)


@on_tree
def test_file_renamed(tree: Tree) -> Tree:
    return moved(tree, "tests/test_groups.py", "tests/test_parameter_groups.py")


@on_tree
def test_file_moved(tree: Tree) -> Tree:
    return moved(tree, "tests/test_training.py", "tests/slow/test_training.py")


@on_tree
def file_moved_and_edited(tree: Tree) -> Tree:
    renamed = _module_renamed(tree, "optim", "wiring")
    path = path_of(renamed, "wiring.py")
    text = text_of(renamed[path]) + "\n\ndef nothing() -> None:\n    pass\n"
    return {**renamed, path: with_text(renamed[path], text)}


# Another order, another place.


@on_file("module.py")
def method_moved_to_the_end(text: str) -> str:
    return _to_the_end(text, "*.forward", "*")


@on_file("module.py")
def changed_method_moved_to_the_end(text: str) -> str:
    return _to_the_end(text, "*.configure_optimizers", "*")


def _to_the_end(text: str, name: str, scope: str) -> str:
    code = Code(text)
    node = code.definition(name)
    start, end = code.lines_of(node)
    body = text[start:end]
    code = Code(_cut(text, start, end))
    _, at = code.lines_of(code.definition(scope).body[-1])
    return code.splice(at, at, "\n" + body)


def _cut(text: str, start: int, end: int) -> str:
    """Without a definition and the blank lines below it."""
    rest = text[end:]
    blank = len(rest) - len(rest.lstrip("\n"))
    return text[:start] + rest[blank:] if rest.strip() else text[:start].rstrip("\n") + "\n"


@on_file("optim.py")
def function_moved_to_the_top(text: str) -> str:
    return _above(text, "describe_groups", "parameter_groups")


@on_file("optim.py")
def changed_function_moved_to_the_top(text: str) -> str:
    return _above(text, "build_optimizer", "parameter_groups")


@on_file("data.py")
def class_moved_to_the_top(text: str) -> str:
    return _above(text, "DataModule", "EpochShuffle")


def _above(text: str, name: str, other: str) -> str:
    code = Code(text)
    start, end = code.lines_of(code.definition(name))
    body = text[start:end]
    code = Code(_cut(text, start, end))
    at, _ = code.lines_of(code.definition(other))
    return code.splice(at, at, f"{body}\n\n")


@on_file("optim.py")
def function_moved_and_edited(text: str) -> str:
    text = _above(text, "describe_groups", "parameter_groups")
    return text.replace('"weight decay"]', '"decay"]')


@on_tree
def function_moved_to_a_new_file(tree: Tree) -> Tree:
    head = '"""Tables for people."""\n\nfrom collections.abc import Sequence\n\n'
    head += "from sample_run.optim import ParameterGroup\n\n\n"
    return _moved_definition(tree, "optim", "describe_groups", "tables", head)


@on_tree
def changed_function_moved_to_a_new_file(tree: Tree) -> Tree:
    """The function that makes the optimizer, with every import that it may need."""
    path = path_of(tree, "optim.py")
    code = Code(text_of(tree[path]))
    heads = [code.of(each) for each in code.tree.body if _is_import(code.of(each))]
    optimizer = [each for each in heads if "import torch" in each or "custom_opt" in each]
    head = "\n".join(
        [
            "from collections.abc import Mapping",
            *optimizer,
            "from torch.optim import Optimizer",
            "from sample_run.model import Network",
            "from sample_run.optim import parameter_groups",
        ]
    )
    head = '"""The optimizer."""\n\n' + head + "\n\n\n"
    edited = _moved_definition(tree, "optim", "build_optimizer", "build", head)
    text = text_of(edited[path])
    for line in optimizer:
        unused = line.rpartition(" ")[2]
        if not re.search(rf"(?<!import )\b{unused}\b", text.replace("torch.", "")):
            text = text.replace(line + "\n", "", 1)
    return {**edited, path: with_text(edited[path], text)}


def _is_import(text: str) -> bool:
    return text.startswith(("import ", "from "))


@on_tree
def class_moved_to_a_new_file(tree: Tree) -> Tree:
    head = '"""The order of samples."""\n\nfrom collections.abc import Iterator\n\n'
    head += "import torch\nfrom torch.utils.data import Sampler\n\n\n"
    path = path_of(tree, "data.py")
    edited = _moved_definition(tree, "data", "EpochShuffle", "order", head)
    text = text_of(edited[path]).replace("from collections.abc import Iterator\n", "")
    text = text.replace("DataLoader, Sampler, TensorDataset", "DataLoader, TensorDataset")
    text = text.replace(
        "random_split\n", "random_split\n\nfrom sample_run.order import EpochShuffle\n", 1
    )
    return {**edited, path: with_text(edited[path], text)}


@on_tree
def function_moved_to_another_file(tree: Tree) -> Tree:
    """The reading of rates goes to the module of groups."""
    path, target = path_of(tree, "train.py"), path_of(tree, "recipe.py")
    code = Code(text_of(tree[path]))
    start, end = code.lines_of(code.definition("parse_rate"))
    body = code.text[start:end]
    text = _cut(code.text, start, end)
    if "math." not in text:
        text = text.replace("import math\n", "", 1)
    text = text.replace(
        "from sample_run.plot import CurvePlot\n",
        "from sample_run.plot import CurvePlot\nfrom sample_run.recipe import parse_rate\n",
    )
    other = Code(text_of(tree[target]))
    with_imports = other.before(
        other.statement("from collections.abc"), "import argparse\nimport math"
    )
    return {
        **tree,
        path: with_text(tree[path], text),
        target: with_text(tree[target], f"{with_imports}\n\n{body}"),
    }


def _moved_definition(tree: Tree, source: str, name: str, target: str, head: str) -> Tree:
    """A definition in a new module; what imports it by a line of its own finds it there."""
    path = path_of(tree, f"sample_run/{source}.py")
    code = Code(text_of(tree[path]))
    start, end = code.lines_of(code.definition(name))
    body = code.text[start:end]
    edited = {**tree, path: with_text(tree[path], _cut(code.text, start, end))}
    edited = in_python(edited, lambda text: _import_elsewhere(text, source, name, target))
    return {**edited, f"src/sample_run/{target}.py": File.from_text(head + body)}


def _import_elsewhere(text: str, source: str, name: str, target: str) -> str:
    pattern = rf"from sample_run\.{source} import (\([^)]*\)|[^(\n]*)\n"
    found = re.search(pattern, text)
    if not found or not re.search(rf"\b{name}\b", found[1]):
        return text
    names = [each for each in re.findall(r"\w+", found[1]) if each != name]
    kept = f"from sample_run.{source} import {', '.join(names)}\n" if names else ""
    if len(kept) > 89:
        kept = f"from sample_run.{source} import (\n    {', '.join(names)},\n)\n"
    line = f"from sample_run.{target} import {name}\n"
    return text[: found.start()] + kept + line + text[found.end() :]


@on_file("optim.py")
def definitions_sorted(text: str) -> str:
    code = Code(text)
    functions = [each for each in code.tree.body if type(each).__name__ == "FunctionDef"]
    first, last = code.lines_of(functions[0])[0], code.lines_of(functions[-1])[1]
    if any(type(each).__name__ != "FunctionDef" for each in code.tree.body[-len(functions) :]):
        raise NotHere("only functions")
    bodies = sorted(code.of(each) for each in functions)
    return code.splice(first, last, "\n\n\n".join(bodies) + "\n")
