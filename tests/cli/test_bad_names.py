"""Package names that Python or the environment cannot have."""

from __future__ import annotations

import keyword

import pytest
from support.command import Lightgen

TODO = "choose another with --set project.package=NAME"
SHADOWING = """
    torch json numpy pytest lightning pytorch_lightning sklearn lightgen typing logging Torch
    test tests src setuptools tensorboard matplotlib dataclasses random
""".split()
NO_NAMES = [
    *keyword.kwlist,
    "2024_run",
    "a.b",
    "a-b",
    "a b",
    "../up",
    "/abs",
    "stra\u00dfe",
    "_private",
    "__init__",
    "3.10",
    'x"]\nimport os',
    "{{x}}",
]


@pytest.mark.parametrize("name", SHADOWING)
def test_no_package_shadows_an_importable_module(lightgen: Lightgen, name: str) -> None:
    assert lightgen.refused("new", "run", "--set", f"project.package={name}") == [
        f"project.package: '{name}' would shadow an importable module; {TODO}"
    ]


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_package_has_a_name_that_is_none(lightgen: Lightgen, name: str) -> None:
    shown = name.replace("\n", "\\n")
    assert lightgen.refused("new", "run", "--set", f"project.package={name}") == [
        f"project.package: '{shown}' is no Python package name; {TODO}"
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("2024-run", f"project.package: '2024_run' is no Python package name; {TODO}"),
        ("a/class", f"project.package: 'class' is no Python package name; {TODO}"),
        ("torch", f"project.package: 'torch' would shadow an importable module; {TODO}"),
        ("\u0440\u0430\u0437", f"project.package: '' is no Python package name; {TODO}"),
        ("/", f"project.package: '' is no Python package name; {TODO}"),
    ],
)
def test_a_folder_whose_name_gives_none_needs_one_said(
    lightgen: Lightgen, path: str, message: str
) -> None:
    assert lightgen.refused("new", path) == [message]


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("digits-run", "digits_run"),
        ("Digits Run!", "digits_run"),
        ("run.v2", "run_v2"),
        ("--run--", "run"),
        ("a" * 200, "a" * 200),
    ],
)
def test_a_folder_gives_its_name_to_the_package(
    lightgen: Lightgen, path: str, package: str
) -> None:
    lightgen.done("new", "--", path)
    assert (lightgen.folder / path / "src" / package / "train.py").is_file()


def test_a_said_name_counts_more_than_that_of_the_folder(lightgen: Lightgen) -> None:
    lightgen.done("new", "2024-run", "--set", "project.package=chosen")
    assert (lightgen.folder / "2024-run/src/chosen/train.py").is_file()
