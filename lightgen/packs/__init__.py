"""Template packs: a team's own files, in the shape of a cookiecutter template, laid over ours."""

from lightgen.packs.fetch import fetch
from lightgen.packs.folder import load
from lightgen.packs.pack import Pack
from lightgen.packs.render import render
from lightgen.packs.settings import code_in
from lightgen.packs.variables import resolve_variables

__all__ = ["Pack", "code_in", "fetch", "load", "render", "resolve_variables"]
