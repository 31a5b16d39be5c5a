"""A rule as Python: in place, over lists, and as it was given."""
