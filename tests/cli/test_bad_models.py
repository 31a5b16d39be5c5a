"""A model or data of other people that a spec cannot have: one message each, nothing written."""

from __future__ import annotations

import pytest
from support.command import Lightgen

TIMM = "model.name=timm.create_model"
RESNET = "model.name=torchvision.models.resnet18"
DATA = "data.name=mine.Data"
RESNET_OF_TIMM = ["--set", TIMM, "--set", "model.args.model_name=resnet18"]
AS_IMPORTED = "write it as it is imported"
NAME_A_CALLABLE = "remove it, or name a callable: model.name = 'package.module.callable'"
BAD = {
    ("model.name=timm.",): f"model.name: 'timm.' has an empty part; {AS_IMPORTED}",
    ("model.name=my-nets.Net",): "model.name: 'my-nets' in 'my-nets.Net' is no Python name; "
    + AS_IMPORTED,
    ("data.name=mine..Data", TIMM): f"data.name: 'mine..Data' has an empty part; {AS_IMPORTED}",
    (TIMM, "model.args.img-size=8"): "model.args.img-size: 'img-size' is no name of an argument; "
    "write the argument's own name",
    (TIMM, "model.args.norm={path = 'x'}"): "model.args.norm.path: 'x' is no dotted path, as "
    f"package.module.Class is; {AS_IMPORTED}",
    (TIMM, "model.output=a b"): "model.output: 'a b' is no name of an attribute; "
    "write it as in 'logits'",
    (TIMM, "model.width=3"): "model.width: is of lightgen's own models, not of timm.create_model; "
    "remove it, or say it in [model.args]",
    ("model.name=mine.Net", "model.gradient_checkpointing=true"): "model.gradient_checkpointing: "
    "how mine.Net turns it on is not known; "
    "remove it, and turn it on in build_model of model.py",
    ("model.args.depth=3",): "model.args: the network is lightgen's own and takes no arguments; "
    + NAME_A_CALLABLE,
    ("model.name=mlp", "model.output=logits"): "model.output: mlp is lightgen's own and returns "
    f"its outputs themselves; {NAME_A_CALLABLE}",
    (TIMM, "task=gan"): "model.name: a gan has networks and data of its own, timm.create_model is "
    "none of them; choose another task; to start from weights of yours, set model.weights there",
    (TIMM, "task=transfer"): "model.name: a transfer learns lightgen's own digits twice, with its "
    "own network; choose another task; to start from weights of yours, set model.weights there",
    (TIMM, "optimizer.name=Muon"): "optimizer.name: Muon trains parameters with two dimensions "
    "only; timm.create_model has others; "
    "name = 'composite', with a group of ndim = 2 for it and one for the rest",
    (TIMM, "optimizer.name=composite"): "optimizer.name: which matrices of timm.create_model are "
    "hidden ones, for Muon, is not known; "
    "name the class of each group: groups.NAME.match, .ndim and .optimizer",
    (DATA,): "model.name: lightgen's own networks are made for its own data, not for mine.Data; "
    "name yours: model.name = 'package.module.callable'",
    (TIMM, DATA, "data.image_size=32"): "data.image_size: is of lightgen's own images, not of "
    "mine.Data; remove it, or say it in [data.args]",
    (TIMM, DATA, "data.batch_size=8", "data.args.batch_size=9"): "data.args.batch_size: is said "
    "twice: 9, and 8 in [data]; remove one of the two",
    ("data.args.root=x",): "data.args: digits is lightgen's own and takes no arguments; "
    "remove them, or name a class: data.name = 'package.module.Class'",
    ("data.channels=3",): "data.channels: lightgen's own networks take its images as they are; "
    "remove it, or name another model: model.name = 'package.module.callable'",
    (
        TIMM,
        "task=regression",
        "data.channels=3",
    ): "data.channels: diabetes has no images; remove it",
    (TIMM, "groups.a b.lr=0.1"): None,
    ("model.name=timm", "model.args.model_name=x"): "model.name: unknown model 'timm'; "
    "known: cnn, embedding-bag, mlp, transformer",
    (RESNET,): "data.channels: torchvision.models.resnet18 takes images of 3 channels, not of 1; "
    "set data.channels = 3, and data.image_size = 32 or more",
    (RESNET, "data.channels=3", "model.args.weights=DEFAULT"): "model.args.weights: "
    "torchvision.models.resnet18 has weights with a last layer of their own classes only; "
    "name a function of yours that makes it and puts a new last layer in",
}


@pytest.mark.parametrize("assignments", BAD, ids=" ".join)
def test_it_is_refused(assignments: tuple[str, ...], lightgen: Lightgen) -> None:
    needed = ("model.args.model_name=x",) if TIMM in assignments else ()
    words = [word for text in (*needed, *assignments) for word in ("--set", text)]
    messages = lightgen.refused("new", "run", *words)
    if BAD[assignments] is not None:
        assert messages == [BAD[assignments]]


def test_a_known_call_is_filled_in_from_the_data(lightgen: Lightgen) -> None:
    show = ["new", "run", "--dry-run", "--show", "src/run/model.py", *RESNET_OF_TIMM]
    out = lightgen.done(*show).out
    assert "num_classes=10," in out and "in_chans=1," in out
    said = lightgen.done(*show, "--set", "model.args.num_classes=12").out
    assert "num_classes=12," in said and "num_classes=10" not in said
    coloured = lightgen.done(*show, "--set", "data.channels=3").out
    assert "in_chans=3," in coloured


def test_packages_become_requirements_or_a_word(lightgen: Lightgen) -> None:
    show = ["new", "run", "--dry-run", "--show", "pyproject.toml"]
    assert '"timm>=1.0.20",' in lightgen.done(*show, *RESNET_OF_TIMM).out
    unknown = lightgen.done("new", "other", "--set", "model.name=mine.Net")
    assert unknown.notes == [
        "mine is no package that lightgen knows: if pip installs it, add it with "
        "--set project.dependencies=mine"
    ]
    misspelt = lightgen.done("new", "misspelt", "--set", "model.name=tim.create_model")
    assert "lightgen knows: did you mean 'timm'? if pip" in misspelt.notes[0]
    words = ["--set", "model.name=mine.Net", "--set", "project.dependencies=mine>=2"]
    assert not lightgen.done("new", "run", *words).notes
    assert '"mine>=2",' in (lightgen.folder / "run/pyproject.toml").read_text()


def test_a_requirement_of_the_spec_takes_no_bound_away(lightgen: Lightgen) -> None:
    said = '["torch", "timm==1.0.20"]'
    lightgen.done("new", "run", *RESNET_OF_TIMM, "--set", f"project.dependencies={said}")
    written = (lightgen.folder / "run/pyproject.toml").read_text()
    # pip takes both of a package.
    for requirement in ("torch", "torch>=2.13,<3", "timm==1.0.20", "timm>=1.0.20"):
        assert f'"{requirement}",' in written


def test_a_config_without_the_number_of_classes_gets_a_word(lightgen: Lightgen) -> None:
    name = "model.name=transformers.ViTForImageClassification"
    config = "model.args.config={call = 'transformers.ViTConfig', args = {num_channels = 1}}"
    outcome = lightgen.done("new", "run", "--set", name, "--set", config)
    assert outcome.notes == ["digits has 10 classes: say so with num_labels"]


def test_another_model_drops_what_was_for_the_last_one(lightgen: Lightgen) -> None:
    words = RESNET_OF_TIMM
    lightgen.done("new", "run", *words, "--set", "data.image_size=32")
    torchvision = ["--set", "model.name=torchvision.models.resnet18"]
    notes = lightgen.done("update", "run", *torchvision, "--set", "data.channels=3").notes
    assert notes == ["model.args was for timm.create_model: it is dropped"]
    assert "args" not in (lightgen.folder / "run/lightgen.toml").read_text()


def test_an_optimizer_of_another_package_takes_another_model(lightgen: Lightgen) -> None:
    show = ["new", "run", "--dry-run", "--show", "src/run/optim.py", *RESNET_OF_TIMM]
    for name in ("schedulefree.AdamWScheduleFree", "mine.Class"):
        out = lightgen.done(*show, "--optimizer", name).out
        assert "def build_optimizer(model: nn.Module, " in out and "Network" not in out
