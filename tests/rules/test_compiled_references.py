"""The compiled optimizers against the same references: every path, float32 and float64."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from support.compiled import compile_rule
from support.references import CASES, Case, disagreement

# Rendering takes longer than the steps.
compiled = cache(compile_rule)

PAIRS = [
    pytest.param(case, dtype, id=f"{name}, {str(dtype).removeprefix('torch.')}")
    for name, case in CASES.items()
    for dtype in case.dtypes
]


@pytest.mark.parametrize("foreach", [False, True], ids=["single", "foreach"])
@pytest.mark.parametrize(("case", "dtype"), PAIRS)
def test_is_its_reference(case: Case, dtype: torch.dtype, foreach: bool) -> None:
    make = compiled(case.text)
    found = disagreement(case, dtype, lambda params: make(params, foreach=foreach, **case.options))
    if dtype is torch.float64:
        assert found <= case.float64
    else:
        assert found <= (0 if case.exact else case.float32)
