"""What all tests start from."""

from collections.abc import Iterator
from typing import Any

import pytest
import pytorch_lightning as pl


@pytest.fixture(scope="session", autouse=True)
def one_process() -> Iterator[dict[str, Any]]:
    """What every Trainer gets: the tests run in one process, on any machine."""
    options = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
    make = pl.Trainer.__init__

    def make_alone(trainer: pl.Trainer, *args: Any, **keywords: Any) -> None:
        make(trainer, *args, **{**keywords, **options})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pl.Trainer, "__init__", make_alone)
        yield options
