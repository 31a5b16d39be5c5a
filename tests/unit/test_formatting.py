"""Usual projects are rendered as black leaves them: loading black would double the time."""

from __future__ import annotations

from typing import Any

import pytest
from support.projects import plan_of

from lightgen.render import format as formatting
from lightgen.render.project import render_project

GROUPS = {"backbone": {"lr": 1e-4}, "head": {"lr": 1e-3}}
USUAL: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "the README's": {"optimizer": {"name": "custom"}, "groups": GROUPS},
    "cosine": {"groups": GROUPS, "scheduler": {"name": "cosine", "warmup_steps": 60}},
    "plateau": {"scheduler": {"name": "ReduceLROnPlateau"}},
    "one cycle": {"groups": GROUPS, "scheduler": {"name": "OneCycleLR"}},
    "regression": {"task": "regression"},
    "text": {"task": "language-model"},
    "transfer": {"task": "transfer"},
    "composite": {"optimizer": {"name": "composite"}},
    "layers": {"optimizer": {"layer_decay": 0.8}},
    "frozen": {"groups": {"backbone": {"freeze": True}, "head": {"lr": 1e-3}}},
}


@pytest.mark.parametrize("spec", USUAL.values(), ids=USUAL)
def test_a_usual_project_needs_no_formatting(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: str, line_length: int = 0) -> str:
        raise AssertionError([line for line in text.splitlines() if len(line) > 88])

    monkeypatch.setattr(formatting, "black_formatted", refuse)
    render_project(plan_of(spec))
