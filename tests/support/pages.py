"""The pages of the documentation: their blocks, and the commands that their transcripts show."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_ROW = re.compile(r"^\| `(--.*?)` \| (\w[\w.]*: .*?) \|$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, and its text."""

    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a transcript, and what it is said to print."""

    line: str
    said: str

    @property
    def words(self) -> list[str]:
        """The command as a shell reads it."""
        return shlex.split(self.line)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(*found) for found in _FENCE.findall((ROOT / page).read_text("utf-8"))]


def commands(page: str) -> list[Command]:
    """The commands of a page's transcripts, which are one session; those with git are left out."""
    found = []
    for block in blocks(page):
        if (
            block.language == "console"
            and block.text.startswith("$ ")
            and "$ git" not in block.text
        ):
            for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
                line, _, said = part.replace("\\\n", " ").partition("\n")
                found.append(Command(line, said))
    return found


def pieces(code: str) -> list[str]:
    """What shown code consists of: definitions, and what stands between two omissions."""
    code = re.sub(r"^# (src|tests)/.*\n", "", code, flags=re.M)
    parts = re.split(r"\n\n(?= *(?:def|class) )|\n\n\n|^ *\.\.\.$", code, flags=re.M)
    return [flat(part) for part in parts if part.strip()]


def flat(code: str) -> str:
    """Code without its layout in lines, so that a part is found in the whole."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


def refusals(page: str) -> list[tuple[str, str]]:
    """The rows of a page's tables that hold a wish and the message to it."""
    text = (ROOT / page).read_text("utf-8")
    return [(wish.replace("\\|", "|"), message) for wish, message in _ROW.findall(text)]


def fits(said: str, printed: str) -> bool:
    """Whether a text is what a page says it is; `...` stands for whatever was left out."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "..." else _line(line)
        for line in _plain(said).splitlines()
    ]
    return re.fullmatch("".join(lines), _plain(printed)) is not None


def _line(line: str) -> str:
    return r".*".join(map(re.escape, line.rstrip().split("..."))) + r"[ ]*\n"


def _plain(text: str) -> str:
    """Without spaces at the ends of lines, and with no more than one empty line at a place."""
    lines = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"
