"""What edits and a spec change make together is trained, and its own tests pass."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.edits import EDITS
from support.merging import merge
from support.projects import PACKAGE, in_project, lay_out, run_pytest
from support.spec_changes import change

from lightgen.tree import Tree

pytestmark = pytest.mark.slow

# Edits that stack, and the spec change that they meet.
STORIES = {
    "a scheduler in": ["attribute_renamed_everywhere", "black_100_everywhere"],
    "custom to AdamW": ["class_renamed", "method_at_the_end", "single_quotes_everywhere"],
    "AdamW to custom": ["module_renamed", "statement_before_return"],
    "a group more": ["import_alias_added", "comment_inside_a_call"],
    "the task": ["function_moved_to_a_new_file", "crlf_everywhere"],
    "AdamW to SGD": ["parameter_renamed", "definitions_sorted"],
    "much at once": ["local_renamed", "wrapped_in_with", "callback_appended"],
}


@pytest.fixture(scope="module", autouse=True)
def torch_is_loaded() -> None:
    """Import it once; the children get it by forking."""
    pytest.importorskip("torch")
    pytest.importorskip("pytorch_lightning")


def edited(tree: Tree, names: list[str]) -> Tree:
    for name in names:
        after = EDITS[name](tree)
        assert after is not None, name
        tree = after
    return tree


def train_one_epoch() -> None:
    from importlib import import_module

    sys.argv = ["train", "--max-epochs=1"]
    import_module(f"{PACKAGE}.train").main()


@pytest.mark.parametrize("name", STORIES)
def test_it_trains_and_its_tests_pass(name: str, tmp_path: Path) -> None:
    met = change(name)
    result = merge(met.before, edited(met.before, STORIES[name]), met.after)
    assert not [each for each in result.conflicts if not each.startswith("README.md")]
    folder = lay_out(result.tree, tmp_path)
    in_project(folder, train_one_epoch)
    assert in_project(folder, run_pytest) == 0
