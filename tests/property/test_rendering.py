"""The same spec gives the same bytes anywhere, and black leaves them as they are."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import black
from hypothesis import assume, given, settings
from support.projects import lay_out, plan_of
from support.strategies import schedule_tables, specs

from lightgen.problems import InputError
from lightgen.render.project import render_project
from lightgen.tree import Tree

TESTS = Path(__file__).parents[1]
LINE = 88


def rendered(spec: dict[str, Any]) -> Tree:
    """The render of a spec; one that does not hold is left out."""
    try:
        return render_project(plan_of(spec))
    except InputError:
        assume(False)
        raise


@functools.cache
def is_stable(text: str) -> bool:
    return black.format_str(text, mode=black.Mode(line_length=LINE)) == text


@given(specs())
@settings(max_examples=40)
def test_black_leaves_every_file_as_it_is(spec: dict[str, Any]) -> None:
    for path, file in rendered(spec).items():
        if path.endswith(".py"):
            assert is_stable(file.text), path


@given(specs())
@settings(max_examples=10)
def test_the_same_spec_gives_the_same_bytes(spec: dict[str, Any]) -> None:
    assert rendered(spec) == rendered(spec)


@given(specs())
@settings(max_examples=10)
def test_every_file_is_text_with_unix_line_ends(spec: dict[str, Any]) -> None:
    for path, file in rendered(spec).items():
        assert file.text.endswith("\n") and "\r" not in file.text and "\0" not in file.text, path
        assert not any(line != line.rstrip() for line in file.text.splitlines()), path


def test_ruff_finds_nothing_whatever_the_schedule(tmp_path: Path) -> None:
    """Undefined and unused names above all: one call over many projects."""
    made: list[dict[str, Any]] = []

    @given(specs(), schedule_tables())
    @settings(max_examples=80)
    def make(spec: dict[str, Any], schedule: dict[str, Any]) -> None:
        spec = {**spec, "scheduler": schedule}
        with contextlib.suppress(InputError):
            lay_out(render_project(plan_of(spec)), tmp_path / str(len(made)))
            made.append(spec)

    make()
    assert len(made) > 30
    ruff = [
        Path(sys.executable).with_name("ruff"),
        "check",
        "--no-cache",
        "--output-format=concise",
    ]
    done = subprocess.run([*ruff, tmp_path], capture_output=True, text=True)
    assert done.stdout == "All checks passed!\n"


def digests(all_specs: list[dict[str, Any]]) -> list[str]:
    found = []
    for spec in all_specs:
        total = hashlib.sha256()
        for path, file in render_project(plan_of(spec)).items():
            total.update(path.encode() + b"\0" + file.content + b"\0")
        found.append(total.hexdigest())
    return found


SPECS: list[dict[str, Any]] = [
    {},
    {"optimizer": {"name": "custom", "hyperparameters": {"a": 0.1, "b": [0.1, 0.2], "c": True}}},
    {"groups": {"stem": {"freeze": True}, "body": {"lr": "x0.1"}, "rest": {"lr": 1e-2}}},
    {"groups": {"a": {"match": ["x.*", "re:y"], "eps": 1e-6, "amsgrad": True}, "rest": {}}},
    {"optimizer": {"name": "Muon"}, "scheduler": {"name": "wsd", "warmup_steps": 5}},
    {"scheduler": {"name": "SequentialLR"}, "task": "regression"},
    {"trainer": {"logger": "tensorboard", "precision": "bf16-mixed", "devices": 1}},
]


def test_the_seed_of_hashes_changes_no_byte() -> None:
    code = (
        "import json, sys; sys.path[:0] = json.loads(sys.argv[1]);"
        "from test_rendering import SPECS, digests; print(json.dumps(digests(SPECS)))"
    )
    folders = json.dumps([str(TESTS), str(TESTS / "property")])
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, folders],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout) == digests(SPECS)


def test_the_strategy_reaches_most_of_the_catalogue() -> None:
    """The claims above are about many specs, not a few."""
    optimizers, schedulers, counts = set(), set(), set()

    @given(specs())
    @settings(max_examples=200)
    def look(spec: dict[str, Any]) -> None:
        try:
            plan = plan_of(spec)
        except InputError:
            return
        optimizers.add(plan.optimizer.class_name)
        schedulers.add(plan.schedule.record.name if plan.schedule else None)
        counts.add(len(plan.groups))

    look()
    assert len(optimizers) >= 14 and len(schedulers) >= 14 and counts >= {1, 2, 3, 4}
