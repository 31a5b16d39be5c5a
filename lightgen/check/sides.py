"""A checkpoint held against what the code builds: differences, and who wins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lightgen.check.next_rates import epochs_made, group_name, next_rates
from lightgen.check.planned import Planned
from lightgen.check.resumption import CHOICES, Resumption, Setting

_SHOWN = ("lr", "weight_decay")
_NOT_SETTINGS = {"params", "param_names", "name"}
_NOBODY = "no group"


def resumption(saved: dict[str, Any], planned: Planned, choice: str | None) -> Resumption:
    """What a resume with that choice, or none, would do."""
    before, now = _saved_recipes(saved), _code_recipes(planned)
    weights = planned.module.state_dict().keys()
    new = tuple(name for name in weights if name not in saved["state_dict"])
    missing = tuple(name for name in saved["state_dict"] if name not in weights)
    moved = tuple(_moved(before, now))
    differences = tuple(_all_differences(before, now)) + tuple(
        f"{name} was in {one}, is in {other}" for name, one, other in moved
    )
    agree = not (differences or new or missing)
    chosen = choice or ("exact" if agree else None)
    impossible = _impossible(saved, before, now)
    settings = tuple(_settings(before, now))
    return Resumption(
        step=int(saved.get("global_step", 0)),
        epoch=epochs_made(saved),
        choice=chosen,
        goes_on=chosen is not None and chosen not in impossible,
        differences=differences,
        impossible=impossible,
        settings=settings,
        next_rates=tuple(next_rates(saved, planned, before, impossible)),
        moved=moved,
        new=new,
        missing=missing,
    )


def plain(value: Any) -> Any:
    """Without tensors, and as JSON has it."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _saved_recipes(saved: dict[str, Any]) -> list[dict[str, Any]]:
    """The recipes that the project kept, else what the states themselves tell."""
    kept = _as_list(saved.get("recipe"))
    if all(_is_recipe(each) for each in kept):
        return [plain(each) for each in kept]
    return [_recipe(state["param_groups"]) for state in saved.get("optimizer_states", ())]


def _code_recipes(planned: Planned) -> list[dict[str, Any]]:
    """The recipes that the project would keep, else what its optimizers tell."""
    kept = _as_list(getattr(planned.module, "recipe", None))
    if all(_is_recipe(each) for each in kept):
        return [plain(each) for each in kept]
    found = []
    for optimizer in planned.optimizers:
        schedule = [each for each in planned.schedules if each.scheduler.optimizer is optimizer]
        recipe = _recipe(optimizer.param_groups, type(optimizer).__name__)
        for config in schedule:
            name = type(config.scheduler).__name__
            recipe["schedule"] = {"scheduler": name, "interval": config.interval}
        found.append(recipe)
    return found


def _is_recipe(value: Any) -> bool:
    return isinstance(value, dict) and {"optimizer", "schedule", "groups"} <= value.keys()


def _recipe(groups: list[dict[str, Any]], optimizer: str = "") -> dict[str, Any]:
    settings = {
        group_name(group, at): plain({key: group[key] for key in group if key != "params"})
        for at, group in enumerate(groups)
    }
    return {"optimizer": optimizer, "schedule": {}, "groups": settings}


def _all_differences(before: list[Any], now: list[Any]) -> Iterator[str]:
    if len(before) != len(now):
        yield f"optimizers were {len(before)}, are {len(now)}"
    for one, other in zip(before, now, strict=False):
        yield from _differences(one, other)


def _differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            if key not in ("param_names", "name"):
                inner = f"{place}.{key}".removeprefix(".")
                yield from _differences(one.get(key), other.get(key), inner)
    elif isinstance(one, dict) or isinstance(other, dict):
        yield f"{place} is {'new' if one is None else 'gone'}"
    elif one != other:
        yield f"{place} was {one}, is {other}"


def _moved(before: list[Any], now: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Parameters that both sides have, with the group that each gives them."""
    ones, others = _owners(before), _owners(now)
    for name in dict.fromkeys([*ones, *others]):
        pair = ones.get(name, _NOBODY), others.get(name, _NOBODY)
        if pair[0] != pair[1]:
            yield name, *pair


def _owners(recipes: list[Any]) -> dict[str, str]:
    return {
        name: group
        for recipe in recipes
        for group, settings in recipe["groups"].items()
        for name in settings.get("param_names", ())
    }


def _settings(before: list[Any], now: list[Any]) -> Iterator[Setting]:
    """Rate and decay of each group, and whatever else differs in it."""
    for at in range(max(len(before), len(now))):
        ones, others = (each[at]["groups"] if at < len(each) else {} for each in (before, now))
        for group in dict.fromkeys([*others, *ones]):
            one, other = ones.get(group, {}), others.get(group, {})
            for key in dict.fromkeys([*_SHOWN, *other, *one]):
                values = one.get(key), other.get(key)
                shown = key in _SHOWN and values != (None, None)
                if key not in _NOT_SETTINGS and (shown or values[0] != values[1]):
                    yield Setting(group, key, *values)


def _impossible(saved: dict[str, Any], before: list[Any], now: list[Any]) -> dict[str, str]:
    """The choices that the project refuses."""
    if "optimizer_states" not in saved:
        return dict.fromkeys(CHOICES[:2], "the checkpoint has no state of an optimizer")
    if len(before) != len(now):
        return dict.fromkeys(CHOICES[:2], "there are other optimizers")
    found: dict[str, str] = {}
    for one, other in zip(before, now, strict=True):
        if one["optimizer"] and one["optimizer"] != other["optimizer"]:
            reason = f"{other['optimizer']} has another state than {one['optimizer']}"
            found |= dict.fromkeys(CHOICES[:2], reason)
        keys = ("scheduler", "interval", "functions")
        if any(one["schedule"].get(key) != other["schedule"].get(key) for key in keys):
            found.setdefault("exact", "the code has another schedule")
        if one["groups"].keys() != other["groups"].keys():
            found.setdefault("exact", "there are other groups")
    return found
