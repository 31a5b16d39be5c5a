"""Where a pack's templates are rendered: a sandbox that knows only the pack's own files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from lightgen.packs.settings import WHERE, Settings
from lightgen.problems import InputError, Problem, guess
from lightgen.tree import Tree

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment, Template

Context: TypeAlias = Mapping[str, object]
Explain: TypeAlias = Callable[[Exception], Problem]
_SWITCHES = frozenset({"trim_blocks", "lstrip_blocks", "keep_trailing_newline"})
_DELIMITERS = frozenset(
    {
        "block_start_string",
        "block_end_string",
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
        "line_statement_prefix",
        "line_comment_prefix",
    }
)
_NEVER_TWICE_ALIKE = frozenset({"now", "uuid4", "random_ascii_string", "random", "lipsum"})
_NO_SUCH_NAME = re.compile(
    r"(?:has no attribute|unknown tag|No filter named) '(\w+)'|'(\w+)' is undefined"
)


def sandbox(settings: Settings, files: Tree) -> Environment:
    """Return a strict sandbox with the harmless settings of a pack and cookiecutter's pure filters.

    Raises InputError for a setting that is not merely lexical.
    """
    from cookiecutter.extensions import (  # type: ignore[import-untyped]
        JsonifyExtension,
        SlugifyExtension,
    )
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    options = {"keep_trailing_newline": True, **_lexical(settings.jinja_options)}
    try:
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            extensions=[JsonifyExtension, SlugifyExtension],
            **options,
        )
    except AssertionError as error:
        raise _refused(f"two delimiters are the same ({error})") from error
    del environment.globals["lipsum"], environment.filters["random"]
    environment.loader = _loader(files, top_folder(files, environment))
    return environment


def top_folder(files: Tree, environment: Environment) -> str:
    """Return the name of the one folder whose contents are the template.

    Raises InputError where there is none or more than one.
    """
    marks = ("cookiecutter", environment.variable_start_string, environment.variable_end_string)
    tops = {path.split("/")[0] for path in files if "/" in path}
    found = sorted(top for top in tops if all(mark in top for mark in marks))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"'{name}'" for name in found)
        raise InputError(
            Problem(WHERE, f"the pack has more than one template folder: {names}", "keep one")
        )
    wished = f"{marks[1]} cookiecutter.NAME {marks[2]}"
    raise InputError(
        Problem(WHERE, f"the pack has no folder named like '{wished}' with a file", "add one")
    )


def template_problem(error: Exception, where: str, files: Tree, known: Iterable[str]) -> Problem:
    """Say what is wrong with a template, where (file and line), and the nearest known name."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError

    place = _place(error.__traceback__, files)
    if isinstance(error, TemplateSyntaxError):
        place = _pack_path(error.filename or "", files), error.lineno
    what = _sentence(error)
    if isinstance(error, TemplateNotFound):
        what = f"the pack has no text file '{error.name}' to include"
    stands = f"{place[0]}:{place[1]}" if place[0] else where
    return Problem(stands, what, _advice(what, known) or "mend it in the pack")


def explainer(where: str, files: Tree, context: Context) -> Explain:
    """Return what turns an error in the template at that path into a problem."""
    known = [word for inner in context.values() if isinstance(inner, dict) for word in inner]
    return lambda error: template_problem(error, where, files, known)


def renderer(environment: Environment, context: Context, explain: Explain) -> Callable[[str], str]:
    """Return what renders a text; whatever goes wrong in it is an InputError of the pack."""
    return lambda text: _guarded(lambda: environment.from_string(text), context, explain)


def render_file(environment: Environment, path: str, context: Context, explain: Explain) -> str:
    """Render a file of the template folder; raises InputError for whatever goes wrong in it."""
    return _guarded(lambda: environment.get_template(path), context, explain)


def plain(value: object) -> object:
    """Copy a value of plain str, int, float, bool, None, list and dict, and nothing else.

    Raises TypeError for any other type: an object with powers has no place in a sandbox.
    """
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {str(key): plain(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} may not stand in the context of a pack")


def _guarded(find: Callable[[], Template], context: Context, explain: Explain) -> str:
    try:
        text = find().render(context)
        text.encode("utf-8")
    except Exception as error:  # a template can raise anything
        raise InputError(explain(error)) from error
    return text


def _lexical(options: Mapping[str, object]) -> dict[str, object]:
    for name, value in options.items():
        kind = bool if name in _SWITCHES else str
        if name not in _SWITCHES | _DELIMITERS:
            raise _refused(f"'{name}' changes more than how templates are written")
        if not isinstance(value, kind) or value == "":
            raise _refused(f"'{name}' is no {'boolean' if kind is bool else 'text'}")
    return dict(options)


def _refused(what: str) -> InputError:
    return InputError(
        Problem(
            WHERE,
            f"_jinja2_env_vars in the pack's cookiecutter.json: {what}",
            f"packs may set {', '.join(sorted(_SWITCHES | _DELIMITERS))}",
        )
    )


def _loader(files: Tree, top: str) -> BaseLoader:
    """Load from the template folder, then from the pack's `templates/`, as cookiecutter does."""
    from jinja2 import FunctionLoader

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        inner = posixpath.normpath(name)
        for path in (f"{top}/{inner}", f"templates/{inner}"):
            text = decoded(files[path].content) if path in files else None
            if text is not None and ".." not in name.split("/"):
                return text, path, lambda: True
        return None

    return FunctionLoader(load)


def decoded(content: bytes) -> str | None:
    """Return the text of a template, or None for a file that is no text."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _place(traceback: TracebackType | None, files: Tree) -> tuple[str, int]:
    """Find the innermost line of a template: Jinja rewrites tracebacks to its templates' lines."""
    found = ("", 0)
    while traceback:
        path = _pack_path(traceback.tb_frame.f_code.co_filename, files)
        found = (path, traceback.tb_lineno) if path else found
        traceback = traceback.tb_next
    return found


def _pack_path(filename: str, files: Tree) -> str:
    """Return the path in the pack of a template that was loaded by us or by cookiecutter."""
    if filename in files:
        return filename
    inner = posixpath.normpath(filename)  # cookiecutter stands in the template folder
    if inner.startswith("../"):
        return inner[3:] if inner[3:] in files else ""
    tops = {path.split("/", 1)[0] for path in files}
    return next((f"{top}/{inner}" for top in sorted(tops) if f"{top}/{inner}" in files), "")


def _sentence(error: Exception) -> str:
    from jinja2 import TemplateError

    if isinstance(error, TemplateError):
        return (error.message or type(error).__name__).rstrip(".")
    return f"{type(error).__name__}: {error}"


def _advice(what: str, known: Iterable[str]) -> str:
    found = _NO_SUCH_NAME.search(what)
    name = (found[1] or found[2]) if found else ""
    if name in _NEVER_TWICE_ALIKE:
        return f"'{name}' differs at each rendering: use a variable, or allow it with --trust"
    advice = guess(name, known) if found else ""
    return advice if advice.startswith("did") else ""
