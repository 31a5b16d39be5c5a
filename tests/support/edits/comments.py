"""Edits that change comments and docstrings only."""

from __future__ import annotations

import ast

from lightgen.tree import Tree
from support.edits.registry import on_file, on_tree, path_of, text_of, with_text
from support.edits.source import Code, NotHere


@on_file("optim.py")
def comment_on_top(text: str) -> str:
    return "# Copyright: the flower team\n" + text


@on_tree
def licence_on_top_of_files(tree: Tree) -> Tree:
    """Of those that every project has."""
    paths = [path_of(tree, name) for name in ("data.py", "model.py", "module.py", "optim.py")]
    licence = "# SPDX-License-Identifier: MIT\n\n"
    return {
        **tree,
        **{path: with_text(tree[path], licence + text_of(tree[path])) for path in paths},
    }


@on_file("optim.py")
def comment_above_a_function(text: str) -> str:
    code = Code(text)
    return code.before(code.definition("build_optimizer"), "# Chosen after a sweep of 40 runs.")


@on_file("module.py")
def comment_above_a_method(text: str) -> str:
    code = Code(text)
    return code.before(code.definition("*.training_step"), "# Mirrors the paper, section 3.")


@on_file("optim.py")
def comment_above_the_changed_statement(text: str) -> str:
    code = Code(text)
    return code.before(code.statement("return", "build_optimizer"), "# Ask Ana before changing.")


@on_file("optim.py")
def comment_behind_the_changed_statement(text: str) -> str:
    code = Code(text)
    end = code.end(code.statement("return", "build_optimizer"))
    return code.splice(end, end, "  # tuned on the small set")


@on_file("optim.py")
def comment_behind_a_rate(text: str) -> str:
    if '"lr": 1e-4,' not in text and '"lr": 3e-4,' not in text and '"lr": 2e-5,' not in text:
        raise NotHere("lr")
    lines = text.split("\n")
    at = next(at for at, line in enumerate(lines) if line.strip().startswith('"lr": '))
    lines[at] += "  # from the learning-rate finder"
    return "\n".join(lines)


@on_file("optim.py")
def comment_above_a_group(text: str) -> str:
    code = Code(text)
    at = code.start(code.group("head"))
    margin = code.text.rfind("\n", 0, at) + 1
    return code.splice(margin, margin, " " * (at - margin) + "# the head learns from scratch\n")


@on_file("train.py")
def comment_inside_a_call(text: str) -> str:
    return text.replace(
        "                monitor=",
        "                # what the paper reports\n                monitor=",
    )


@on_file("train.py")
def comment_behind_an_argument(text: str) -> str:
    return text.replace('filename="last",\n', 'filename="last",  # to resume\n')


@on_file("module.py")
def comment_at_the_end_of_a_body(text: str) -> str:
    code = Code(text)
    last = code.definition("*.on_fit_start").body[-1]
    return code.after(last, "# TODO: log the groups to the tracker too")


@on_file("optim.py")
def comment_at_the_end_of_a_loop(text: str) -> str:
    code = Code(text)
    loop = code.statement("for group in groups", "describe_groups")
    assert isinstance(loop, ast.For)
    return code.after(loop.body[-1], "# one row a group")


@on_file("optim.py")
def comment_at_the_end_of_the_file(text: str) -> str:
    return text + "\n# vim: set ts=4 sw=4:\n"


@on_file("module.py")
def comment_on_a_def_line(text: str) -> str:
    code = Code(text)
    node = code.definition("*.configure_optimizers")
    first = code.start(node.body[0])
    end = code.text.rfind("\n", 0, first)
    return code.splice(end, end, "  # called by Lightning")


@on_file("module.py")
def comment_among_imports(text: str) -> str:
    code = Code(text)
    return code.before(code.statement("from torch import"), "# torch itself")


@on_file("model.py")
def comment_at_the_start_of_a_body(text: str) -> str:
    code = Code(text)
    first = code.definition("Network.forward").body[0]
    return code.before(first, "# (batch, 1, 8, 8)")


@on_file("train.py")
def comment_removed(text: str) -> str:
    return text.replace(
        "    # A resumed run goes on in its folder, so that the best checkpoint stays the best.\n",
        "",
    )


@on_file("module.py")
def comment_reworded(text: str) -> str:
    return text.replace("this is what the code says.", "so these are the values of the code.")


@on_file("train.py")
def commented_out_statement(text: str) -> str:
    code = Code(text)
    node = code.statement("warnings.filterwarnings('ignore', message='Checkpoint")
    start, end = code.lines_of(node)
    lines = code.text[start:end].splitlines(keepends=True)
    return code.splice(start, end, "".join(f"# {line}" for line in lines))


@on_file("optim.py")
def comment_blocks_between_definitions(text: str) -> str:
    code = Code(text)
    rule = f"# {'-' * 40}\n# Checks\n# {'-' * 40}\n\n"
    return code.before(code.definition("check_coverage"), rule + "\n")


@on_file("module.py")
def type_ignore_and_noqa(text: str) -> str:
    return text.replace(
        "self.save_hyperparameters()\n", "self.save_hyperparameters()  # noqa: X1\n"
    )


# Docstrings.


@on_file("optim.py")
def docstring_of_the_module(text: str) -> str:
    code = Code(text)
    return code.replace(code.tree.body[0], '"""Everything about the optimizer."""')


@on_file("optim.py")
def docstring_of_a_function(text: str) -> str:
    code = Code(text)
    first = code.definition("build_optimizer").body[0]
    new = '"""Return the optimizer.\n\n    See the wiki for how its arguments were chosen.\n    """'
    return code.replace(first, new)


@on_file("module.py")
def docstring_of_the_class(text: str) -> str:
    code = Code(text)
    return code.replace(code.definition("*").body[0], '"""Our task, see the project page."""')


@on_file("module.py")
def docstring_added(text: str) -> str:
    code = Code(text)
    first = code.definition("*.validation_step").body[0]
    return code.before(first, '"""Log what the paper reports."""')


@on_file("optim.py")
def docstring_removed(text: str) -> str:
    code = Code(text)
    return code.without(code.definition("describe_groups").body[0])
