"""Proof: each trainable parameter stands in exactly one parameter group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch.nn.parameter import is_lazy

from lightgen.check.planned import Planned
from lightgen.check.proof import Finding, Group, Proof


def prove_coverage(planned: Planned) -> Finding:
    """Compare the module's parameters with the optimizers'."""
    named = dict(planned.module.named_parameters())
    owners: dict[int, list[str]] = {}
    for group, content in planned.groups:
        for parameter in content["params"]:
            owners.setdefault(id(parameter), []).append(group)
    faults = [*_faults(named, owners), *_foreign(planned, named)]
    frozen = [name for name, parameter in named.items() if not parameter.requires_grad]
    detail = _frozen_line(frozen, named)
    rows = tuple(_row(name, group) for name, group in planned.groups)
    if faults:
        what = faults[0] if len(faults) == 1 else f"{faults[0]}, and {len(faults) - 1} more"
        proof = Proof("coverage", False, what, (*faults[1:], *detail))
    else:
        proof = Proof("coverage", True, _summary(named, len(rows)), detail)
    return Finding(proof, rows)


def _faults(named: dict[str, Any], owners: dict[int, list[str]]) -> list[str]:
    faults = []
    for name, parameter in named.items():
        found = owners.get(id(parameter), [])
        if not found and parameter.requires_grad:
            faults.append(f"{name} trains but is in no group")
        if len(found) > 1:
            faults.append(f"{name} stands {len(found)} times in groups: {', '.join(found)}")
    return faults


def _foreign(planned: Planned, named: dict[str, Any]) -> list[str]:
    own = {id(parameter) for parameter in named.values()}
    module = type(planned.module).__name__
    counts = {
        group: sum(id(parameter) not in own for parameter in content["params"])
        for group, content in planned.groups
    }
    return [
        f"{group} holds {_count(count, 'tensor')} that {module} does not have"
        for group, count in counts.items()
        if count
    ]


def _summary(named: dict[str, Any], groups: int) -> str:
    trained = [parameter for parameter in named.values() if parameter.requires_grad]
    where = "the one group" if groups == 1 else f"exactly one of {groups} groups"
    return (
        f"{_count(len(trained), 'trainable tensor')} ({_size(trained):,} parameters), "
        f"each in {where}"
    )


def _frozen_line(frozen: list[str], named: dict[str, Any]) -> tuple[str, ...]:
    if not frozen:
        return ()
    shown = ", ".join(frozen[:6]) + (", ..." if len(frozen) > 6 else "")
    size = _size(named[name] for name in frozen)
    return (f"frozen: {_count(len(frozen), 'tensor')} ({size:,} parameters): {shown}",)


def _row(name: str, group: dict[str, Any]) -> Group:
    parameters = group["params"]
    decay = group.get("weight_decay")
    return Group(
        name,
        len(parameters),
        _size(parameters),
        float(group.get("initial_lr", group.get("lr", 0.0))),
        None if decay is None else float(decay),
        any(parameter.requires_grad for parameter in parameters),
    )


def _size(parameters: Iterable[Any]) -> int:
    """A lazy parameter has no shape before the first batch."""
    return sum(0 if is_lazy(parameter) else int(parameter.numel()) for parameter in parameters)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
