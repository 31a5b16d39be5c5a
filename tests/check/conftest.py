"""Checks of golden projects, edited or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.checks import Check, Edit, copy_golden, report_of, told_by

from lightgen.check.proof import NAMES, Report


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check a golden project with edits, in a forked child."""

    def run_check(name: str, *edits: Edit) -> Report:
        report = report_of(told_by(copy_golden(name, tmp_path, *edits), tmp_path))
        assert [proof.name for proof in report.proofs] == list(NAMES)
        return report

    return run_check
