"""What the documentation shows is what happens: transcripts, refusals, specs and the code of them.

A page's transcripts are one session. Left out are commands that need torch or another machine;
those have tests of their own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from support.command import Lightgen
from support.pages import ROOT, Command, blocks, commands, fits, flat, pieces, refusals
from support.projects import plan_of

from lightgen.render.project import render_project

LEFT_OUT = ("python ", "pip ", "lightgen check")
EDITS = {
    "src/digits_run/optim.py": (
        '"lr": 1e-4,\n',
        '"lr": 1e-4,\n                "betas": (0.9, 0.95),  # from the sweep in May\n',
    ),
    "src/digits_run/module.py": (
        "        loss, _ = cross_entropy(self.model, batch)\n",
        "        loss, logits = cross_entropy(self.model, batch)\n"
        "        accuracy = (logits.argmax(dim=1) == batch[1]).float().mean()\n"
        '        self.log("train/accuracy", accuracy)\n',
    ),
}
EDITED = "new digits-run --groups backbone:1e-4,head:1e-3"
CHANGED = (
    "update --groups backbone:3e-5,head:1e-3 --scheduler cosine --set scheduler.warmup_steps=60"
)


class Session:
    """A folder in which the commands of a page are given, one after the other."""

    def __init__(self, lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lightgen, self.top, self.code = lightgen, lightgen.folder, 0
        self.monkeypatch = monkeypatch

    def give(self, command: Command) -> None:
        """Give a command, and hold what it prints against the page."""
        words = command.words
        if words[0] == "cd":
            self.lightgen.folder = (self.lightgen.folder / words[1]).resolve()
            assert self.lightgen.folder.is_dir(), command.line
        elif words[0] == "cat" and not (self.lightgen.folder / words[1]).exists():
            self.lightgen.write(words[1], command.said)
        else:
            printed = self.printed(command)
            assert fits(command.said, printed), f"$ {command.line}\n{printed}"

    def printed(self, command: Command) -> str:
        """What a command prints, in either stream."""
        line, *pipe = command.line.split(" | ")
        if line == "echo $?":
            return f"{self.code}\n"
        given = b""
        if line.startswith("lightgen "):
            with self.monkeypatch.context() as patch:
                patch.setattr(sys, "stderr", sys.stdout)
                outcome = self.lightgen(*Command(line, "").words[1:])
            self.code, given = outcome.code, outcome.out.encode()
            line = " | ".join(pipe) or "cat"
        else:
            line = " | ".join([line, *pipe])
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.lightgen.folder,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.stdout.decode()

    def begin(self, *calls: str, edits: bool = False) -> None:
        """Go to a new folder, give some calls there, and edit what they wrote."""
        shutil.rmtree(self.top / "anew", ignore_errors=True)
        (self.top / "anew").mkdir()
        self.lightgen.folder = self.top / "anew"
        for call in calls:
            self.lightgen.done(*call.split())
            if call.startswith("new "):
                self.lightgen.folder /= call.split()[1]
                if edits:
                    self.edit()

    def edit(self) -> None:
        """The edits of the example."""
        for name, (old, new) in EDITS.items():
            path = self.lightgen.folder / name
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new, 1))
        self.lightgen.write("notes.md", "")

    def resolve(self) -> None:
        """Keep one side of the conflict in train.py."""
        path = self.lightgen.folder / "src/digits_run/train.py"
        kept = re.sub(r"<{7} yours\n(.*\n)={7}\n.*\n>{7} .*\n", r"\1", path.read_text())
        path.write_text(kept)

    def back(self) -> None:
        """Go to where the page began."""
        self.lightgen.folder = self.top

    def after_the_first_update(self) -> None:
        """Be where the first update of the example ends."""
        self.begin(EDITED, CHANGED, edits=True)

    def without_a_test(self) -> None:
        """Have deleted one of the generated tests."""
        self.after_the_first_update()
        (self.lightgen.folder / "tests/test_training.py").unlink()

    def of_a_lost_base(self) -> None:
        """Have an edited file, and nothing that tells which."""
        self.begin(EDITED)
        path = self.lightgen.folder / "src/digits_run/model.py"
        path.write_text(f"{path.read_text()}\nMINE = 1\n")
        shutil.rmtree(self.lightgen.folder / ".lightgen")

    def of_a_rule(self) -> None:
        """The files of the page on rules."""
        block = next(each.text for each in blocks("docs/rules.md") if "# lion.py" in each.text)
        self.lightgen.write("lion.py", block.partition("\n")[2])

    def of_a_project_with_a_rule(self) -> None:
        """The project of the page on rules."""
        self.lightgen.done(*"new run --rule lion.py --groups backbone:1e-4,head:3e-4".split())


# What the words of a page say before a command.
PREMISES: dict[str, dict[str, Callable[[Session], None]]] = {
    "README.md": {
        f"lightgen {CHANGED}": lambda session: session.begin(EDITED, edits=True),
        "cat lion.py": Session.back,
    },
    "docs/editing-and-regenerating.md": {
        "rm .github/workflows/ci.yml": Session.edit,
        "lightgen update": Session.resolve,
        "lightgen update --restore tests/test_training.py": Session.without_a_test,
        "lightgen undo": Session.after_the_first_update,
        "lightgen update --rebuild-base": Session.of_a_lost_base,
    },
    "docs/rules.md": {
        "lightgen rule check lion.py": Session.of_a_rule,
        "cd run": Session.of_a_project_with_a_rule,
        "lightgen rule build lion.py -o lion_optimizer.py --tests test_lion_optimizer.py": (
            Session.back
        ),
    },
}
SESSIONS = [
    "README.md",
    *(f"docs/{name}.md" for name in ("custom-optimizer", "editing-and-regenerating", "groups")),
    *(f"docs/{name}.md" for name in ("packs", "rules", "schedulers")),
]


@pytest.mark.parametrize("page", SESSIONS)
def test_a_transcript_is_what_is_printed(
    page: str, lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, premises = Session(lightgen, monkeypatch), dict(PREMISES.get(page, {}))
    for command in commands(page):
        if command.line.startswith(LEFT_OUT):
            continue
        premises.pop(command.line, lambda session: None)(session)
        session.give(command)
    assert not premises


PAGES = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
REFUSALS = [row for page in ("README.md", *sorted(PAGES)) for row in refusals(page)]


@pytest.mark.parametrize(("wish", "message"), REFUSALS, ids=[wish for wish, _ in REFUSALS])
def test_a_refusal_is_what_is_told(wish: str, message: str, lightgen: Lightgen) -> None:
    told = lightgen.refused("new", "run", *Command(wish, "").words)
    assert any(each.startswith(f"{message};") for each in told), told


# What the code of a page is of, beside the specs that the page shows.
SPECS: dict[str, list[dict[str, Any]]] = {
    "docs/stories/four-gpus.md": [{"trainer": {"strategy": "fsdp2", "devices": 4}}],
    "docs/ways/averaging.md": [
        {"averaging": {"name": "swa", "start_epoch": 15}, "scheduler": {"name": "cosine"}}
    ],
    "docs/ways/third-party-optimizers.md": [{"optimizer": {"name": "mypkg.optim.Mine"}}],
    "docs/ways/third-party-schedules.md": [
        {
            "scheduler": {
                "name": "transformers.get_cosine_schedule_with_warmup",
                "num_warmup_steps": 100,
            }
        },
        {"scheduler": {"name": "timm.scheduler.CosineLRScheduler"}},
    ],
    "docs/ways/transfer.md": [{"task": "transfer"}],
}
WITH_CODE = [page for page in sorted(PAGES) if page.startswith(("docs/ways/", "docs/stories/"))]


@pytest.mark.parametrize("page", WITH_CODE)
def test_specs_are_specs_and_code_is_generated(page: str) -> None:
    shown = [tomllib.loads(block.text) for block in blocks(page) if block.language == "toml"]
    written = [
        flat(file.content.decode())
        for spec in (*shown, *SPECS.get(page, ()))
        for file in render_project(plan_of(spec)).values()
    ]
    for block in blocks(page):
        if block.language in ("python", "bash") and not block.text.startswith("lightgen "):
            for piece in pieces(block.text):
                assert any(
                    piece in text for text in written
                ), f"{page}: generated nowhere:\n{piece}"


def test_lines_of_the_first_example_are_counted_right(lightgen: Lightgen) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    lightgen.done(*"new digits-run --optimizer custom --groups backbone:1e-4,head:1e-3".split())
    files = {
        path: len((lightgen.folder / "digits-run" / path).read_text().splitlines())
        for path in re.findall(r"^\| `((?:src|tests)/.*?)` \| \d+ ", text, flags=re.M)
    }
    for path, lines in files.items():
        assert f"| `{path}` | {lines} " in text, (path, lines)
    package = sum(lines for path, lines in files.items() if path.startswith("src/"))
    assert f"the package has {package:,} lines" in text


STORIES = [page for page in WITH_CODE if any("lightgen" in each.text for each in blocks(page))]


@pytest.mark.parametrize("page", STORIES)
def test_the_commands_of_a_story_are_commands(page: str, lightgen: Lightgen) -> None:
    spec = next((each.text for each in blocks(page) if each.language == "toml"), "")
    lightgen.write("vit.toml", spec)
    lightgen.write("theirs.toml", spec)
    lightgen.done("new", "story", *(["--spec", "theirs.toml"] if "theirs." in spec else []))
    for block in blocks(page):
        for line in block.text.replace("\\\n", " ").splitlines():
            words = Command(line.removeprefix("$ "), "").words if "lightgen " in line else [""]
            if words[:2] == ["lightgen", "new"]:
                lightgen.done("new", *words[2:], "--dry-run")
            elif words[0] == "lightgen" and words[1] in ("update", "add"):
                at = words.index("launcher") + 2 if words[1] == "add" else 2
                comment = words.index("#") if "#" in words else len(words)
                lightgen.done(*words[1:at], "story", *words[at:comment])
