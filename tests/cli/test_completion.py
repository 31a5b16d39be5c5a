"""The shell offers the names that the catalogue has."""

from __future__ import annotations

import pytest
from support.command import Lightgen

from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.others import chosen_optimizers
from lightgen.catalogue.path_schedulers import path_schedulers
from lightgen.catalogue.schedulers import schedulers


def offered(lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch, typed: str) -> list[str]:
    words = f"lightgen {typed}"
    monkeypatch.setenv("_LIGHTGEN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    return lightgen().out.split()


PACKAGES = sorted({f"{path.partition('.')[0]}." for path in chosen_optimizers()})


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("new --optimizer ", [*optimizers(), "composite", "custom", *PACKAGES]),
        ("new --optimizer geo", ["geoopt."]),
        ("new --optimizer geoopt.optim.RiemannianA", ["geoopt.optim.RiemannianAdam"]),
        ("new --scheduler ", [*schedulers(), *path_schedulers()]),
        ("new --optimizer ada", "adadelta adafactor adagrad adam adamw adamax".split()),
        ("new --optimizer AdamW", ["AdamW"]),
        ("new --scheduler co", "cosine constantlr cosineannealinglr cosineannealingwarmrestarts"),
        ("list op", ["optimizers"]),
        ("show t", ["tasks"]),
        ("n", ["new"]),
        ("new --opt", ["--optimizer"]),
    ],
)
def test_names_are_offered(
    lightgen: Lightgen,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    expected: list[str] | str,
) -> None:
    wished = expected.split() if isinstance(expected, str) else expected
    assert offered(lightgen, monkeypatch, typed) == wished
