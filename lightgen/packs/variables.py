"""cookiecutter.json and what the user wished -> the value of each variable."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from lightgen.packs.environment import Context, explainer, plain, renderer, sandbox
from lightgen.packs.pack import Pack
from lightgen.packs.settings import Settings, is_private, read_settings
from lightgen.problems import InputError, Problem, guess, raise_if_any

if TYPE_CHECKING:
    from jinja2 import Environment

_YES = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO = frozenset({"0", "false", "f", "no", "n", "off"})
_Render: TypeAlias = Callable[[object], object]


def resolve_variables(
    pack: Pack, wished: Mapping[str, str], *, context: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return the value of each variable of a pack: as wished, else its rendered default.

    What is wished is taken as it stands, never as a template. Defaults may refer to earlier
    variables and to what context holds (as `lightgen`). Private variables cannot be wished for:
    `_x` stays as it is, `__x` is rendered.

    Raises InputError with all that is wrong: unknown names, values outside a choice list, defaults
    that cannot be rendered.
    """
    settings = read_settings(pack.files)
    environment = sandbox(settings, pack.files)
    return settle(pack, settings, wished, environment, plain(context or {}))


def settle(
    pack: Pack,
    settings: Settings,
    wished: Mapping[str, str],
    environment: Environment,
    context: object,
) -> dict[str, object]:
    """Return the value of each variable, its default rendered by that environment."""
    problems = _unknown(wished, settings)
    values: dict[str, object] = {}
    for name in _in_order(settings.variables):
        raw = settings.variables[name]
        if is_private(name) and not name.startswith("__"):
            values[name] = plain(raw)
            continue
        render = _renderer(environment, {"cookiecutter": values, "lightgen": context}, name)
        try:
            values[name] = _value(name, raw, wished, render)
        except InputError as error:
            problems += error.problems
            values[name] = raw  # a stand-in, so that what refers to it is no further problem
    raise_if_any(problems)
    return values | {"_template": pack.source, "_checkout": pack.ref or None}


def _unknown(wished: Mapping[str, str], settings: Settings) -> list[Problem]:
    known = [name for name in settings.variables if not is_private(name)]
    problems = []
    for name in wished:
        if is_private(name) and name in settings.variables:
            problems.append(_problem(name, "is private to the pack"))
        elif name not in known:
            problems.append(_problem(name, "the pack has no such variable", guess(name, known)))
    return problems


def _in_order(variables: Mapping[str, object]) -> list[str]:
    """Tables come last, as in cookiecutter: what they hold may refer to any other variable."""
    tables = [name for name, raw in variables.items() if _is_late(name, raw)]
    return [name for name in variables if name not in tables] + tables


def _is_late(name: str, raw: object) -> bool:
    return isinstance(raw, dict) and not is_private(name)


def _renderer(environment: Environment, context: Context, name: str) -> _Render:
    """Return what renders a default as cookiecutter does: numbers become text, booleans stay."""

    def explain(error: Exception) -> Problem:
        found = explainer("", {}, context)(error)
        return _problem(name, f"its default cannot be rendered: {found.what}", found.todo)

    def render(raw: object) -> object:
        if raw is None or isinstance(raw, bool):
            return raw
        if isinstance(raw, dict):
            return {str(render(key)): render(value) for key, value in raw.items()}
        if isinstance(raw, list):
            return [render(value) for value in raw]
        return render_text(str(raw))

    render_text = renderer(environment, context, explain)
    return render


def _value(name: str, raw: object, wished: Mapping[str, str], render: _Render) -> object:
    wish = None if is_private(name) else wished.get(name)
    if isinstance(raw, list) and not name.startswith("__"):
        return _choice(name, [render(option) for option in raw], wish)
    if wish is None:
        return render(raw)
    if isinstance(raw, bool):
        return _switch(name, wish)
    if isinstance(raw, dict):
        return _table(name, render(raw), wish)
    return wish


def _choice(name: str, options: list[object], wish: str | None) -> object:
    if not options:
        raise InputError(_problem(name, "the pack's list of choices is empty"))
    if wish is None:
        return options[0]
    named = {str(option): option for option in options}
    if wish not in named:
        what = f"'{wish}' is not one of the choices"
        raise InputError(_problem(name, what, guess(wish, named)))
    return named[wish]


def _switch(name: str, wish: str) -> bool:
    word = wish.strip().lower()
    if word not in _YES | _NO:
        raise InputError(_problem(name, f"'{wish}' is no boolean", "say yes or no"))
    return word in _YES


def _table(name: str, default: object, wish: str) -> object:
    try:
        said = json.loads(wish)
    except (ValueError, RecursionError) as error:
        raise InputError(_problem(name, f"is not JSON: {error}", "write {...}")) from error
    if not isinstance(said, dict):
        raise InputError(_problem(name, "is not a JSON object", "write {...}"))
    return _merged(default, said)


def _merged(default: object, said: object) -> object:
    if not isinstance(default, dict) or not isinstance(said, dict):
        return said
    kept = {key: value for key, value in default.items() if key not in said}
    return kept | {key: _merged(default.get(key), value) for key, value in said.items()}


def _problem(name: str, what: str, todo: str = "") -> Problem:
    return Problem(f"template.variables.{name}", what, todo or "mend it in the pack")
