"""Proofs of a project's wiring, run on the project as it stands.

`prove.py` stays outside of torch: it starts a child of the same interpreter and gathers what that
tells. `run.py` is the child: it runs the project's own training up to `Trainer.fit`, and from there
one proof after the other. Nothing here is imported to generate or to update.
"""
