"""Every rule is the optimizer that it says it is, over a hundred steps."""

from __future__ import annotations

import pytest
import torch
from support.references import CASES, RULES, Case, Oracle, disagreement

PAIRS = [
    pytest.param(case, dtype, id=f"{name}, {str(dtype).removeprefix('torch.')}")
    for name, case in CASES.items()
    for dtype in case.dtypes
]


def test_every_rule_has_a_reference() -> None:
    paths = RULES.rglob("*.py")
    assert {p.relative_to(RULES).with_suffix("").as_posix() for p in paths} == {
        case.rule for case in CASES.values()
    }


@pytest.mark.parametrize(("case", "dtype"), PAIRS)
def test_as_it_reads(case: Case, dtype: torch.dtype) -> None:
    """The rule, interpreted."""
    found = disagreement(case, dtype, lambda params: Oracle(case.text, params, **case.options))
    assert found <= (case.float64 if dtype is torch.float64 else case.float32)
