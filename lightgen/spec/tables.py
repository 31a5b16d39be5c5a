"""The two kinds of tables of a spec."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OpenTable(BaseModel):
    """A table that takes a class's own arguments too."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keys that belong to the class."""
        return dict(self.model_extra or {})
