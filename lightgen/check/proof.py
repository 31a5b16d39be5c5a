"""What a check yields, as plain values that travel from the child as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# In the order in which they run.
NAMES = ("start", "coverage", "curve", "step", "resume")


@dataclass(frozen=True)
class Proof:
    """One claim about the wiring: whether it holds, said in a sentence, and further lines."""

    name: str
    holds: bool
    what: str
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A parameter group of an optimizer. `trains`: some parameter in it isn't frozen."""

    name: str
    tensors: int
    parameters: int
    lr: float
    weight_decay: float | None
    trains: bool


@dataclass(frozen=True)
class Rates:
    """The learning rate of a group over the run; `points` are evenly spaced over its steps."""

    group: str
    first: float
    peak: float
    peak_step: int
    last: float
    points: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """The learning rates of a planned run of `steps` optimizer steps, and what moves them."""

    steps: int
    length: str
    schedules: tuple[str, ...]
    rates: tuple[Rates, ...]


@dataclass(frozen=True)
class Report:
    """Everything that was found out."""

    proofs: tuple[Proof, ...]
    groups: tuple[Group, ...] = ()
    curve: Curve | None = None

    @property
    def holds(self) -> bool:
        """Whether every proof does."""
        return all(proof.holds for proof in self.proofs)


@dataclass(frozen=True)
class Finding:
    """What one proof tells its parent."""

    proof: Proof
    groups: tuple[Group, ...] = ()
    curve: Curve | None = None


@dataclass
class Gathered:
    """The report so far, from the messages of children."""

    proofs: list[Proof] = field(default_factory=list)
    groups: tuple[Group, ...] = ()
    curve: Curve | None = None

    def add(self, message: dict[str, Any]) -> None:
        """Take one finding."""
        proof = message["proof"]
        self.proofs.append(Proof(**{**proof, "detail": tuple(proof["detail"])}))
        self.groups = tuple(Group(**group) for group in message["groups"]) or self.groups
        if message["curve"]:
            rates = tuple(Rates(**each) for each in message["curve"]["rates"])
            self.curve = Curve(**{**message["curve"], "rates": rates})

    def report(self) -> Report:
        """Everything, in the order of the proofs."""
        ordered = sorted(self.proofs, key=lambda proof: NAMES.index(proof.name))
        return Report(tuple(ordered), self.groups, self.curve)
