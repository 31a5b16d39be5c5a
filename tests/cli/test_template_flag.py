"""lightgen new --template: a team's own files around lightgen's."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lightgen.cli.app import app

FILES = {
    "cookiecutter.json": '{"team": "vision", "slug": "x"}',
    "{{ cookiecutter.slug }}/NOTICE": "{{ cookiecutter.team }} owns {{ lightgen.package }}\n",
    "{{ cookiecutter.slug }}/.gitignore": (
        "{% for group in lightgen.groups %}{{ group.name }}\n{% endfor %}"
    ),
}
GROUPS = "backbone:1e-4,head:1e-3"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        target = tmp_path / "pack" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return tmp_path / "pack"


def new(*argv: str) -> tuple[int, dict]:
    result = CliRunner().invoke(app, ["new", *argv, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_the_pack_adds_and_replaces_files_and_sees_the_plan(pack: Path, tmp_path: Path) -> None:
    target = tmp_path / "digits-run"
    code, _ = new(str(target), "--template", str(pack), "--groups", GROUPS)
    assert code == 0
    assert (target / "NOTICE").read_text() == "vision owns digits_run\n"
    assert (target / ".gitignore").read_text() == "backbone\nhead\n"
    assert (target / ".lightgen/base/NOTICE.base").read_text() == "vision owns digits_run\n"


def test_what_was_wished_and_what_it_was_are_recorded(pack: Path, tmp_path: Path) -> None:
    target = tmp_path / "digits-run"
    variable = "template.variables.team=speech"
    code, _ = new(str(target), "--template", str(pack), "--set", variable)
    assert code == 0
    spec = tomllib.loads((target / "lightgen.toml").read_text())
    state = tomllib.loads((target / ".lightgen/state.toml").read_text())
    assert spec["template"] == {"source": str(pack), "variables": {"team": "speech"}}
    assert state["template_resolved"].startswith("sha256:")
    stored = target / ".lightgen/pack/{{ cookiecutter.slug }}/NOTICE"
    assert stored.read_text() == FILES["{{ cookiecutter.slug }}/NOTICE"]
    assert (target / "NOTICE").read_text().startswith("speech")


def test_a_git_pack_is_taken_at_its_ref(pack: Path, tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        command = ["git", "-C", str(pack), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("tag", "v1")
    (pack / "{{ cookiecutter.slug }}/NOTICE").write_text("two\n")
    git("commit", "-qam", "two")
    target = tmp_path / "digits-run"
    code, _ = new(str(target), "--template", str(pack), "--checkout", "v1")
    assert code == 0
    assert (target / "NOTICE").read_text() == "vision owns digits_run\n"
    state = tomllib.loads((target / ".lightgen/state.toml").read_text())
    assert state["template_resolved"] == git("rev-parse", "v1")


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("hooks/post_gen_project.py", "print('x')", "hooks/post_gen_project.py"),
        ("{{ cookiecutter.slug }}/{{ '..' }}/x", "", "its path, '../x', leaves the project"),
        ("{{ cookiecutter.slug }}/x", "{{ cookiecutter.tem }}", "did you mean 'team'?"),
        ("{{ cookiecutter.slug }}/x", "{{ ''.__class__ }}", "__class__"),
    ],
)
def test_a_pack_that_does_more_is_refused(
    pack: Path, tmp_path: Path, path: str, text: str, what: str
) -> None:
    (pack / path).parent.mkdir(parents=True, exist_ok=True)
    (pack / path).write_text(text)
    target = tmp_path / "digits-run"
    code, printed = new(str(target), "--template", str(pack))
    assert code == 2
    assert what in json.dumps(printed["problems"])
    assert not target.exists()


def test_a_trusted_pack_may_run_its_hooks(pack: Path, tmp_path: Path) -> None:
    (pack / "hooks").mkdir()
    (pack / "hooks/post_gen_project.py").write_text("open('hooked', 'w').write('yes')")
    target = tmp_path / "digits-run"
    code, _ = new(str(target), "--template", str(pack), "--trust")
    assert code == 0
    assert (target / "hooked").read_text() == "yes"


def test_a_missing_pack_is_told(tmp_path: Path) -> None:
    code, printed = new(str(tmp_path / "run-1"), "--template", str(tmp_path / "nowhere"))
    assert code == 2
    assert printed["problems"][0]["where"] == "template.source"
    assert not (tmp_path / "run-1").exists()
