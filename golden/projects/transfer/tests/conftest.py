"""What all tests start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from digits_transfer.pretraining import pretrain
from digits_transfer.weights import WEIGHTS


@pytest.fixture(scope="session")
def some_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like the one of WEIGHTS, which may be large, or not be here."""
    path = tmp_path_factory.mktemp("weights") / WEIGHTS.name
    pretrain(path)
    return path


@pytest.fixture(scope="session", autouse=True)
def starting_weights(some_weights: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("digits_transfer.train.WEIGHTS", some_weights)
        yield
