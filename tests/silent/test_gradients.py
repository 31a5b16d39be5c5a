"""Gradients that are other than what the step should see, without a word.

Each test holds a wiring as one meets it, which goes wrong, and the generated one beside it: the
same measurement tells them apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
from support.projects import in_project, plan_of, project
from support.wirings import Outcome, fit, seeded

from lightgen.problems import InputError


def test_lbfgs_over_accumulated_batches(tmp_path: Path) -> None:
    """Its closure sets gradients to zero on the first batch only: on the others they pile up."""
    spec: dict[str, Any] = {"optimizer": {"name": "LBFGS"}, "data": {"batch_size": 300}}

    def closures_and_zeroed(make: Any, **options: Any) -> tuple[int, int]:
        task = seeded(make)
        counts = [0, 0]
        step, zero = torch.optim.LBFGS.step, task.optimizer_zero_grad

        def counted(self: Any, closure: Any) -> Any:
            def call() -> Any:
                counts[0] += 1
                return closure()

            return step(self, call)

        def zeroed(*arguments: Any, **keywords: Any) -> None:
            counts[1] += 1
            zero(*arguments, **keywords)

        torch.optim.LBFGS.step = counted  # type: ignore[method-assign]
        task.optimizer_zero_grad = zeroed  # type: ignore[method-assign]
        fit(task, max_epochs=1, **options)
        torch.optim.LBFGS.step = step  # type: ignore[method-assign]
        return counts[0], counts[1]

    def act() -> Outcome:
        from sample_run.module import Classifier

        return (
            closures_and_zeroed(Classifier, accumulate_grad_batches=2),
            closures_and_zeroed(Classifier),
        )

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive[0] > 10 * naive[1]
    assert ours[0] == ours[1]
    with pytest.raises(InputError) as caught:
        plan_of({**spec, "trainer": {"accumulate_grad_batches": 2}})
    assert [each.where for each in caught.value.problems] == ["trainer.accumulate_grad_batches"]
