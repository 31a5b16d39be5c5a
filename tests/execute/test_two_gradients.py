"""What SAM is given by Lightning in a step."""

from __future__ import annotations

from pathlib import Path

import pytest
import sklearn.datasets
import torch
import torchmetrics
from support.projects import in_project, project

IMPORTED = (sklearn, torch, torchmetrics)
LIMIT = 1e-5


def largest_gradients() -> tuple[float, float]:
    """The largest entries of the first and of the second gradient, as SAM gets them."""
    import sample_run.custom_optimizer as written
    from sample_run.train import main

    seen: dict[str, float] = {}

    def watched(name: str) -> None:
        function = getattr(written, name)

        def watch(
            params: list[torch.Tensor], grads: list[torch.Tensor], *rest: object, **options: object
        ) -> None:
            seen[name] = max(float(grad.abs().max()) for grad in grads)
            function(params, grads, *rest, **options)

        setattr(written, name, watch)

    watched("_climb")
    watched("_descend")
    main(["--fast-dev-run"])
    return seen["_climb"], seen["_descend"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_only_the_second_gradient_is_clipped_by_value(task: str, tmp_path: Path) -> None:
    clips = {"gradient_clip_val": LIMIT, "gradient_clip_algorithm": "value"}
    optimizer = {"name": "custom", "skeleton": "two-closure"}
    spec = {"task": task, "optimizer": optimizer, "trainer": clips}
    first, second = in_project(project(spec, tmp_path), largest_gradients)
    assert first > LIMIT
    assert second <= LIMIT


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_sam_trains_in_other_precisions(precision: str, tmp_path: Path) -> None:
    optimizer = {"name": "custom", "skeleton": "two-closure"}
    spec = {"optimizer": optimizer, "trainer": {"precision": precision, "max_epochs": 5}}

    def accuracy() -> float:
        from sample_run.train import parse_arguments, train

        return float(train(parse_arguments([])).callback_metrics["val/accuracy"])

    assert in_project(project(spec, tmp_path), accuracy) >= 0.9
