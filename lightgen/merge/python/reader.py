"""The files of one merge, each read once."""

from __future__ import annotations

from dataclasses import dataclass, field

from lightgen.merge.outcome import CannotMergeError
from lightgen.merge.python.keys import Keys
from lightgen.merge.python.renames import Renames, find_renames
from lightgen.merge.python.source import Source


class Reader:
    """Reads Python texts; what it has read can be compared."""

    def __init__(self) -> None:
        self.keys = Keys()
        self._sources: dict[str, Source | None] = {}
        self._renames: dict[tuple[str, str], Renames] = {}

    def read(self, text: str) -> Source:
        """The source of a text. CannotMergeError where it doesn't parse."""
        found = self.find(text)
        if found is None:
            raise CannotMergeError
        return found

    def find(self, text: str | None) -> Source | None:
        """The source of a text, None where there is no text or it doesn't parse."""
        if text is None:
            return None
        text = text if text.endswith("\n") or not text else text + "\n"
        if text not in self._sources:
            try:
                self._sources[text] = Source(text, self.keys)
            except CannotMergeError:
                self._sources[text] = None
        return self._sources[text]

    def renames(self, base: Source, yours: Source) -> Renames:
        """What was renamed between two sources."""
        pair = base.text, yours.text
        if pair not in self._renames:
            same = self.keys.of(base.tree.body) == self.keys.of(yours.tree.body)
            self._renames[pair] = Renames() if same else find_renames(base, yours)
        return self._renames[pair]


@dataclass(frozen=True)
class Elsewhere:
    """What a file's merge knows of the project's other files: what you renamed there."""

    reader: Reader
    renames: Renames = field(default_factory=Renames)
