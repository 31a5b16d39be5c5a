"""A rule as one pass over memory: C++ and Triton."""
