"""Optimizers of other packages, on the groups that a project gives them."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from typing import Any

import pytest

from lightgen.catalogue import survey
from lightgen.catalogue.others import chosen_optimizers, other_optimizers
from lightgen.catalogue.probe import probe
from lightgen.catalogue.trial import Trial, Way

RECORDS = json.loads(survey.FACTS.read_text(encoding="utf-8"))["optimizers"]
# A few of each package; `--matrix=all` has every one.
SAMPLE = [
    "geoopt.optim.RiemannianAdam",
    "geoopt.optim.RiemannianSGD",
    "heavyball.SFAdamW",
    "heavyball.SOAP",
    "pytorch_optimizer.Lion",
    "pytorch_optimizer.Prodigy",
    "pytorch_optimizer.SOAP",
    "pytorch_optimizer.ScheduleFreeAdamW",
    "schedulefree.AdamWScheduleFree",
    "schedulefree.SGDScheduleFreeClosure",
    "timm.optim.Lamb",
    "transformers.Adafactor",
]


def loaded(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(pytest.importorskip(module, exc_type=ImportError), name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "path" in metafunc.fixturenames:
        whole = metafunc.config.getoption("matrix", default="") == "all"
        paths = [path for path, each in chosen_optimizers().items() if not each.gpu]
        metafunc.parametrize("path", paths if whole else SAMPLE)


def test_every_record_can_be_shown() -> None:
    assert all(each.constraints is not None for each in other_optimizers().values())
    assert all(path in chosen_optimizers() for path in SAMPLE)


def test_the_arguments_are_those_of_the_installed_class(path: str) -> None:
    assert survey.arguments(loaded(path)) == RECORDS[path]["arguments"]


def test_a_class_does_on_the_groups_what_the_catalogue_says(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    cls, row = loaded(path), RECORDS[path]
    needed = {"lr": row["lr"]} if row["arguments"].get("lr") == survey.REQUIRED else {}
    found = probe(cls, {**needed, **row.get("customary", {})}, row["lr"], row["arguments"])
    facts = {key: row[key] for key in row.keys() - {"summary", "arguments", "customary"}}
    assert found.pop("reaches") == pytest.approx(facts.pop("reaches"), abs=0.1)
    # At another rate more of them move within a few steps.
    assert {*found.pop("counts", ())} <= {*facts.pop("counts", ())}
    assert found == facts


def test_weights_to_evaluate_are_others_until_they_are_turned() -> None:
    cls = loaded("schedulefree.AdamWScheduleFree")
    trial = Trial(cls, Way(), {}, 1e-2)
    trial.step(20)
    trained = trial.weights()
    trial.turn("eval")
    assert not trained.equal(trial.weights())


def test_a_class_of_torch_is_none_of_another_package() -> None:
    assert not any(
        getattr(import_module("torch.optim"), path.rpartition(".")[2], None) is loaded(path)
        for path in SAMPLE
        if not path.startswith("timm") and inspect.isclass(loaded(path))
    )
