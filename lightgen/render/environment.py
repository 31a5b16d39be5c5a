"""The Jinja environment of lightgen's own templates, and where the templates are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightgen.source import Source

if TYPE_CHECKING:
    import jinja2

# A block that is not there: the line that would hold it goes too.
ABSENT = Source("\0")
_ABSENT_LINE = re.compile(r"[ \t]*\0\n?")
_PACKAGE = Path(__file__).resolve().parent.parent


def template_folder() -> Path:
    """The folder of the templates: in the wheel inside the package, in a checkout beside it."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


@cache
def environment() -> jinja2.Environment:
    """The environment; a hole takes a Source and nothing else."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        undefined=jinja2.StrictUndefined,
        finalize=_only_source,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _only_source(value: Any) -> Any:
    if isinstance(value, Source):
        return value
    raise TypeError(f"a template hole got {type(value).__name__} {value!r}, not a Source")


def fill(template: str, holes: Mapping[str, Any]) -> str:
    """Render one template."""
    text = environment().get_template(f"{template}.jinja").render(holes)
    return _ABSENT_LINE.sub("", text)
