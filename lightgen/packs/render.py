"""A pack and its variables -> the files that are laid over the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lightgen.packs import trusted
from lightgen.packs.environment import (
    Context,
    decoded,
    explainer,
    plain,
    render_file,
    sandbox,
    top_folder,
)
from lightgen.packs.pack import Pack
from lightgen.packs.placement import Placement, place_files
from lightgen.packs.settings import WHERE, Settings, executables, read_settings
from lightgen.packs.variables import settle
from lightgen.problems import InputError, Problem, raise_if_any
from lightgen.tree import File, Tree

if TYPE_CHECKING:
    from jinja2 import Environment

_LINE_END = re.compile(r"\r\n|\r|\n")


def render(
    pack: Pack,
    wished: Mapping[str, str],
    context: Mapping[str, object],
    *,
    trust: bool = False,
) -> Tree:
    """Render a pack: its templates see `cookiecutter` (the variables) and `lightgen` (the context).

    Without trust a sandbox renders, and a pack that wants to execute code is refused. With trust
    cookiecutter itself renders, in another process and a temporary folder, with the pack's hooks
    and extensions.

    Raises InputError with all that is wrong with the variables, the templates or the paths that
    they render to; TypeError where the context holds more than plain values.
    """
    surroundings = plain(context)
    settings = read_settings(pack.files)
    if trust:
        return trusted.generate(pack, wished, surroundings)
    _refuse_code(pack, settings)
    environment = sandbox(settings, pack.files)
    variables = settle(pack, settings, wished, environment, surroundings)
    return _render_all(
        pack.files, settings, environment, {"cookiecutter": variables, "lightgen": surroundings}
    )


def _refuse_code(pack: Pack, settings: Settings) -> None:
    found = executables(pack.files, settings)
    if found:
        what = f"the pack '{pack.source}' wants to execute code: {', '.join(found)}"
        raise InputError(Problem(WHERE, what, "read it, then allow it with --trust"))


def _render_all(
    files: Tree, settings: Settings, environment: Environment, context: Context
) -> Tree:
    top = top_folder(files, environment)
    rendered: dict[str, File] = {}
    problems: list[Problem] = []
    for place in place_files(files, top, settings, environment, context):
        try:
            content = _content(place, files, settings, environment, context)
        except InputError as error:
            problems += error.problems
            continue
        rendered[place.target] = File(content, files[place.origin].executable)
    raise_if_any(problems)
    return dict(sorted(rendered.items()))


def _content(
    place: Placement, files: Tree, settings: Settings, environment: Environment, context: Context
) -> bytes:
    raw = files[place.origin].content
    text = None if place.is_verbatim else decoded(raw)
    if text is None:
        return raw
    inner = place.origin.split("/", 1)[1]
    explain = explainer(place.origin, files, context)
    rendered = render_file(environment, inner, context, explain)
    first = _LINE_END.search(text)
    line_end = settings.newline or (first[0] if first else "\n")
    return _LINE_END.sub(line_end, rendered).encode("utf-8")
