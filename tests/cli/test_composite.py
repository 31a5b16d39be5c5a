"""A composite, its groups' classes and `ndim` on the command line, and what cannot be."""

from __future__ import annotations

import tomllib

import pytest
from support.command import Lightgen

ALONE = (
    "evaluates the loss of the whole model several times a step: it steps alone; "
    "choose another class, or LBFGS for the whole model"
)
MATRICES = (
    "Muon trains parameters with two dimensions only; "
    "set groups.a.ndim = 2, and let a group after it take the others"
)
REFUSED = {
    "--lr 0.1": "optimizer.lr: a composite has no arguments, its groups have; set groups.NAME.lr",
    "--set optimizer.betas=0.9,0.99": "optimizer.betas: "
    "a composite has no arguments, its groups have; set groups.NAME.betas",
    "--set optimizer.class_name=Mine": "optimizer.class_name: "
    "belongs to a custom optimizer; name = 'custom'",
    "--groups a:1e-3,b:1e-3": "groups: no group names the class that trains it; "
    "set groups.a.optimizer = 'Muon', for example, or choose another optimizer",
    "--groups a:optimizer=lbfgs,b:1e-3": f"groups.a.optimizer: LBFGS {ALONE}",
    "--groups a:optimizer=sparseadam,b:1e-3": "groups.a.optimizer: SparseAdam takes sparse "
    "gradients only, and the groups beside it have dense ones; "
    "choose another class, or SparseAdam for the whole model",
    "--groups a:optimizer=adan,b:1e-3": "groups.a.optimizer: unknown optimizer 'adan'; "
    "did you mean 'Adam'?",
    "--groups a:optimizer=muon,b:1e-3": f"groups.a.optimizer: {MATRICES}",
    "--groups a:optimizer=muon;ndim=1,rest:1e-3": f"groups.a.optimizer: {MATRICES}",
    "--groups a:optimizer=sgd;betas=(0.9,0.9),b:1e-3": "groups.a.betas: "
    "SGD has no argument 'betas'; "
    "known: dampening, foreach, fused, maximize, momentum, nesterov, weight_decay",
    "--groups a:optimizer=sgd;nesterov=true;momentum=0,b:1e-3": "groups.a.nesterov: "
    "Nesterov momentum needs momentum above 0 and dampening 0; "
    "set groups.a.momentum, remove groups.a.dampening",
    "--groups a:freeze;optimizer=sgd,b:1e-3": "groups.a.optimizer: "
    "a frozen group is trained by no class; remove one of the two",
    "--set model.name=cnn": "optimizer.name: "
    "Muon trains hidden matrices, and a cnn has none that torch's Muon takes; "
    "choose another model, or name the class of each group: groups.NAME.optimizer",
    "--scheduler onecyclelr --set scheduler.cycle_momentum=true": "scheduler.cycle_momentum: "
    "composite has neither momentum nor betas; set it to false",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_a_composite_cannot_be_is_told(lightgen: Lightgen, words: str) -> None:
    told = lightgen.refused("new", "run", "--optimizer", "composite", *words.split())
    assert told == [REFUSED[words]]


def test_a_composite_of_an_embedding_bag_is_refused(lightgen: Lightgen) -> None:
    words = ("--optimizer", "composite", "--set", "model.name=embedding-bag")
    assert any(
        "composite does not support the sparse gradients" in told
        for told in lightgen.refused("new", "run", *words)
    )


def test_a_class_of_a_group_belongs_to_a_composite(lightgen: Lightgen) -> None:
    assert lightgen.refused("new", "run", "--groups", "a:optimizer=sgd,b:1e-3") == [
        "groups.a.optimizer: only a composite has classes of its groups, not AdamW; "
        "set optimizer.name = 'composite', or remove it"
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    {
        "--optimizer muon": "model.name: Muon trains parameters with two dimensions only; "
        "a transformer has others; "
        "choose another optimizer (composite: Muon for hidden matrices only)",
        "--optimizer sparseadam": "model.name: SparseAdam needs sparse gradients; "
        "a transformer has dense ones; choose another optimizer (AdamW, for example)",
        "--set model.name=mlp": "model.name: mlp does not read text; choose transformer",
        "--set model.name=cnn": "model.name: cnn does not read text; choose transformer",
        "--set data.name=digits": "data.name: digits is data for classification or gan, "
        "the task is language-model; choose pydoc, or set task = 'classification'",
    }.items(),
)
def test_what_a_language_model_cannot_be_is_told(lightgen: Lightgen, words: str, told: str) -> None:
    task = ("--set", "task=language-model")
    assert lightgen.refused("new", "run", *task, *words.split()) == [told]


def groups_of(lightgen: Lightgen) -> dict[str, dict[str, object]]:
    spec = tomllib.loads((lightgen.folder / "run" / "lightgen.toml").read_text())
    groups: dict[str, dict[str, object]] = spec["groups"]
    return groups


def test_groups_read_the_arguments_of_their_own_class(lightgen: Lightgen) -> None:
    groups = "a=backbone:ns_steps=4;optimizer=muon;ndim=2,b=head:optimizer=sgd,nesterov=on,rest:1"
    lightgen.done("new", "run", "--optimizer", "composite", "--groups", groups)
    assert groups_of(lightgen) == {
        "a": {"match": "backbone", "optimizer": "muon", "ns_steps": 4, "ndim": 2},
        "b": {"match": "head", "optimizer": "sgd", "nesterov": True},
        "rest": {"lr": 1.0},
    }
    updated = lightgen.done("update", "run", "--set", "groups.a.optimizer=adamw")
    assert updated.notes == ["adamw has no argument ns_steps: groups.a.ns_steps is dropped"]
    assert groups_of(lightgen)["a"] == {"match": "backbone", "optimizer": "adamw", "ndim": 2}


def test_a_composite_comes_and_goes_in_an_edited_project(lightgen: Lightgen) -> None:
    lightgen.done("new", "run", "--groups", "backbone:1e-4,head:1e-3")
    optim = lightgen.folder / "run" / "src" / "run" / "optim.py"
    written = optim.read_text()
    edited = written.replace('"lr": 1e-3,', '"lr": 2e-3,  # found by hand')
    optim.write_text(edited)
    muon = ("groups.backbone.optimizer=Muon", "groups.backbone.ndim=2", "groups.rest.lr=1e-3")
    words = [word for text in muon for word in ("--set", text)]
    lightgen.done("update", "run", "--optimizer", "composite", *words)
    merged = optim.read_text()
    assert '"lr": 2e-3,  # found by hand' in merged
    assert "CompositeOptimizer(" in merged
    back = ("--groups", "backbone:1e-4,head:1e-3", "--set", "groups.backbone.ndim=")
    lightgen.done("update", "run", "--optimizer", "adamw", *back)
    assert optim.read_text() == edited
