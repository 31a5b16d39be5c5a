"""What all tests start from."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from timm_vit_run.module import Classifier


@pytest.fixture(scope="session", autouse=True)
def reseeded() -> Iterator[None]:
    """Dropout draws by the number of the batch: a resumed run draws the same."""
    begin = Classifier.on_train_batch_start

    def reseed(task: Classifier, batch: Any, batch_idx: int) -> Any:
        torch.manual_seed(1_000_000 * task.current_epoch + batch_idx)
        return begin(task, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classifier, "on_train_batch_start", reseed)
        yield
