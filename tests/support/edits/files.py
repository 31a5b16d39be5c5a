"""Edits of what is no Python, and of whole files."""

from __future__ import annotations

import re

from lightgen.tree import File, Tree
from support.edits.layout import as_black
from support.edits.registry import in_python, on_file, on_tree, path_of, text_of, with_text
from support.edits.source import Code, NotHere, rename, swapped

# Whole files.


@on_tree
def file_added(tree: Tree) -> Tree:
    text = "import torch\n\n\ndef accuracy(x: torch.Tensor) -> float:\n    return float(x.mean())\n"
    return {**tree, "src/sample_run/metrics.py": File.from_text(text)}


@on_tree
def binary_file_added(tree: Tree) -> Tree:
    return {**tree, "assets/logo.png": File(b"\x89PNG\r\n\x1a\n\0\0\xff")}


@on_tree
def script_added(tree: Tree) -> Tree:
    script = File(b"#!/bin/sh\nexec python -m sample_run.train\n", executable=True)
    return {**tree, "scripts/train.sh": script}


@on_tree
def made_executable(tree: Tree) -> Tree:
    path = path_of(tree, "train.py")
    text = "#!/usr/bin/env python\n" + text_of(tree[path])
    return {**tree, path: File.from_text(text, executable=True)}


@on_tree
def only_made_executable(tree: Tree) -> Tree:
    path = path_of(tree, "train.py")
    return {**tree, path: File(tree[path].content, executable=True)}


@on_tree
def ci_deleted(tree: Tree) -> Tree:
    return {path: file for path, file in tree.items() if not path.startswith(".github/")}


@on_tree
def tests_deleted(tree: Tree) -> Tree:
    return {path: file for path, file in tree.items() if path != "tests/test_groups.py"}


@on_tree
def module_deleted_with_its_uses(tree: Tree) -> Tree:
    path = path_of(tree, "train.py")
    text = text_of(tree[path]).replace("from sample_run.plot import CurvePlot\n", "")
    text = re.sub(r"    plots = .*\n", "", text).replace("            *plots,\n", "")
    left = {each: file for each, file in tree.items() if not each.endswith("/plot.py")}
    return {**left, path: with_text(tree[path], text)}


@on_tree
def function_deleted_with_its_uses(tree: Tree) -> Tree:
    path, other = path_of(tree, "optim.py"), path_of(tree, "module.py")
    code, user = Code(text_of(tree[path])), Code(text_of(tree[other]))
    text = code.without(code.definition("describe_groups")).rstrip("\n") + "\n"
    used = user.without(user.statement("self.print(describe_groups", "*.on_fit_start"))
    used = used.replace(", describe_groups", "", 1)
    return {**tree, path: with_text(tree[path], text), other: with_text(tree[other], used)}


@on_tree
def renamed_and_reformatted(tree: Tree) -> Tree:
    renamed = in_python(tree, lambda text: rename(text, "override_rates", "set_rates"))
    return in_python(renamed, lambda text: as_black(text, 100, commas=False))


# pyproject.toml


@on_file("pyproject.toml")
def dependency_added(text: str) -> str:
    return swapped(text, '    "torch>=', '    "timm>=1.0",\n    "torch>=')


@on_file("pyproject.toml")
def dependency_at_the_end(text: str) -> str:
    return re.sub(r'(    "torch>=.*\n)', r'\1    "wandb>=0.16",\n', text, count=1)


@on_file("pyproject.toml")
def dependency_floor_raised(text: str) -> str:
    return swapped(text, "scikit-learn>=1.5", "scikit-learn>=1.6")


@on_file("pyproject.toml")
def dependency_commented(text: str) -> str:
    return re.sub(r'(    "torch>=.*,)\n', r"\1  # the cluster has 2.13\n", text, count=1)


@on_file("pyproject.toml")
def dependencies_on_one_line(text: str) -> str:
    found = re.search(r"dependencies = \[\n((?:    .*\n)*?)\]", text)
    if not found:
        raise NotHere("dependencies")
    items = ", ".join(line.strip().rstrip(",") for line in found[1].splitlines())
    return text[: found.start()] + f"dependencies = [{items}]" + text[found.end() :]


@on_file("pyproject.toml")
def extra_added(text: str) -> str:
    return swapped(text, "dev = [", 'track = ["wandb>=0.16"]\ndev = [')


@on_file("pyproject.toml")
def tool_section_added(text: str) -> str:
    return text + "\n[tool.black]\nline-length = 100\n"


@on_file("pyproject.toml")
def tool_section_in_the_middle(text: str) -> str:
    section = "[tool.coverage.run]\nbranch = true\n\n"
    return swapped(text, "[tool.ruff]\n", f"{section}[tool.ruff]\n")


@on_file("pyproject.toml")
def toml_value_changed(text: str) -> str:
    return swapped(text, "line-length = 88", "line-length = 100")


@on_file("pyproject.toml")
def toml_version_raised(text: str) -> str:
    return swapped(text, 'version = "0.1.0"', 'version = "0.2.0"')


@on_file("pyproject.toml")
def toml_comment_added(text: str) -> str:
    return swapped(text, "[project]\n", "# Released by hand.\n[project]\n")


@on_file("pyproject.toml")
def toml_authors_added(text: str) -> str:
    return swapped(text, "readme = ", 'authors = [{ name = "Ana" }]\nreadme = ')


@on_file("pyproject.toml")
def toml_tables_reordered(text: str) -> str:
    head, build, rest = re.split(r"(?m)^(\[build-system\]\n(?:.+\n)+)\n", text)
    return f"{head}{rest}\n{build}"


# .gitignore, README.md, ci.yml


@on_file(".gitignore")
def ignored_line_added(text: str) -> str:
    return text + "wandb/\n"


@on_file(".gitignore")
def ignored_lines_with_a_comment(text: str) -> str:
    return "# ours\n.env\n\n" + text


@on_file(".gitignore")
def ignored_line_removed(text: str) -> str:
    return swapped(text, "dist/\n", "")


@on_file(".gitignore")
def ignored_lines_sorted(text: str) -> str:
    return "".join(sorted(text.splitlines(keepends=True)))


@on_file("README.md")
def section_added_at_the_end(text: str) -> str:
    return text + "\n## Results\n\n| run | accuracy |\n| --- | --- |\n| 1 | 0.97 |\n"


@on_file("README.md")
def section_added_in_the_middle(text: str) -> str:
    return swapped(text, "## Schedule\n", "## Data\n\nAsk Ana.\n\n## Schedule\n")


@on_file("README.md")
def section_edited(text: str) -> str:
    return swapped(text, "The code is yours: edit any file.", "The code is ours now.")


@on_file("README.md")
def paragraph_added_to_a_section(text: str) -> str:
    old = "\n## Schedule\n"
    return swapped(text, old, f"\nChosen after a sweep of 40 runs.\n{old}")


@on_file("README.md")
def heading_reworded(text: str) -> str:
    return swapped(text, "## Command line\n", "## Flags\n")


@on_file("README.md")
def section_moved(text: str) -> str:
    found = re.search(r"## Command line\n.*?(?=^## )", text, re.S | re.M)
    if not found:
        raise NotHere("section")
    rest = text[: found.start()] + text[found.end() :]
    return swapped(rest, "## Optimizer\n", found[0] + "## Optimizer\n")


@on_file("README.md")
def section_deleted(text: str) -> str:
    return re.sub(r"## The specification\n.*", "", text, flags=re.S).rstrip("\n") + "\n"


@on_file("README.md")
def title_changed(text: str) -> str:
    return "# Digits, our way\n" + text.partition("\n")[2]


@on_file("ci.yml")
def step_added(text: str) -> str:
    return text + "      - run: python -m sample_run.train --fast-dev-run\n"


@on_file("ci.yml")
def job_added(text: str) -> str:
    return text + "  docs:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make docs\n"


@on_file("ci.yml")
def yaml_value_changed(text: str) -> str:
    return swapped(text, '"3.11"', '"3.12"')


@on_file("ci.yml")
def yaml_comment_added(text: str) -> str:
    return swapped(text, "      - run: mypy\n", "      # types\n      - run: mypy\n")
