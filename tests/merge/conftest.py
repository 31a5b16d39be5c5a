"""The same examples on every run, few enough for a minute on two cores."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Projects to merge, no tests of ours.
collect_ignore = ["scenarios"]

settings.register_profile(
    "lightgen",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("lightgen")
