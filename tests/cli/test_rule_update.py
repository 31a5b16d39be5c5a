"""A project with a rule: written, edited on both sides, updated, undone."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.command import Lightgen
from support.editing import CUSTOM, Project, disk, git
from support.rules import LAMB, LION, MOMENTUM, TWO

RULE = "rules/lion.py"
NOTHING = "nothing to update: the project is what its spec says, but for your edits\n"
MINE = "\n\ndef mine() -> int:\n    return 1\n"


@pytest.fixture
def project(lightgen: Lightgen) -> Project:
    lightgen.write("lion.py", LION)
    return Project(lightgen, "--rule", "lion.py")


def kinds(outcome: Any) -> dict[str, str]:
    return {file["path"]: file["kind"] for file in outcome.json["files"]}


def optimizer_of(project: Project) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(project.text("lightgen.toml"))["optimizer"]
    return table


# new


def test_a_project_of_a_rule(lightgen: Lightgen, project: Project) -> None:
    assert optimizer_of(project) == {"name": "custom", "rule": RULE}
    assert project.text(RULE) == LION
    assert "class Lion" in project.text(CUSTOM)
    assert "return Lion(parameter_groups(model, rates))" in project.text("src/run/optim.py")
    assert f'extend-exclude = ["{RULE.partition("/")[0]}"]' in project.text("pyproject.toml")
    assert f"`{RULE}`" in project.text("README.md")
    assert "lightgen update" in project.text("README.md")
    assert lightgen.done("update", "run").out == NOTHING
    assert "is what was rendered" in lightgen.done("status", "run", "--check").out


def test_the_rule_says_what_the_optimizer_takes(lightgen: Lightgen) -> None:
    lightgen.write("heavy.py", MOMENTUM)
    groups = "backbone:1e-2;momentum=0.5,head:x2;nesterov=true"
    flags = ("--rule", "heavy.py", "--groups", groups, "--set", "optimizer.nesterov=no")
    lightgen.done("new", "run", *flags)
    spec = tomllib.loads((lightgen.folder / "run/lightgen.toml").read_text())
    assert spec["optimizer"] == {"name": "custom", "rule": "rules/heavy.py", "nesterov": False}
    assert spec["groups"] == {
        "backbone": {"lr": 1e-2, "momentum": 0.5},
        "head": {"lr": "x2", "nesterov": True},
    }
    text = (lightgen.folder / "run/src/run/optim.py").read_text()
    assert "BASE_LR = 0.1" in text or "0.1" in text
    assert "HeavyBall(" in text


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--lr", "-1"), "optimizer.lr: -1 is less than 0; it takes [0, inf)"),
        (
            ("--set", "optimizer.beta=1"),
            "optimizer.beta: the rule has no argument 'beta'; did you mean 'betas'?",
        ),
        (
            ("--set", "optimizer.betas=0.9"),
            "optimizer.betas: [0.9] has 1 entries, not 2; it takes [0, 1)",
        ),
        (
            ("--groups", "a:betas=(0.9,1.5),b:1e-3"),
            "groups.a.betas: 1.5 is not less than 1; it takes [0, 1)",
        ),
        (
            ("--set", "optimizer.hyperparameters.trust=0.1"),
            "optimizer.hyperparameters: does not go with a rule, which says it itself; "
            "remove one of the two",
        ),
        (
            ("--set", "optimizer.skeleton=every-k"),
            "optimizer.skeleton: does not go with a rule, which says it itself; "
            "remove one of the two",
        ),
        (
            ("--set", "optimizer.class_name=lion"),
            "optimizer.class_name: 'lion' is no class name; write one like MyAdam",
        ),
        (
            ("--optimizer", "adamw"),
            "--rule: is a custom optimizer, and --optimizer says adamw; leave out one of the two",
        ),
    ],
)
def test_what_does_not_go_with_the_rule_is_told(
    lightgen: Lightgen, flags: tuple[str, ...], told: str
) -> None:
    lightgen.write("lion.py", LION)
    assert lightgen.refused("new", "run", "--rule", "lion.py", *flags) == [told]


def test_all_problems_of_a_rule_and_a_spec_at_once(lightgen: Lightgen) -> None:
    lightgen.write("lion.py", LION.replace("grad, 1 - betas[0]", "gard, 1 - betas[0]"))
    found = lightgen.refused("new", "run", "--rule", "lion.py", "--set", "seed=-1")
    assert {each.partition(":")[0] for each in found} == {"seed", "lion.py"}


def test_decay_is_split_where_the_rule_has_one(lightgen: Lightgen) -> None:
    lightgen.write("lion.py", LION.replace("weight_decay=0.0", "weight_decay=0.1"))
    out = lightgen.done("new", "run", "--rule", "lion.py").out
    assert "0.1 (not on biases and norms)" in out


def test_names_are_made_plain(lightgen: Lightgen) -> None:
    lightgen.write("my rule (v2).py", TWO)
    lightgen.done("new", "run", "--rule", "my rule (v2).py:heavy_ball")
    spec = tomllib.loads((lightgen.folder / "run/lightgen.toml").read_text())
    assert spec["optimizer"]["rule"] == "rules/my_rule_v2.py:heavy_ball"
    assert "class HeavyBall" in (lightgen.folder / "run/src/run/custom_optimizer.py").read_text()


def test_a_spec_names_a_rule_beside_it(lightgen: Lightgen) -> None:
    lightgen.write("specs/deep/lion.py", LION)
    lightgen.write("specs/lion.toml", '[optimizer]\nrule = "deep/lion.py:lion" # the one\n')
    lightgen.done("new", "run", "--spec", "specs/lion.toml")
    text = (lightgen.folder / "run/lightgen.toml").read_text()
    assert 'rule = "rules/lion.py:lion" # the one' in text
    assert (lightgen.folder / "run" / RULE).read_text() == LION


def test_a_project_is_made_from_the_spec_of_another(lightgen: Lightgen, project: Project) -> None:
    lightgen.done("new", "other/run", "--spec", "run/lightgen.toml")
    assert disk(lightgen.folder / "other/run") == project.disk()


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("rules/none.py", "there is no file 'rules/none.py' in the project; give the rule with"),
        ("../lion.py", "'../lion.py' has a component '..'"),
        ("/etc/passwd.py", "'/etc/passwd.py' is no plain path of a Python file"),
        ("rules/lion", "'rules/lion' is no plain path of a Python file"),
        ("a\nb.py", "'a\\nb.py' is no plain path of a Python file"),
        (".lightgen/base/x.py", "'.lightgen/base/x.py' is in lightgen's own folder"),
    ],
)
def test_a_rule_that_is_nowhere_in_the_project_is_told(
    lightgen: Lightgen, reference: str, what: str
) -> None:
    lightgen.write(
        "spec.toml",
        (
            f"[optimizer]\nname = 'custom'\nrule = {reference!r}\n".replace("\\n", "\\n")
            if "\n" not in reference
            else '[optimizer]\nrule = "a\\nb.py"\n'
        ),
    )
    [told] = lightgen.refused("new", "run", "--spec", "spec.toml")
    assert told.startswith("optimizer.rule: ")


def test_a_rule_belongs_to_a_custom_optimizer(lightgen: Lightgen) -> None:
    lightgen.write("rules/lion.py", LION)
    lightgen.write("spec.toml", "[optimizer]\nname = 'adamw'\nrule = 'rules/lion.py'\n")
    told = ["optimizer.rule: belongs to a custom optimizer; name = 'custom'"]
    assert lightgen.refused("new", "run", "--spec", "spec.toml") == told


def test_a_rule_where_lightgen_writes_is_told(lightgen: Lightgen, project: Project) -> None:
    project.write("src/run/model.py", LION)
    words = ("update", "run", "--rule", "run/src/run/model.py")
    assert lightgen.refused(*words) == [
        "optimizer.rule: 'src/run/model.py' is where lightgen writes a file of its own; "
        "give the rule another place"
    ]


def test_a_dry_run_shows_the_rule(lightgen: Lightgen) -> None:
    lightgen.write("lion.py", LION)
    words = ("new", "run", "--rule", "lion.py", "--dry-run", "--show", RULE)
    assert lightgen.done(*words).out == LION
    assert lightgen.files() == {"lion.py"}


def test_fused_kernels_come_and_go(lightgen: Lightgen, project: Project) -> None:
    outcome = lightgen.done("update", "run", "--set", "optimizer.fused=true", "--json")
    kernels = {f"src/run/fused_update{end}": "added" for end in (".cpp", ".py", "_triton.py")}
    assert kernels.items() <= kinds(outcome).items()
    assert "fused=True" in project.text("src/run/optim.py")
    assert "fused" in project.text(CUSTOM)
    lightgen.done("update", "run", "--set", "optimizer.fused=false")
    assert not any((project.root / path).exists() for path in kernels)
    assert "fused" not in project.text("src/run/optim.py")


# the user edits the rule


def test_an_edited_rule_is_compiled(lightgen: Lightgen, project: Project) -> None:
    project.edit(RULE, "sign(", "tanh(")
    status = lightgen("status", "run", "--check", "--json")
    assert status.code == 1
    assert status.json["spec_differs"] == ["optimizer.rule"]
    last = lightgen.done("status", "run").out.splitlines()[-1]
    assert last == f"the rule {RULE} differs from what was rendered; to render it: lightgen update"
    difference = lightgen("diff", "run", "--update")
    assert difference.code == 1
    assert "tanh" in difference.out
    before = project.disk()
    outcome = lightgen("update", "run", "--dry-run", "--json")
    assert kinds(outcome)[RULE] == "kept yours"
    assert kinds(outcome)[CUSTOM] == "updated"
    assert project.disk() == before
    assert lightgen("update", "run", "--check").code == 1
    lightgen.done("update", "run")
    assert "tanh" in project.text(CUSTOM)
    assert "tanh" in project.text(RULE)
    assert lightgen.done("update", "run").out == NOTHING
    lightgen.done("status", "run", "--check")


def test_hand_edits_and_the_rule_are_merged(lightgen: Lightgen, project: Project) -> None:
    project.append(CUSTOM, MINE)
    project.edit(RULE, "sign(", "tanh(")
    assert kinds(lightgen.done("update", "run", "--json"))[CUSTOM] == "merged"
    assert "tanh" in project.text(CUSTOM)
    assert project.text(CUSTOM).endswith(MINE)


def test_undo_takes_the_optimizer_back_and_leaves_the_rule(
    lightgen: Lightgen, project: Project
) -> None:
    project.append(CUSTOM, MINE)
    project.edit(RULE, "sign(", "tanh(")
    before = project.disk()
    lightgen.done("update", "run")
    lightgen.done("undo", "run")
    assert project.disk() == before
    assert "the rule rules/lion.py differs" in lightgen.done("status", "run").out


def test_hyperparameters_of_an_edited_rule_reach_the_spec(
    lightgen: Lightgen, project: Project
) -> None:
    told = [
        "optimizer.gain: the rule has no argument 'gain'; "
        "known: betas, foreach, fused, lr, maximize, weight_decay"
    ]
    words = ("update", "run", "--set", "optimizer.gain=2")
    assert lightgen.refused(*words) == told
    project.edit(RULE, "weight_decay=0.0", "weight_decay=0.0, gain: 0 < gain <= 4 = 1.0")
    project.edit(RULE, "sign(", "gain * sign(")
    lightgen.done(*words)
    assert "gain=2" in project.text("src/run/optim.py")
    assert lightgen.refused("update", "run", "--set", "optimizer.gain=5") == [
        "optimizer.gain: 5 is more than 4; it takes (0, 4]"
    ]
    project.write(RULE, LION)
    [left] = lightgen.refused("update", "run")
    assert left.startswith("optimizer.gain: the rule has no argument 'gain'")


def test_a_rule_that_no_longer_parses_is_told(lightgen: Lightgen, project: Project) -> None:
    project.edit(RULE, "sign(", "sing(")
    before = project.disk()
    [told] = lightgen.refused("update", "run")
    assert told.startswith(f"{RULE}:4: ")
    assert "did you mean 'sin'" in told or "did you mean 'sign'" in told
    assert project.disk() == before
    project.write(RULE, b"\xff")
    told = f"{RULE}: byte 0 is not UTF-8; save the file as UTF-8 text"
    assert lightgen.refused("update", "run") == [told]


def test_conflict_markers_in_a_rule_are_resolved_first(
    lightgen: Lightgen, project: Project
) -> None:
    marked = f"<<<<<<< one\n{LION}=======\n{LION}>>>>>>> other\n"
    project.write(RULE, marked)
    told = [f"{RULE}:1: an unresolved conflict starts here; resolve it first"]
    assert lightgen.refused("update", "run", code=3) == told
    assert lightgen.refused("update", "run", "--rule", "lion.py", code=3) == told
    out = lightgen.done("status", "run").out
    assert out.endswith(f"{RULE}:1 has an unresolved conflict; resolve it first\n")


def test_a_missing_rule_is_brought_back(lightgen: Lightgen, project: Project) -> None:
    (project.root / RULE).unlink()
    told = [
        f"{RULE}: the rule is gone; bring it back: lightgen update --restore {RULE}; "
        "or give one with --rule FILE"
    ]
    assert lightgen.refused("update", "run", code=3) == told
    out = lightgen.done("status", "run").out
    assert out.endswith(
        f"the rule {RULE} is gone; to bring it back: lightgen update --restore {RULE}\n"
    )
    assert kinds(lightgen.done("update", "run", "--restore", RULE, "--json")) == {RULE: "added"}
    assert project.text(RULE) == LION
    (project.root / RULE).unlink()
    lightgen.done("update", "run", "--rule", "lion.py")
    assert project.text(RULE) == LION
    lightgen.done("status", "run", "--check")


def test_a_link_is_no_rule(lightgen: Lightgen, project: Project) -> None:
    (project.root / RULE).unlink()
    os.symlink(lightgen.folder / "lion.py", project.root / RULE)
    told = [f"{RULE}: is a link; make the rule a plain file"]
    assert lightgen.refused("update", "run", code=3) == told


# another rule


def test_a_rule_takes_the_place_of_an_optimizer(lightgen: Lightgen) -> None:
    project = Project(lightgen, "--optimizer", "sgd", "--set", "optimizer.nesterov=true")
    lightgen.write("lion.py", LION)
    outcome = lightgen.done("update", "run", "--rule", "lion.py")
    assert "the rule has no argument nesterov: optimizer.nesterov is dropped" in outcome.notes
    assert optimizer_of(project) == {"name": "custom", "rule": RULE}
    assert "class Lion" in project.text(CUSTOM)
    outcome = lightgen.done("update", "run", "--optimizer", "adamw")
    assert "adamw has no argument rule: optimizer.rule is dropped" in outcome.notes
    assert not (project.root / RULE).exists()
    assert not (project.root / CUSTOM).exists()
    assert "rule" not in optimizer_of(project)
    lightgen.done("status", "run", "--check")


def test_an_edited_rule_stays_as_an_orphan(lightgen: Lightgen, project: Project) -> None:
    project.edit(RULE, "sign(", "tanh(")
    outcome = lightgen.done("update", "run", "--optimizer", "adamw", "--json")
    assert kinds(outcome)[RULE] == "orphan kept"
    assert "tanh" in project.text(RULE)


def test_another_rule_takes_the_place_of_one(lightgen: Lightgen, project: Project) -> None:
    lightgen.write("heavy.py", MOMENTUM)
    lightgen.done("update", "run", "--set", "optimizer.weight_decay=0.1")
    outcome = lightgen.done("update", "run", "--rule", "heavy.py", "--json")
    assert (
        "the rule has no argument weight_decay: optimizer.weight_decay is dropped"
        in outcome.json["notes"]
    )
    assert {"rules/heavy.py": "added", RULE: "deleted"}.items() <= kinds(outcome).items()
    assert "class HeavyBall" in project.text(CUSTOM)
    lightgen.done("status", "run", "--check")


def test_a_rule_like_an_edited_one_does_not_take_its_edits(
    lightgen: Lightgen, project: Project
) -> None:
    project.edit(RULE, "sign(", "tanh(")
    lightgen.write("lion2.py", LION.replace("0.99", "0.98"))
    outcome = lightgen.done("update", "run", "--rule", "lion2.py", "--json")
    assert kinds(outcome)[RULE] == "orphan kept"
    assert project.text("rules/lion2.py") == LION.replace("0.99", "0.98")
    assert "tanh" not in project.text(CUSTOM)


def test_a_newer_version_of_the_rule(lightgen: Lightgen, project: Project) -> None:
    newer = LION.replace("0.99", "0.98")
    lightgen.write("lion.py", newer)
    lightgen.done("update", "run", "--rule", "lion.py")
    assert project.text(RULE) == newer
    assert "0.98" in project.text(CUSTOM)
    lightgen.done("undo", "run")
    assert project.text(RULE) == LION


def test_a_newer_version_is_merged_with_edits(lightgen: Lightgen, project: Project) -> None:
    project.edit(RULE, "sign(", "tanh(")
    lightgen.write("lion.py", LION.replace("0.99", "0.98"))
    outcome = lightgen.done("update", "run", "--rule", "lion.py", "--json")
    assert kinds(outcome)[RULE] == "merged"
    assert project.text(RULE) == LION.replace("0.99", "0.98").replace("sign(", "tanh(")
    assert "tanh" in project.text(CUSTOM)
    assert "0.98" in project.text(CUSTOM)
    lightgen.done("status", "run", "--check")


def test_a_newer_version_that_contradicts_edits_is_refused(
    lightgen: Lightgen, project: Project
) -> None:
    project.edit(RULE, "sign(", "tanh(")
    lightgen.write("lion.py", LION.replace("sign(", "atan("))
    assert lightgen.refused("update", "run", "--rule", "lion.py", code=3) == [
        f"{RULE}: has edits of yours where lion.py changes it, too; "
        f"put what you want of it into {RULE} and run lightgen update, or remove {RULE}"
    ]


def test_a_file_of_yours_is_no_rule_to_overwrite(lightgen: Lightgen) -> None:
    project = Project(lightgen)
    project.write(RULE, MOMENTUM)
    lightgen.write("lion.py", LION)
    [told] = lightgen.refused("update", "run", "--rule", "lion.py", code=3)
    assert told.startswith(f"{RULE}: is a file of yours, and lion.py is another; ")
    project.write(RULE, LION)
    outcome = lightgen.done("update", "run", "--rule", "lion.py", "--json")
    assert kinds(outcome)[RULE] == "adopted"


def test_a_rule_in_the_project_is_named_where_it_lies(lightgen: Lightgen, project: Project) -> None:
    project.write("research/two.py", TWO)
    outcome = lightgen.done("update", "run", "--rule", "run/research/two.py:heavy_ball", "--json")
    assert kinds(outcome)["research/two.py"] == "adopted"
    assert optimizer_of(project)["rule"] == "research/two.py:heavy_ball"
    assert not (project.root / RULE).exists()
    assert "class HeavyBall" in project.text(CUSTOM)
    assert 'extend-exclude = ["research/two.py"]' in project.text("pyproject.toml")
    lightgen.done("update", "run", "--set", "optimizer.rule=research/two.py:lion")
    assert "class Lion" in project.text(CUSTOM)


def test_a_rule_that_was_moved(lightgen: Lightgen, project: Project) -> None:
    (project.root / RULE).rename(project.root / "rules/mine.py")
    project.edit("rules/mine.py", "sign(", "tanh(")
    assert lightgen.refused("update", "run", code=3)[0].startswith(f"{RULE}: the rule is gone")
    lightgen.done("update", "run", "--rule", "run/rules/mine.py")
    assert optimizer_of(project)["rule"] == "rules/mine.py"
    assert "tanh" in project.text(CUSTOM)
    assert not (project.root / RULE).exists()
    lightgen.done("status", "run", "--check")


def test_a_whole_spec_with_a_rule(lightgen: Lightgen, project: Project) -> None:
    lightgen.write("specs/adan.py", LION.replace("def lion", "def adan"))
    lightgen.write("specs/spec.toml", "[optimizer]\nrule = 'adan.py'\nweight_decay = 0.1\n")
    outcome = lightgen.done("update", "run", "--spec", "specs/spec.toml", "--json")
    assert {"rules/adan.py": "added", RULE: "deleted"}.items() <= kinds(outcome).items()
    assert "class Adan" in project.text(CUSTOM)
    # A copy of the spec, without the rule beside it, means the one in the project.
    lightgen.write("copy.toml", project.text("lightgen.toml"))
    assert lightgen.done("update", "run", "--spec", "copy.toml").out == NOTHING


def test_a_helper_of_the_rule_is_no_code_that_was_moved(lightgen: Lightgen) -> None:
    lightgen.write("lamb.py", LAMB)
    project = Project(lightgen, "--rule", "lamb.py")
    project.append(CUSTOM, MINE)
    project.write("rules/lamb.py", LAMB.replace("trust(", "ratio("))
    outcome = lightgen.done("update", "run", "--json")
    assert kinds(outcome)["rules/lamb.py"] == "kept yours"
    assert project.text("rules/lamb.py") == LAMB.replace("trust(", "ratio(")
    text = project.text(CUSTOM)
    assert "def ratio(" in text
    assert "trust" not in text
    assert text.endswith(MINE)
    assert lightgen.done("update", "run").out == NOTHING


# memory


def test_the_recorded_rule_is_the_base_of_a_damaged_memory(
    lightgen: Lightgen, project: Project
) -> None:
    (project.root / f".lightgen/base/{CUSTOM}.base").unlink()
    project.append(CUSTOM, MINE)
    project.edit(RULE, "sign(", "tanh(")
    lightgen.done("update", "run")
    assert "tanh" in project.text(CUSTOM)
    assert project.text(CUSTOM).endswith(MINE)
    assert project.text(CUSTOM).count("sign_") == 0


def test_a_lost_memory_is_rebuilt(lightgen: Lightgen, project: Project) -> None:
    import shutil

    project.edit(RULE, "0.99", "0.98")
    lightgen.done("update", "run")
    before = project.disk()
    shutil.rmtree(project.root / ".lightgen")
    lightgen.done("update", "run", "--rebuild-base")
    assert project.disk() == before
    (project.root / f".lightgen/base/{RULE}.base").unlink()
    lightgen.done("update", "run")
    assert project.disk() == before


def commit(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


@pytest.mark.parametrize("order", [("one", "other"), ("other", "one")])
def test_two_people_change_the_rule_and_the_spec(
    lightgen: Lightgen, project: Project, order: tuple[str, str]
) -> None:
    root = project.root
    git(root, "init", "-q")
    commit(root, "new")
    git(root, "checkout", "-q", "-b", "one", "main")
    project.edit(RULE, "sign(", "tanh(")
    lightgen.done("update", "run")
    commit(root, "one")
    git(root, "checkout", "-q", "-b", "other", "main")
    lightgen.done("update", "run", "--set", "optimizer.weight_decay=0.1")
    commit(root, "other")
    clone = lightgen.folder / "clone"
    git(lightgen.folder, "clone", "-q", "-b", order[0], str(root), str(clone))
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    merge = ["git", *identity, "merge", "-q", "-m", "merge", f"origin/{order[1]}"]
    subprocess.run(merge, cwd=clone, check=False, capture_output=True)
    undecided = git(clone, "diff", "--name-only", "--diff-filter=U").split()
    assert all(path.startswith(".lightgen/") for path in undecided)
    lightgen.done("update", "clone")
    assert "tanh" in (clone / CUSTOM).read_text()
    assert "weight_decay=0.1" in (clone / "src/run/optim.py").read_text()
    lightgen.done("status", "clone", "--check")
    assert lightgen.done("update", "clone").out == NOTHING


def test_a_pack_does_not_write_where_the_rule_is(lightgen: Lightgen, project: Project) -> None:
    lightgen.write("pack/cookiecutter.json", '{"project_slug": "x"}')
    lightgen.write("pack/{{cookiecutter.project_slug}}/rules/lion.py", LION)
    assert lightgen.refused("update", "run", "--template", "pack") == [
        f"template.source: the pack's {RULE} is where the rule is; rename"
    ]
