"""lightgen check on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.checks import listing
from support.command import Lightgen

from lightgen.check import prove
from lightgen.check.proof import Curve, Group, Proof, Rates, Report

HOLDS = Proof("coverage", True, "6 tensors", ("frozen: 1 tensor\x1b[31m",))
FAILS = Proof("curve", False, "the rate of head is nan at step 2")
RATES = (
    Rates("backbone", 0.1, 1.0, 2, 0.0, (0.1, 1.0, 0.5, 0.0)),
    Rates("head", 0.01, 0.1, 2, 0.0, (0.01, 0.1, 0.05, 0.0)),
    Rates("tail", 0.5, 0.5, 1, float("nan"), (0.5, float("nan"))),
)
GROUPS = (Group("backbone", 4, 82432, 1e-4, 0.0, True), Group("head", 2, 2570, 1e-3, None, False))
CURVE = Curve(4, "the run's 4 steps", ("LambdaLR: moves every step, 4 times",), RATES)


@pytest.fixture
def lightgen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lightgen:
    return Lightgen(tmp_path, monkeypatch, capsys)


@pytest.fixture
def project(lightgen: Lightgen) -> Path:
    lightgen.done("new", "run")
    return lightgen.folder / "run"


def found(report: Report, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, float]]:
    """Let the proofs find this; the calls."""
    calls: list[tuple[Path, float]] = []

    def prove_project(root: Path, timeout: float) -> Report:
        calls.append((root, timeout))
        return report

    monkeypatch.setattr(prove, "prove_project", prove_project)
    return calls


def test_what_is_printed(
    lightgen: Lightgen, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "14")
    calls = found(Report((HOLDS, FAILS), GROUPS, CURVE), monkeypatch)
    outcome = lightgen("check", project)
    assert calls == [(project, 120)]
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out.startswith(
        "holds  coverage  6 tensors\n"
        "                 frozen: 1 tensor [31m\n"
        "FAILS  curve     the rate of head is nan at step 2\n"
    )
    assert "learning rates over the run's 4 steps\n  LambdaLR: moves every step" in outcome.out
    assert "\x1b" not in outcome.out
    # Two groups of one shape are drawn once.
    assert "  backbone, head\n" in outcome.out
    assert "  tail\n" in outcome.out


def test_all_hold(lightgen: Lightgen, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = found(Report((HOLDS,)), monkeypatch)
    monkeypatch.setattr(lightgen, "folder", project / "src")
    assert lightgen("check", "--timeout", "7").code == 0
    assert calls == [(project, 7)]


def test_json(lightgen: Lightgen, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(Report((HOLDS, FAILS), GROUPS, CURVE), monkeypatch)
    outcome = lightgen("check", project, "--json")
    told = json.loads(outcome.out, parse_constant=lambda name: pytest.fail(name))
    assert outcome.code == told["exit_code"] == 1
    assert [*told] == ["exit_code", "files", "problems", "proofs", "groups", "curve"]
    assert told["proofs"][1] == {
        "name": "curve",
        "holds": False,
        "what": "the rate of head is nan at step 2",
        "detail": [],
    }
    assert told["groups"][0] == {
        "name": "backbone",
        "tensors": 4,
        "parameters": 82432,
        "lr": 1e-4,
        "weight_decay": 0.0,
        "trains": True,
    }
    assert told["curve"]["steps"] == 4
    assert told["curve"]["rates"][2]["last"] is None


def test_no_project(lightgen: Lightgen) -> None:
    (lightgen.folder / "empty").mkdir()
    assert lightgen.refused("check", "empty", code=3)
    outcome = lightgen("check", "empty", "--json")
    assert (outcome.code, outcome.json["exit_code"]) == (3, 3)
    assert outcome.json["problems"]


def test_without_torch(lightgen: Lightgen, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "find_spec", lambda name: None)
    [message] = lightgen.refused("check", project, code=3)
    assert "check needs torch" in message
    assert "pip install 'lightgen[torch]'" in message


@pytest.mark.slow
def test_a_new_project_holds_and_nothing_is_left_in_it(lightgen: Lightgen) -> None:
    words = ["--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3"]
    lightgen.done("new", "run", *words, "--scheduler", "cosine")
    root = lightgen.folder / "run"
    before = listing(root)
    outcome = lightgen("check", "run", "--json")
    assert outcome.code == 0, outcome.out
    assert all(proof["holds"] for proof in outcome.json["proofs"])
    assert [group["lr"] for group in outcome.json["groups"]] == [1e-4, 1e-3]
    assert listing(root) == before


@pytest.mark.slow
def test_an_import_error_exits_with_3(lightgen: Lightgen, project: Path) -> None:
    package = next((project / "src").iterdir())
    (package / "optim.py").write_text("import nonesuch\n")
    [message] = lightgen.refused("check", project, code=3)
    assert message.startswith(
        "src/run/optim.py:1: the project can't be imported: ModuleNotFoundError: "
        "No module named 'nonesuch'; run lightgen in the project's environment"
    )
