"""The spec flags where there are several optimizers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.command import Lightgen

SPEC = """\
# Ours.
[project]
package = "two"

# It learns slowly.
[optimizers.body]
name = "SGD"
momentum = 0.9 # as ever
frequency = 2

[optimizers.body.groups.backbone]
momentum = 0.8

[optimizers.head]
name = "AdamW"

[optimizers.head.scheduler]
name = "StepLR"
step_size = 10
"""


@pytest.fixture
def spec(lightgen: Lightgen) -> Path:
    return lightgen.write("two.toml", SPEC)


def optimizers_of(lightgen: Lightgen, *words: str | Path) -> Any:
    return tomllib.loads(lightgen.spec("--spec", "two.toml", *words))["optimizers"]


@pytest.mark.parametrize(
    ("assignment", "value"),
    {
        "optimizers.head.lr=1e-4": 1e-4,
        "optimizers.head.frequency=3": 3,
        "optimizers.head.accumulate_grad_batches=2": 2,
        "optimizers.head.gradient_clip_val=.5": 0.5,
        "optimizers.head.gradient_clip_val=1": 1,
        "optimizers.head.betas=(0.5, .9)": [0.5, 0.9],
        "optimizers.head.amsgrad=True": True,
        "optimizers.head.groups.head.lr=x0.1": "x0.1",
        "optimizers.head.groups.head.lr=1e-2": 1e-2,
        "optimizers.head.groups.head.match=head.*": "head.*",
        "optimizers.head.groups.head.freeze=until_epoch:2": "until_epoch:2",
        "optimizers.body.groups.backbone.layer_decay=.5": 0.5,
        "optimizers.body.groups.backbone.maximize=on": True,
        "optimizers.head.scheduler.gamma=.5": 0.5,
        "optimizers.head.scheduler.interval=step": "step",
    }.items(),
)
def test_text_is_read_as_the_type_of_its_field(
    lightgen: Lightgen, spec: Path, assignment: str, value: object
) -> None:
    found = optimizers_of(lightgen, "--set", assignment)
    at: Any = {"optimizers": found}
    for part in assignment.partition("=")[0].split("."):
        at = at[part]
    assert (type(at), at) == (type(value), value)


def test_another_class_drops_what_it_has_not(lightgen: Lightgen, spec: Path) -> None:
    words = ("--set", "optimizers.body.name=adam", "--set", "optimizers.head.scheduler.name=cosine")
    outcome = lightgen.done("new", "run", "--spec", spec, *words)
    assert outcome.notes == [
        "adam has no argument momentum: optimizers.body.momentum is dropped",
        "adam has no argument momentum: optimizers.body.groups.backbone.momentum is dropped",
        "cosine has no argument step_size: optimizers.head.scheduler.step_size is dropped",
    ]
    written = tomllib.loads((lightgen.folder / "run/lightgen.toml").read_text())["optimizers"]
    assert written == {
        "body": {"name": "adam", "frequency": 2, "groups": {"backbone": {}}},
        "head": {"name": "AdamW", "scheduler": {"name": "cosine"}},
    }


def test_a_schedule_is_left_out(lightgen: Lightgen, spec: Path) -> None:
    found = optimizers_of(lightgen, "--set", "optimizers.head.scheduler.name=none")
    assert found["head"] == {"name": "AdamW"}


@pytest.mark.parametrize(
    "words",
    [
        ("--optimizer", "sgd"),
        ("--groups", "a:1,b:2"),
        ("--scheduler", "cosine"),
        ("--lr", "1e-3"),
        ("--optimizer", "sgd", "--scheduler", "cosine", "--lr", "1e-3"),
    ],
)
def test_flags_of_the_only_optimizer_are_refused(
    lightgen: Lightgen, spec: Path, words: tuple[str, ...]
) -> None:
    assert lightgen.refused("new", "run", "--spec", spec, *words) == [
        f"{', '.join(words[::2])}: there are several optimizers: body, head; "
        "say which, as in --set optimizers.body.lr=1e-3; or --set optimizers= for one alone"
    ]


def test_one_optimizer_in_place_of_several(lightgen: Lightgen, spec: Path) -> None:
    text = lightgen.spec("--spec", spec, "--set", "optimizers=", "--optimizer", "sgd")
    assert tomllib.loads(text) == {"project": {"package": "two"}, "optimizer": {"name": "sgd"}}


def test_a_new_spec_brings_its_order(lightgen: Lightgen, spec: Path) -> None:
    """Of optimizers, which is that of their steps, and of groups, where the first match wins."""
    lightgen.done("new", "run", "--spec", spec)
    body, head = SPEC.index("# It learns"), SPEC.index("[optimizers.head]")
    turned = (
        SPEC[:body]
        + SPEC[head:]
        + "\n"
        + SPEC[body:head].replace(
            "[optimizers.body.groups.backbone]",
            '[optimizers.body.groups.biases]\nmatch = "backbone.*.bias"\n\n'
            "[optimizers.body.groups.backbone]",
        )
    )
    lightgen.done("update", "run", "--spec", lightgen.write("turned.toml", turned))
    text = (lightgen.folder / "run/lightgen.toml").read_text()
    written = tomllib.loads(text)["optimizers"]
    assert list(written) == ["head", "body"]
    assert list(written["body"]["groups"]) == ["biases", "backbone"]
    assert "momentum = 0.9 # as ever" in text
    lightgen.done("update", "run", "--spec", spec)
    again = tomllib.loads((lightgen.folder / "run/lightgen.toml").read_text())["optimizers"]
    assert list(again) == ["body", "head"]
