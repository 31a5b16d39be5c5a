"""A project in memory: relative POSIX path to content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class File:
    """The content of one file and whether it may be executed."""

    content: bytes
    executable: bool = False

    @classmethod
    def from_text(cls, text: str, *, executable: bool = False) -> File:
        """Encode text as UTF-8, line ends as they are."""
        return cls(text.encode("utf-8"), executable)

    @property
    def text(self) -> str:
        """The content decoded as UTF-8."""
        return self.content.decode("utf-8")


Tree: TypeAlias = Mapping[str, File]
