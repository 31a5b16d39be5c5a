"""Every proof holds for projects as they are written."""

from __future__ import annotations

import pytest
from support.checks import GOLDEN, Check, failed
from support.peers import golden_parameters

PROJECTS = sorted(path.parent.name for path in GOLDEN.glob("*/lightgen.toml"))


@pytest.mark.parametrize("name", golden_parameters(PROJECTS))
def test_every_proof_holds(name: str, check: Check) -> None:
    report = check(name)
    assert failed(report) == {}
    assert "exactly" in report.proofs[-1].what
    assert all(not proof.detail or proof.name in ("coverage", "step") for proof in report.proofs)
