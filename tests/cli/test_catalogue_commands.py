"""`lightgen list` and `lightgen show` print the catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from support.command import Lightgen

from lightgen.cli.catalogue import KINDS

ENTRIES = [(kind, name) for kind, records in KINDS.items() for name in records()]
# Of the many classes of other packages a few, and every other entry.
_OTHERS = [entry for entry in ENTRIES if entry[0] == "optimizers" and "." in entry[1]]
SHOWN = [entry for entry in ENTRIES if entry not in _OTHERS] + _OTHERS[::20]
SPELLINGS = [
    ("optimizers", "optimizer"),
    ("schedulers", "scheduler"),
    ("models", "model"),
    ("data", "data"),
    ("tasks", "task"),
]


def test_list_prints_every_name_of_every_kind(lightgen: Lightgen) -> None:
    words = {line.split()[0] for line in lightgen.done("list").out.splitlines()}
    assert words == {*KINDS, *(name for _, name in ENTRIES)}


@pytest.mark.parametrize(("plural", "singular"), SPELLINGS)
def test_list_takes_a_kind_in_both_numbers_and_any_case(
    lightgen: Lightgen, plural: str, singular: str
) -> None:
    out = lightgen.done("list", plural).out
    assert out.splitlines()[0] == plural
    entries = [line for line in out.splitlines() if line.startswith("  ")]
    assert [line.split()[0] for line in entries] == list(KINDS[plural]())
    assert lightgen.done("list", singular).out == out
    assert lightgen.done("list", plural.upper()).out == out


def test_list_as_json_is_one_object(lightgen: Lightgen) -> None:
    said = lightgen.done("list", "--json").json
    assert (said.pop("exit_code"), said.pop("files"), said.pop("problems")) == (0, [], [])
    assert {kind: [entry["name"] for entry in entries] for kind, entries in said.items()} == {
        kind: list(records()) for kind, records in KINDS.items()
    }
    assert all(entry["summary"] for entries in said.values() for entry in entries)


@pytest.mark.parametrize(("kind", "name"), SHOWN)
def test_show_prints_every_entry_in_any_spelling(lightgen: Lightgen, kind: str, name: str) -> None:
    out = lightgen.done("show", kind, name).out
    assert out.startswith(f"{name}: ")
    assert lightgen.done("show", dict(SPELLINGS)[kind].upper(), name.lower()).out == out
    assert lightgen.done("show", kind, name.upper()).out == out


@pytest.mark.parametrize(("kind", "name"), SHOWN)
def test_show_as_json_is_one_object(lightgen: Lightgen, kind: str, name: str) -> None:
    said = lightgen.done("show", kind, name, "--json").json
    assert (said["exit_code"], said["problems"], said["name"]) == (0, [], name)


def arguments(lightgen: Lightgen, kind: str, name: str) -> dict[str, dict[str, Any]]:
    said = lightgen.done("show", kind, name, "--json").json
    return {argument["name"]: argument for argument in said["arguments"]}


def test_show_says_default_range_and_customary_value(lightgen: Lightgen) -> None:
    assert arguments(lightgen, "optimizer", "SGD")["momentum"] == {
        "name": "momentum",
        "required": False,
        "default": 0,
        "range": "[0, 1)",
        "meaning": "decay of the gradients' running sum",
    }
    assert lightgen.done("show", "optimizer", "SGD", "--json").json["customary"] == {
        "lr": 0.1,
        "momentum": 0.9,
    }


def test_show_says_what_is_required(lightgen: Lightgen) -> None:
    assert arguments(lightgen, "scheduler", "StepLR")["step_size"]["required"]


def test_show_says_what_an_optimizer_cannot_do(lightgen: Lightgen) -> None:
    out = lightgen.done("show", "optimizer", "lbfgs").out
    assert "constraint: needs a closure: no accumulation, no fp16 gradient scaler" in out
    assert "constraint: one parameter group" in out


def test_show_of_a_model_says_what_is_known_and_no_more(lightgen: Lightgen) -> None:
    lines = lightgen.done("show", "model", "torchvision.models.resnet18").out.splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == [
        *("pattern", "classes", "images", "fixed"),
    ]


def test_the_summaries_of_a_package_stand_in_a_column(lightgen: Lightgen) -> None:
    out = lightgen.done("list", "schedulers").out
    lines = out.partition("schedulers of transformers\n")[2].partition("schedulers of")[0]
    columns = {len(line) - len(line[2:].partition(" ")[2].lstrip()) for line in lines.splitlines()}
    assert len(columns) == 1


UNKNOWN = {
    ("list", "optimiser"): "KIND: unknown kind 'optimiser'; did you mean 'optimizers'?",
    ("list", "x"): "KIND: unknown kind 'x'; known: data, models, optimizers, schedulers, tasks",
    ("show", "x", "sgd"): "KIND: unknown kind 'x'; "
    "known: data, models, optimizers, schedulers, tasks",
    ("show", "optimizer", "adamv"): "NAME: unknown optimizer 'adamv'; did you mean 'Adam'?",
    ("show", "optimizer", "sgdp"): "NAME: unknown optimizer 'sgdp'; did you mean "
    "'pytorch_optimizer.SGDP' or 'timm.optim.SGDP'?",
    ("show", "schedulers", "cosin"): "NAME: unknown scheduler 'cosin'; did you mean 'cosine'?",
    ("show", "data", "x"): "NAME: unknown data 'x'; "
    "known: diabetes, digits, digits-0-4, digits-5-9, pydoc",
    ("show", "task", ""): "NAME: unknown task ''; "
    "known: classification, gan, language-model, regression, transfer",
}


@pytest.mark.parametrize("words", UNKNOWN, ids=" ".join)
def test_an_unknown_name_is_told_with_a_guess(lightgen: Lightgen, words: tuple[str, ...]) -> None:
    outcome = lightgen(*words)
    assert (outcome.code, outcome.out, outcome.messages) == (2, "", [UNKNOWN[words]])


def test_an_unknown_name_is_one_object_with_json(lightgen: Lightgen) -> None:
    outcome = lightgen("show", "optimizer", "adamv", "--json")
    assert outcome.code == outcome.json["exit_code"] == 2
    assert outcome.json["problems"] == [
        {"where": "NAME", "what": "unknown optimizer 'adamv'", "todo": "did you mean 'Adam'?"}
    ]
