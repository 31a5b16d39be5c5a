"""What the arguments of other packages' schedules take, by their names."""

from __future__ import annotations

from lightgen.catalogue.arguments import Argument, tabulate

KNOWN = tabulate(
    [
        Argument("num_warmup_steps", doc="steps of the linear rise", kind="integer", min=0),
        Argument("num_training_steps", doc="length of the run, in steps", kind="integer", min=0),
        Argument("num_decay_steps", doc="steps of the fall", kind="integer", min=0),
        Argument("num_stable_steps", doc="steps between rise and fall", kind="integer", min=0),
        Argument("num_cycles", above=0, doc="waves of the cosine"),
        Argument("timescale", min=1, doc="steps in which the rate falls to 0.71"),
        Argument("min_lr", min=0, doc="absolute floor of the rate"),
        Argument("min_lr_rate", min=0, max=1, doc="floor, as a fraction of each group's rate"),
        Argument("min_lr_ratio", min=0, max=1, doc="floor, as a fraction of each group's rate"),
        Argument("warmup_lr_rate", min=0, max=1, doc="fraction at the start of the rise"),
        Argument("lr_end", min=0, doc="absolute floor of the rate"),
        Argument("power", above=0, doc="exponent of the decay"),
        Argument(
            "warmup_type", kind="text", choices=("linear", "cosine", "1-sqrt"), doc="form of rise"
        ),
        Argument(
            "decay_type", kind="text", choices=("linear", "cosine", "1-sqrt"), doc="form of fall"
        ),
        Argument(
            "cooldown_type",
            kind="text",
            choices=("cosine", "1-sqrt", "linear", "1-square"),
            doc="form of the fall",
        ),
        Argument("t_initial", kind="integer", min=1, doc="length of a cycle, in intervals"),
        Argument("lr_min", min=0, doc="absolute floor of the rate"),
        Argument("cycle_mul", min=1, doc="growth of the cycles"),
        Argument("cycle_decay", above=0, max=1, doc="factor of the peak, each cycle"),
        Argument("cycle_limit", kind="integer", min=1, doc="number of cycles"),
        Argument("warmup_t", doc="intervals of the linear rise", kind="integer", min=0),
        Argument("warmup_lr_init", min=0, doc="absolute rate at the start of the rise"),
        Argument("warmup_prefix", kind="flag", doc="the schedule begins after the rise"),
        Argument("t_in_epochs", kind="flag", doc="intervals are epochs; follows interval"),
        Argument(
            "noise_range_t",
            kind="integers",
            length=2,
            min=0,
            optional=True,
            doc="first and last interval with noise",
        ),
        Argument("noise_pct", above=0, doc="most of the noise"),
        Argument("noise_std", above=0, doc="size of the noise"),
        Argument("noise_seed", doc="seed of the noise", kind="integer", min=0),
        Argument("k_decay", above=0, doc="exponent of the time"),
        Argument("initialize", kind="none", doc="the groups have no rates else"),
        Argument("lb", doc="where the tangent begins"),
        Argument("ub", doc="where it ends"),
        Argument("decay_rate", above=0, max=1, doc="factor of each decay"),
        Argument("stable_fn", kind="text", choices=("constant", "rsqrt", "power"), doc="plateau"),
        Argument("stable_timescale", above=0, optional=True, doc="intervals of the slow fall"),
        Argument("stable_power", above=0, doc="exponent of the slow fall"),
        Argument(
            "decay_fn",
            kind="text",
            choices=("linear", "1-sqrt", "cosine", "power", "exp"),
            doc="form of the fall",
        ),
        Argument("decay_power", above=0, doc="exponent of the fall"),
        Argument("decay_ratio", above=0, below=1, doc="end of the exponential fall"),
        Argument("first_cycle_steps", kind="integer", min=1, doc="length of the first cycle"),
        Argument("cycle_mult", above=0, doc="growth of the cycles"),
        Argument("max_lr", above=0, doc="peak; left out: the rate of the groups"),
        Argument("warmup_steps", doc="steps of the linear rise", kind="integer", min=0),
        Argument("gamma", above=0, max=1, doc="factor of the peak, each cycle"),
        Argument("total_steps", kind="integer", min=1, doc="length of the run, in steps"),
        Argument("num_epochs", kind="integer", min=1, doc="length of the run, in intervals"),
        Argument("is_warmup", kind="flag", doc="a constant rate instead"),
    ]
)
DECAY_T = {
    "StepLRScheduler": Argument("decay_t", min=1, doc="intervals between two decays"),
    "MultiStepLRScheduler": Argument(
        "decay_t", kind="integers", min=1, doc="intervals at which it falls"
    ),
    "WSDLRScheduler": Argument("decay_t", kind="integer", min=1, doc="intervals of the fall"),
}
