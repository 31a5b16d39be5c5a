"""Changes of a spec as users make them, each a pair of projects: before and after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from lightgen.render.project import render_project
from lightgen.tree import Tree
from support.projects import plan_of

_GROUPS: dict[str, Any] = {"backbone": {"lr": 1e-4}, "head": {"lr": 1e-3}}
_DECAYED: dict[str, Any] = {"backbone": {"lr": 1e-4}, "head": {}}
_THREE: dict[str, Any] = {"stem": {"lr": 1e-4}, "body": {"lr": 5e-4}, "head": {"lr": 1e-3}}
_CNN: dict[str, Any] = {"model": {"name": "cnn"}}
_CUSTOM: dict[str, Any] = {"optimizer": {"name": "custom"}, "groups": _GROUPS}
_ADAMW: dict[str, Any] = {"optimizer": {"name": "AdamW"}, "groups": _DECAYED}
_SGD: dict[str, Any] = {"optimizer": {"name": "SGD", "lr": 0.1, "momentum": 0.9}}
_PLAIN: dict[str, Any] = {**_SGD, "groups": _GROUPS}
_COSINE: dict[str, Any] = {"scheduler": {"name": "cosine"}}

# name -> the spec before, and what of it is another afterwards (None: no longer there)
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a rate": (_PLAIN, {"groups": {"backbone": {"lr": 3e-4}, "head": {"lr": 1e-3}}}),
    "the base rate": (_ADAMW, {"optimizer": {"name": "AdamW", "lr": 3e-3}}),
    "every rate": (_PLAIN, {"groups": {"backbone": {"lr": 2e-5}, "head": {"lr": 2e-4}}}),
    "weight decay": (_ADAMW, {"optimizer": {"name": "AdamW", "weight_decay": 0.1}}),
    "a group more": ({**_PLAIN, **_CNN}, {"groups": {**_GROUPS, **_THREE}}),
    "groups at all": ({"optimizer": {"name": "AdamW"}}, {"groups": _DECAYED}),
    "a group fewer": (
        {"optimizer": {"name": "Adam"}, "groups": _THREE, **_CNN},
        {"groups": {"stem": {"lr": 1e-4}, "rest": {"lr": 1e-3}}},
    ),
    "the order of groups": (
        {"optimizer": {"name": "Adam"}, "groups": _THREE, **_CNN},
        {"groups": {name: _THREE[name] for name in ("head", "body", "stem")}},
    ),
    "a frozen group": (
        _PLAIN,
        {"groups": {"backbone": {"freeze": True}, "head": {"lr": 1e-3}}},
    ),
    "AdamW to SGD": (_ADAMW, _SGD),
    "SGD to AdamW": ({**_SGD, "groups": _DECAYED}, {"optimizer": {"name": "AdamW"}}),
    "custom to AdamW": (_CUSTOM, {"optimizer": {"name": "AdamW"}}),
    "AdamW to custom": (_ADAMW, {"optimizer": {"name": "custom"}}),
    "a scheduler in": (_ADAMW, _COSINE),
    "a scheduler out": ({**_ADAMW, **_COSINE}, {"scheduler": None}),
    "another scheduler": ({**_ADAMW, **_COSINE}, {"scheduler": {"name": "OneCycleLR"}}),
    "a warmup": (
        {**_ADAMW, **_COSINE},
        {"scheduler": {"name": "cosine", "warmup_steps": 100}},
    ),
    "the task": (_PLAIN, {"task": "regression"}),
    "precision": (_PLAIN, {"trainer": {"precision": "bf16-mixed"}}),
    "clipping": (_PLAIN, {"trainer": {"gradient_clip_val": 1.0}}),
    "accumulation": (
        {**_ADAMW, **_COSINE},
        {"trainer": {"accumulate_grad_batches": 4}},
    ),
    "the kind of model": ({"optimizer": {"name": "AdamW"}}, _CNN),
    "width": (_PLAIN, {"model": {"width": 512}}),
    "epochs": (_PLAIN, {"trainer": {"max_epochs": 50}}),
    "the logger": (_PLAIN, {"trainer": {"logger": "tensorboard"}}),
    "the import root": (_PLAIN, {"project": {"package": "sample_run", "lightning": "lightning"}}),
    "much at once": (
        _ADAMW,
        {**_SGD, **_COSINE, "trainer": {"max_epochs": 50, "gradient_clip_val": 1.0}},
    ),
}


@dataclass(frozen=True)
class Change:
    """A spec change and its two renders."""

    name: str
    before: Tree
    after: Tree


@cache
def change(name: str) -> Change:
    """Render both sides of a named change."""
    spec, other = CHANGES[name]
    after = {key: value for key, value in {**spec, **other}.items() if value is not None}
    return Change(name, *(render_project(plan_of(each)) for each in (spec, after)))
