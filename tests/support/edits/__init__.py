"""What users do to a generated project, by name; each edit fits the render of any spec.

An edit takes a project and returns the edited one, or None where it has nothing to change.
"""

from support.edits import comments, files, layout, names, statements, values
from support.edits.registry import EDITS, Edit

FORMATTING = (
    "black_100_everywhere",
    "black_100_without_magic_commas_everywhere",
    "black_60_everywhere",
    "single_quotes_everywhere",
    "crlf_everywhere",
    "blank_lines_in_bodies",
)

__all__ = [
    "EDITS",
    "FORMATTING",
    "Edit",
    "comments",
    "files",
    "layout",
    "names",
    "statements",
    "values",
]
