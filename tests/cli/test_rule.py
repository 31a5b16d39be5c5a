"""lightgen rule: what a rule is, and its optimizer alone, merged when it is built again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command import Lightgen, Outcome
from support.rules import LAMB, LION, MOMENTUM, TWO

OUT, TESTS = "optim/lion_optimizer.py", "optim/test_lion.py"
NOTHING = "nothing to build: the files are what the rule says, but for your edits\n"


@pytest.fixture
def lion(lightgen: Lightgen) -> Path:
    (lightgen.folder / "optim").mkdir()
    return lightgen.write("lion.py", LION)


def build(lightgen: Lightgen, *more: str) -> Outcome:
    return lightgen.done("rule", "build", "lion.py", "-o", OUT, *more)


# check


def test_a_rule_is_told(lightgen: Lightgen, lion: Path) -> None:
    lines = [line.split() for line in lightgen.done("rule", "check", "lion.py").out.splitlines()]
    for line in (
        "lion: Lion (arXiv:2302.06675).",
        "class Lion",
        "exp_avg zeros 4 an entry",
        "4 bytes of state for each entry of a parameter",
        "lr 0.0001 [0, inf)",
        "betas [0.9, 0.99] [0, 1)",
        "weight_decay 0 [0, inf)",
        "elementwise: yes",
        "can be fused: yes",
    ):
        assert line.split() in lines


def test_a_rule_as_json(lightgen: Lightgen) -> None:
    lightgen.write("heavy.py", MOMENTUM)
    told = lightgen.done("rule", "check", "heavy.py", "--json").json
    assert told["exit_code"] == 0
    assert told["problems"] == []
    assert told["files"] == ["heavy.py"]
    assert (told["name"], told["class_name"], told["doc"]) == (
        "heavy_ball",
        "HeavyBall",
        "Momentum.",
    )
    assert told["functions"] == [
        {
            "name": "heavy_ball",
            "condition": "",
            "states": [
                {"name": "velocity", "initial": "the first gradient", "bytes": "4 an entry"}
            ],
        }
    ]
    assert told["hyperparameters"] == [
        {"name": "lr", "default": 0.1, "range": "[0, inf)"},
        {"name": "momentum", "default": 0.9, "range": "[0, 1)"},
        {"name": "nesterov", "default": False, "range": "true, false"},
    ]
    assert (told["elementwise"], told["can_be_fused"], told["why_not_fused"]) == (True, True, [])
    [note] = told["notes"]
    assert note.startswith("the state velocity starts as the first gradient")


def test_what_an_update_does_is_explained(lightgen: Lightgen, lion: Path) -> None:
    out = lightgen.done("rule", "check", "lion.py", "--explain").out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "param.mul_(1 - lr * weight_decay) in place" in lines
    assert "exp_avg.lerp_(grad, 1 - beta2) in place" in lines
    assert "reads param, grad, exp_avg; writes param, exp_avg" in lines
    assert "fused: 20 bytes an entry" in lines
    [told] = lightgen.done("rule", "check", "lion.py", "--explain", "--json").json["explanation"]
    assert told["bytes_fused"] == 20 < told["bytes_one_after_the_other"]
    assert told["writes"] == ["param", "exp_avg"]


def test_why_a_rule_cannot_be_fused(lightgen: Lightgen) -> None:
    lightgen.write("lamb.py", LAMB)
    out = lightgen.done("rule", "check", "lamb.py").out
    assert (
        "elementwise: no, trust (line 7) sees a whole tensor\ncan be fused: no, lamb.py:7: " in out
    )
    lightgen.write("sgd.py", "def sgd(param, grad, *, lr=0.1):\n    param -= lr * grad\n")
    assert "no state\n" in lightgen.done("rule", "check", "sgd.py").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "def f(param, grad, *, lr=0.1):\n    param -= lr * gard\n",
            ["rule.py:2: unknown name 'gard'; did you mean 'grad'?"],
        ),
        (
            "def f(param, grad, m=zeros, *, lr=0.1):\n    param -= lr * grd * mx\n",
            ["rule.py:2: unknown name 'grd'; did you mean 'grad'?", "rule.py:2: unknown name 'mx'"],
        ),
        ("def f(param, grad, *, lr=0.1):\n    param -= lr *\n", ["rule.py:2: not Python: "]),
        ("", ["rule.py: no function of this file begins with (param, grad); "]),
        ("import os\n", ["rule.py: no function of this file begins with (param, grad); "]),
        (TWO, ["rule.py: several rules: lion, heavy_ball; say which one: rule.py:lion"]),
        (b"\xff\xfe", ["rule.py: byte 0 is not UTF-8; save the file as UTF-8 text"]),
    ],
)
def test_what_is_wrong_is_told(lightgen: Lightgen, text: str | bytes, told: list[str]) -> None:
    lightgen.write("rule.py", text)
    found = lightgen.refused("rule", "check", "rule.py")
    for line in told:
        assert any(each.startswith(line) for each in found), found
    assert found == lightgen.refused("rule", "build", "rule.py", "-o", "out.py")
    assert found == lightgen.refused("new", "run", "--rule", "rule.py")


def test_what_is_wrong_as_json(lightgen: Lightgen) -> None:
    lightgen.write("rule.py", "def f(param, grad, *, lr=0.1):\n    param -= lr * gard\n")
    outcome = lightgen("rule", "check", "rule.py", "--json")
    assert outcome.code == outcome.json["exit_code"] == 2
    assert outcome.json["problems"][0]["where"] == "rule.py:2"


@pytest.mark.parametrize("command", [("check",), ("build", "-o", "out.py")])
def test_a_file_that_cannot_be_read_is_told(lightgen: Lightgen, command: tuple[str, ...]) -> None:
    (lightgen.folder / "folder").mkdir()
    todo = "give the path of a rule file"
    for named, what in {
        "none.py": "there is no file 'none.py'",
        "none.py:lion": "there is no file 'none.py'",
        "folder": "'folder' is a folder",
    }.items():
        assert lightgen.refused("rule", *command, named) == [f"FILE: {what}; {todo}"]


def test_one_of_several_rules(lightgen: Lightgen) -> None:
    lightgen.write("two.py", TWO)
    assert lightgen.done("rule", "check", "two.py:lion").out.startswith("lion: ")
    assert lightgen.done("rule", "check", "two.py:heavy_ball").out.startswith("heavy_ball: ")
    told = ["two.py: no function 'loin'; did you mean 'lion'?"]
    assert lightgen.refused("rule", "check", "two.py:loin") == told


def test_a_colon_in_the_name_of_a_file(lightgen: Lightgen) -> None:
    lightgen.write("a:lion", LION)
    assert lightgen.done("rule", "check", "a:lion").out.startswith("lion: ")
    assert lightgen.done("rule", "check", "a:lion:lion").out.startswith("lion: ")


def test_lines_and_a_mark_of_windows_are_read(lightgen: Lightgen) -> None:
    lightgen.write("lion.py", b"\xef\xbb\xbf" + LION.replace("\n", "\r\n").encode())
    assert lightgen.done("rule", "check", "lion.py").out.startswith("lion: ")


def test_a_rule_is_never_executed(lightgen: Lightgen) -> None:
    lightgen.write("rule.py", "open('made', 'w')\n" + LION)
    [told] = lightgen.refused("rule", "check", "rule.py")
    assert told.startswith("rule.py:1: only functions stand in a rule file")
    default = "__import__('os').mkdir('made')"
    lightgen.write("rule.py", LION.replace("0.0", default))
    lightgen.refused("rule", "check", "rule.py")
    assert lightgen.files() == {"rule.py"}


# build


def test_an_optimizer_and_its_tests_are_built(lightgen: Lightgen, lion: Path) -> None:
    outcome = lightgen.done("rule", "build", "lion.py", "-o", OUT, "--tests", TESTS)
    assert outcome.out == f"added          {OUT}\nadded          {TESTS}\n2 added\n"
    assert "class Lion" in (lightgen.folder / OUT).read_text()
    assert "from lion_optimizer import " in (lightgen.folder / TESTS).read_text()
    bases = {"optim/.lion_optimizer.py.base", "optim/.test_lion.py.base"}
    assert lightgen.files() == {"lion.py", "optim", OUT, TESTS} | bases
    assert lightgen.done("rule", "build", "lion.py", "-o", OUT, "--tests", TESTS).out == NOTHING


def test_names_that_are_said(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen, "--tests", TESTS, "--class-name", "Tiger", "--module", "zoo.tiger")
    assert "class Tiger" in (lightgen.folder / OUT).read_text()
    text = (lightgen.folder / TESTS).read_text()
    assert "from zoo.tiger import " in text
    assert "Tiger" in text


def test_kernels_are_built_with_it(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen, "--fused", "--module", "optim.lion_optimizer")
    names = ["fused_update.cpp", "fused_update.py", "fused_update_triton.py"]
    assert lightgen.files("optim") == {
        *(name for each in [*names, "lion_optimizer.py"] for name in (each, f".{each}.base"))
    }
    assert "optim.fused_update" in (lightgen.folder / OUT).read_text()
    assert build(lightgen, "--fused", "--module", "optim.lion_optimizer").out == NOTHING
    kernel = lightgen.folder / "optim/fused_update.cpp"
    kernel.write_text(kernel.read_text() + "// mine\n")
    lion.write_text(LION.replace("sign(", "tanh("))
    build(lightgen, "--fused", "--module", "optim.lion_optimizer")
    assert "tanh" in kernel.read_text()
    assert kernel.read_text().endswith("// mine\n")


def test_a_rule_that_is_not_elementwise_has_no_kernels(lightgen: Lightgen) -> None:
    lightgen.write("lamb.py", LAMB)
    [told] = lightgen.refused("rule", "build", "lamb.py", "-o", "out.py", "--fused")
    assert told.startswith("lamb.py:7: ")
    assert lightgen.refused("new", "run", "--rule", "lamb.py", "--set", "optimizer.fused=true") == [
        told
    ]


def test_a_dry_run_writes_nothing(lightgen: Lightgen, lion: Path) -> None:
    before = lightgen.files()
    outcome = lightgen.done("rule", "build", "lion.py", "-o", OUT, "--dry-run")
    assert "+class Lion" in outcome.out
    assert outcome.out.endswith("would be: 1 added\n")
    assert lightgen.files() == before


def test_edits_are_merged(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen, "--tests", TESTS)
    out = lightgen.folder / OUT
    out.write_text(out.read_text() + "\n\ndef mine() -> int:\n    return 1\n")
    lion.write_text(LION.replace("sign(", "tanh("))
    outcome = lightgen.done("rule", "build", "lion.py", "-o", OUT, "--tests", TESTS)
    assert f"merged         {OUT}" in outcome.out
    assert "def mine()" in out.read_text()
    assert "tanh" in out.read_text()
    again = lightgen.done("rule", "build", "lion.py", "-o", OUT, "--tests", TESTS, "--json").json
    assert [(file["path"], file["kind"]) for file in again["files"]] == [(OUT, "kept yours")]


def test_a_deleted_file_is_built_anew(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen)
    text = (lightgen.folder / OUT).read_text()
    (lightgen.folder / OUT).unlink()
    build(lightgen)
    assert (lightgen.folder / OUT).read_text() == text


def test_a_conflict_is_marked_and_resolved_first(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen)
    out = lightgen.folder / OUT
    assert "0.99" in out.read_text()
    out.write_text(out.read_text().replace("0.99", "0.97"))
    lion.write_text(LION.replace("0.99", "0.98"))
    outcome = lightgen("rule", "build", "lion.py", "-o", OUT)
    assert outcome.code == 1
    assert f"conflict       {OUT}\n" in outcome.out
    assert outcome.out.endswith("resolve what is in conflict\n")
    assert "<<<<<<< yours" in out.read_text()
    [told] = lightgen.refused("rule", "build", "lion.py", "-o", OUT, code=3)
    assert told.startswith(f"{OUT}:")
    assert told.endswith("an unresolved conflict starts here; resolve it first")


def test_a_file_without_its_base_is_not_overwritten(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen)
    base = lightgen.folder / "optim/.lion_optimizer.py.base"
    base.unlink()
    assert build(lightgen).out == NOTHING
    assert base.is_file()
    base.unlink()
    out = lightgen.write(OUT, "mine = 1\n")
    told = (
        f"{OUT}: is there, and its base optim/.lion_optimizer.py.base is not; "
        "move it away, build it, and merge the two by hand"
    )
    assert lightgen.refused("rule", "build", "lion.py", "-o", OUT, code=3) == [told]
    assert out.read_text() == "mine = 1\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("-o", "out"), 2, "--output: 'out' is no name of a Python file; end it in .py"),
        (
            ("-o", "lion.py"),
            2,
            "--output: the rule, the optimizer and its tests are to be different files; "
            "choose another path",
        ),
        (
            ("-o", "a.py", "--tests", "./a.py"),
            2,
            "--output: the rule, the optimizer and its tests are to be different files; "
            "choose another path",
        ),
        (
            ("-o", "my-lion.py", "--tests", "t.py"),
            2,
            "--module: 'my-lion' can't be imported by the tests; "
            "say which name does, as in package.lion",
        ),
        (
            ("-o", "a.py", "--tests", "t.py", "--module", "a; import os"),
            2,
            "--module: 'a; import os' can't be imported by the tests; "
            "say which name does, as in package.lion",
        ),
        (
            ("-o", "a.py", "--class-name", "lion"),
            2,
            "--class-name: 'lion' is no class name; write one like MyAdam",
        ),
        (
            ("-o", "a.py", "--class-name", "Optimizer"),
            2,
            "--class-name: 'Optimizer' stands in the generated code already; choose another",
        ),
        (
            ("-o", "none/a.py"),
            3,
            "none/a.py: there is no folder 'none'; make it, or choose another path",
        ),
        (
            ("-o", "folder.py"),
            3,
            "folder.py: cannot be read (Is a directory); choose another path",
        ),
    ],
)
def test_what_cannot_be_built_is_told(
    lightgen: Lightgen, lion: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    (lightgen.folder / "folder.py").mkdir()
    found = lightgen.refused("rule", "build", "lion.py", *words, code=code)
    assert found == [told]


def test_a_build_that_was_cut_off_merges_the_same_again(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen)
    out, base = lightgen.folder / OUT, lightgen.folder / "optim/.lion_optimizer.py.base"
    out.write_text(out.read_text() + "\n\nMINE = 1\n")
    before = base.read_bytes()
    lion.write_text(LION.replace("sign(", "tanh("))
    build(lightgen)
    merged = out.read_bytes()
    base.write_bytes(before)  # as if it had ended between the two
    build(lightgen)
    assert out.read_bytes() == merged
    assert base.read_bytes() != before


def test_a_mode_stays(lightgen: Lightgen, lion: Path) -> None:
    build(lightgen)
    out = lightgen.folder / OUT
    os.chmod(out, 0o755)
    lion.write_text(LION.replace("sign(", "tanh("))
    build(lightgen)
    assert out.stat().st_mode & 0o777 == 0o755
    assert "tanh" in out.read_text()


def test_help_shows_a_rule(lightgen: Lightgen) -> None:
    out = lightgen.done("rule", "--help").out
    assert "def lion(param, grad, exp_avg=zeros, *, lr=1e-4" in out
    assert "--class-name" in lightgen.done("rule", "build", "--help").out
