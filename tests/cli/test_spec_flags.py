"""Spec file and flags together: the file keeps what its author wrote, flags come on top."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.command import Lightgen

HEADER = "#:schema .lightgen/schema.json\n"
WRITTEN = """\
# The spec of a careful author.
task = "classification"  # the default, said

# The head first.
[groups.head]
lr = 1e-3  # as in the paper
weight_decay = 0.1

[groups.backbone] # pretrained
freeze = true

[trainer]
# long
max_epochs = 5   # nights are short

[optimizer]   # below its groups
name = "SGD" # at first
momentum = 0.8

[project]
package = "careful"
"""


def content(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def from_flags(lightgen: Lightgen, *words: str) -> dict[str, Any]:
    found = content(lightgen.spec(*words))
    assert found.pop("project")["package"] == "run"
    return found


def test_a_spec_file_stays_as_it_was_written(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", WRITTEN)
    assert lightgen.spec("--spec", "spec.toml") == HEADER + WRITTEN
    assert (lightgen.folder / "spec.toml").read_text() == WRITTEN


def test_a_spec_file_that_names_its_schema_stays_byte_for_byte(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", HEADER + WRITTEN)
    assert lightgen.spec("--spec", "spec.toml") == HEADER + WRITTEN


def test_a_spec_file_without_a_package_gets_the_name_of_the_folder(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", "seed = 1\n")
    text = lightgen.spec("--spec", "spec.toml")
    assert text == HEADER + 'seed = 1\n\n[project]\npackage = "run"\n'


CHANGES = {
    ("--lr", "0.05"): ("momentum = 0.8\n", "momentum = 0.8\nlr = 0.05\n"),
    ("--set", "trainer.max_epochs=7"): ("max_epochs = 5 ", "max_epochs = 7 "),
    ("--set", "trainer.max_steps=9"): ("are short\n", "are short\nmax_steps = 9\n"),
    ("--set", "optimizer.momentum="): ("momentum = 0.8\n", ""),
    ("--set", "groups.head.lr=x0.5"): ("lr = 1e-3  #", 'lr = "x0.5"  #'),
    ("--set", "groups.head.weight_decay=.2"): ("weight_decay = 0.1", "weight_decay = 0.2"),
    ("--set", "groups.neck.lr=1e-4"): (
        "freeze = true\n",
        "freeze = true\n\n[groups.neck]\nlr = 1e-4\n",
    ),
    ("--optimizer", "sgd"): ('"SGD" #', '"sgd" #'),
    ("--scheduler", "cosine"): (
        'package = "careful"\n',
        'package = "careful"\n\n[scheduler]\nname = "cosine"\n',
    ),
    ("--groups", "head:1e-2,backbone:freeze"): ("lr = 1e-3  #", "lr = 0.01  #"),
    ("--groups", "head:1e-3,neck:x0.5,backbone:freeze"): (
        "[groups.backbone] #",
        '[groups.neck]\nlr = "x0.5"\n\n[groups.backbone] #',
    ),
    ("--groups", "head:1e-3"): ("[groups.backbone] # pretrained\nfreeze = true\n\n", ""),
    ("--groups", "head:1e-3,backbone:x0.1"): ("freeze = true\n", 'lr = "x0.1"\n'),
}


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_a_flag_changes_what_it_names_and_keeps_comments_and_order(
    lightgen: Lightgen, words: tuple[str, ...]
) -> None:
    old, new = CHANGES[words]
    assert WRITTEN.count(old) == 1
    lightgen.write("spec.toml", WRITTEN)
    text = lightgen.spec("--spec", "spec.toml", *words)
    squeezed = [line for line in text.splitlines() if line]
    expected = [line for line in (HEADER + WRITTEN.replace(old, new)).splitlines() if line]
    assert squeezed == expected


def test_groups_flag_sets_the_order_and_a_group_that_stays_keeps_its_settings(
    lightgen: Lightgen,
) -> None:
    lightgen.write("spec.toml", WRITTEN)
    text = lightgen.spec("--spec", "spec.toml", "--groups", "neck:1e-4,backbone:1e-5,head:1e-2")
    groups = content(text)["groups"]
    assert list(groups) == ["neck", "backbone", "head"]
    assert groups["head"] == {"lr": 0.01, "weight_decay": 0.1}
    assert groups["backbone"] == {"lr": 1e-5}
    assert "lr = 0.01  # as in the paper" in text and "[groups.backbone] # pretrained" in text


@pytest.mark.parametrize(
    "text",
    [
        'optimizer.name = "sgd"\ngroups.a.lr = 1\ngroups.b.lr = 2\n[trainer]\nmax_epochs = 3\n',
        'groups = {a = {lr = 1}, b = {lr = 2}}\noptimizer = {name = "sgd"}\n',
        "[groups]\na.lr = 1\nb = {lr = 2}\n[optimizer]\nname = 'sgd'\n",
        "[groups.a]\nlr = 1\n[optimizer]\nname = 'sgd'\n[groups.b]\nlr = 2\n",
    ],
    ids=["dotted", "inline", "mixed", "scattered"],
)
@pytest.mark.parametrize(
    ("words", "order"),
    [
        (("--set", "groups.c.momentum=0.5"), ["a", "b", "c"]),
        (("--groups", "b:2,c:momentum=0.5,a:1"), ["b", "c", "a"]),
        (("--groups", "c:momentum=0.5"), ["c"]),
    ],
    ids=["set", "reordered", "replaced"],
)
def test_every_way_of_writing_tables_takes_changes(
    lightgen: Lightgen, text: str, words: tuple[str, str], order: list[str]
) -> None:
    lightgen.write("spec.toml", text)
    said = content(lightgen.spec("--spec", "spec.toml", *words))
    rates = {"a": {"lr": 1}, "b": {"lr": 2}, "c": {"momentum": 0.5}}
    assert said["groups"] == {name: rates[name] for name in order}
    assert said["optimizer"] == {"name": "sgd"}
    if words[0] == "--groups":
        assert list(said["groups"]) == order


def test_line_ends_are_of_one_kind(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", WRITTEN.replace("\n", "\r\n"))
    lightgen.done("new", "made", "--spec", "spec.toml", "--scheduler", "wsd")
    text = (lightgen.folder / "made/lightgen.toml").read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n") > WRITTEN.count("\n")


def test_a_byte_order_mark_is_read(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", b"\xef\xbb\xbfseed = 1\n")
    assert content(lightgen.spec("--spec", "spec.toml"))["seed"] == 1


# KEY=VALUE of --set, and what the spec then holds at KEY.
VALUES = {
    "seed=7": 7,
    "seed=1e3": 1000,
    "task=Regression": "Regression",
    "task='regression'": "regression",
    "data.batch_size=32": 32,
    "data.batch_size=32.0": 32,
    "model.bias=False": False,
    "model.bias=on": True,
    "model.width=256": 256,
    "project.lightning=lightning": "lightning",
    "optimizer.lr=1e-3": 0.001,
    "optimizer.lr=.001": 0.001,
    "optimizer.lr=1": 1,
    "optimizer.betas=0.9,0.95": [0.9, 0.95],
    "optimizer.betas=[.9, .95]": [0.9, 0.95],
    "optimizer.betas=(0.9,0.95)": [0.9, 0.95],
    "optimizer.amsgrad=True": True,
    "optimizer.foreach=none": "none",
    "groups.backbone.lr=1e-4": 1e-4,
    "groups.backbone.lr=x0.1": "x0.1",
    "groups.backbone.freeze=false": False,
    "groups.backbone.match=backbone.0": "backbone.0",
    "groups.backbone.match=[backbone.0,re:a{1,2}]": ["backbone.0", "re:a{1,2}"],
    "groups.backbone.match=re:[0,1]": "re:[0,1]",
    "groups.backbone.weight_decay=0": 0,
    "trainer.precision=bf16-mixed": "bf16-mixed",
    "trainer.precision=16": "16",
    "trainer.max_epochs=1e1": 10,
    "trainer.max_epochs=none": "none",
    "trainer.deterministic=true": True,
    "trainer.gradient_clip_val=.5": 0.5,
    "trainer.limit_train_batches=0.5": 0.5,
    "trainer.limit_train_batches=5": 5,
    "trainer.devices=2": 2,
    "trainer.devices=auto": "auto",
    "trainer.max_time=00:01:00:00": "00:01:00:00",
    "trainer.default_root_dir=3.10": "3.10",
    "trainer.default_root_dir=a=b": "a=b",
}


@pytest.mark.parametrize("assignment", VALUES)
def test_set_reads_text_as_the_type_of_the_field(lightgen: Lightgen, assignment: str) -> None:
    found: Any = content(lightgen.spec("--set", assignment))
    for part in assignment.partition("=")[0].split("."):
        found = found[part]
    expected = VALUES[assignment]
    assert (found, type(found)) == (expected, type(expected))


ARGUMENTS: dict[str, dict[str, Any]] = {
    "--scheduler steplr --set scheduler.step_size=3": {"step_size": 3},
    "--scheduler multisteplr --set scheduler.milestones=3,6": {"milestones": [3, 6]},
    "--set scheduler.gamma=.5 --set scheduler.name=StepLR": {"gamma": 0.5},
    "--set optimizer.momentum=.5 --set optimizer.name=sgd": {"momentum": 0.5},
    "--optimizer adafactor --set optimizer.eps=none,1e-3": {"eps": ["none", 0.001]},
    "--optimizer lbfgs --set optimizer.line_search_fn=none": {"line_search_fn": "none"},
    "--optimizer lbfgs --set optimizer.max_iter=1e1": {"max_iter": 10},
}


@pytest.mark.parametrize("words", ARGUMENTS)
def test_set_knows_the_arguments_of_the_chosen_class(lightgen: Lightgen, words: str) -> None:
    found = from_flags(lightgen, *words.split())
    [table] = found.values()
    assert {key: value for key, value in table.items() if key != "name"} == ARGUMENTS[words]


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        ("0.5", ".25", 0.25),
        ("true", "False", False),
        ("[1.0, 2.0]", "(3, 4)", [3, 4]),
        ("{default = 0.5, min = 0}", "1e-1", 0.1),
        ("{default = [0.5], max = 1}", "1", [1]),
    ],
)
def test_set_and_groups_know_a_custom_optimizers_own_hyperparameters(
    lightgen: Lightgen, default: str, text: str, value: Any
) -> None:
    custom = ("--optimizer", "custom", "--set", f"optimizer.hyperparameters.trust={default}")
    found = from_flags(
        lightgen, f"--set=optimizer.trust={text}", *custom, "--groups", f"a:1,trust={text},b:1"
    )
    assert found["optimizer"]["trust"] == found["groups"]["a"]["trust"] == value


def test_groups_know_the_optimizer_that_set_names(lightgen: Lightgen) -> None:
    words = ("--set", "optimizer.name=sgd", "--groups", "a:1,momentum=0.5,b:1")
    assert from_flags(lightgen, *words)["groups"]["a"] == {"lr": 1, "momentum": 0.5}


def test_the_last_of_two_assignments_counts(lightgen: Lightgen) -> None:
    assert from_flags(lightgen, "--set", "seed=1", "--set", "seed=2")["seed"] == 2


def test_an_empty_value_takes_a_key_out(lightgen: Lightgen) -> None:
    assert "seed" not in from_flags(lightgen, "--set", "seed=1", "--set", "seed=")


def test_scheduler_none_takes_the_schedule_out(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", "[scheduler]\nname = 'StepLR'\nstep_size = 3\n")
    assert "scheduler" not in from_flags(lightgen, "--spec", "spec.toml", "--scheduler", "none")


GRAMMAR = {
    "backbone:1e-4,head:1e-3": {"backbone": {"lr": 1e-4}, "head": {"lr": 1e-3}},
    " a : 1 , b : 2 ": {"a": {"lr": 1}, "b": {"lr": 2}},
    "a:x0.1,b:freeze,c:1": {"a": {"lr": "x0.1"}, "b": {"freeze": True}, "c": {"lr": 1}},
    "a=a.0:1,rest:2": {"a": {"match": "a.0", "lr": 1}, "rest": {"lr": 2}},
    "a=*.bias:1,rest:2": {"a": {"match": "*.bias", "lr": 1}, "rest": {"lr": 2}},
    "a=re:x(?:0|1){1,2}:1,rest:2": {"a": {"match": "re:x(?:0|1){1,2}", "lr": 1}, "rest": {"lr": 2}},
    "a:1;weight_decay=0,b:2": {"a": {"lr": 1, "weight_decay": 0}, "b": {"lr": 2}},
    "a:1,weight_decay=0,b:2": {"a": {"lr": 1, "weight_decay": 0}, "b": {"lr": 2}},
    "a:betas=[0.9,0.95],eps=1e-6,b:2": {"a": {"betas": [0.9, 0.95], "eps": 1e-6}, "b": {"lr": 2}},
    "a:lr=x0.5;amsgrad=true,b:2": {"a": {"lr": "x0.5", "amsgrad": True}, "b": {"lr": 2}},
    "a.0:1,rest:2": {"a.0": {"lr": 1}, "rest": {"lr": 2}},
}  # fmt: skip


@pytest.mark.parametrize("groups", GRAMMAR)
def test_the_grammar_of_groups(lightgen: Lightgen, groups: str) -> None:
    assert from_flags(lightgen, "--groups", groups)["groups"] == GRAMMAR[groups]


def test_another_class_drops_what_it_does_not_have_and_says_so(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", WRITTEN + "[scheduler]\nname = 'StepLR'\nstep_size = 3\n")
    words = ("--spec", "spec.toml", "--optimizer", "adamw", "--scheduler", "cosine")
    outcome = lightgen.done("new", "run", *words)
    assert outcome.notes == [
        "adamw has no argument momentum: optimizer.momentum is dropped",
        "cosine has no argument step_size: scheduler.step_size is dropped",
    ]
    said = content((lightgen.folder / "run/lightgen.toml").read_text())
    assert said["optimizer"] == {"name": "adamw"} and said["scheduler"] == {"name": "cosine"}


def test_a_schedule_beside_averages_is_told(lightgen: Lightgen) -> None:
    rule = str(Path(__file__).parents[2] / "golden/rules/schedulefree_adamw.py")
    assert lightgen.done("new", "plain", "--rule", rule).notes == []
    assert lightgen.done("new", "run", "--rule", rule, "--scheduler", "cosine").notes == [
        "cosine: a rule with to_eval is mostly one that needs no schedule"
    ]


def test_a_length_without_an_interval_is_told(lightgen: Lightgen) -> None:
    words = ("--scheduler", "cosineannealinglr", "--set", "scheduler.T_max=5")
    assert lightgen.done("new", "run", *words).notes == [
        "CosineAnnealingLR: T_max counts epochs; set scheduler.interval = 'step' if you mean steps"
    ]
