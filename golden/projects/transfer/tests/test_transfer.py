"""What is transferred comes from other digits; head and seed are left alone."""

from pathlib import Path

import pytest
import torch

from digits_transfer.data import DIGITS, PRETRAINING, load_part
from digits_transfer.module import Classifier
from digits_transfer.train import parse_arguments, train
from digits_transfer.transfer import compare
from digits_transfer.weights import load_weights


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_pretraining_sees_none_of_the_digits_to_learn() -> None:
    assert not set(PRETRAINING) & set(DIGITS)
    _, labels = load_part(PRETRAINING).tensors
    assert sorted(set(labels.tolist())) == list(range(len(PRETRAINING)))


def test_the_head_is_not_transferred(some_weights: Path) -> None:
    report = load_weights(Classifier().model, some_weights)
    assert report.loaded
    assert report.missing
    assert all(name.startswith("head.") for name in report.missing)


def test_a_run_that_pretrains_equals_one_that_finds_the_weights(
    some_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = train(parse_arguments(["--fast-dev-run"])).lightning_module
    monkeypatch.setattr("digits_transfer.train.WEIGHTS", Path("pretrained.pt"))
    made = train(parse_arguments(["--fast-dev-run"])).lightning_module
    torch.testing.assert_close(made.state_dict(), found.state_dict(), rtol=0, atol=0)


def test_the_comparison_is_of_runs_that_differ_in_what_they_start_from() -> None:
    ((transferred, from_scratch),) = compare(seeds=1)
    assert 0 <= from_scratch <= 1
    assert 0 <= transferred <= 1
