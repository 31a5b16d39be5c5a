"""What a parameter group takes beside a rate and the arguments of the optimizer's class."""

from __future__ import annotations

from lightgen.catalogue.arguments import Argument, tabulate

FORMS = ("cosine", "linear", "wsd", "constant")
LAYER_DECAY = Argument(
    "layer_decay", above=0, max=1, doc="factor of the rate per layer away from the head"
)

# Keys of [groups.NAME]; where the optimizer's class has an argument of that name, it is meant.
GROUP_SETTINGS = tabulate(
    [
        LAYER_DECAY,
        Argument("schedule", kind="text", choices=FORMS, doc="the group's own schedule"),
        Argument("warmup_steps", kind="integer", min=0, doc="the group's own linear rise"),
        Argument("gradient_clip_val", above=0, doc="bound of the group's gradient"),
        Argument(
            "gradient_clip_algorithm", kind="text", choices=("norm", "value"), doc="what is bounded"
        ),
    ]
)
# No hyperparameter of a custom class has such a name. One may well have warmup_steps.
RESERVED_SETTINGS = frozenset(GROUP_SETTINGS.keys() - {"warmup_steps"})
