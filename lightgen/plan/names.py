"""Names that the generated project must not have."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from lightgen.catalogue.facts import module_names
from lightgen.catalogue.schedulers import schedulers
from lightgen.problems import Problem
from lightgen.source import is_identifier

# Importable names that a training project meets: its own dependencies, theirs, and common company.
_IMPORTABLE = frozenset(
    [
        "IPython",
        "PIL",
        "accelerate",
        "aiohttp",
        "albumentations",
        "attr",
        "attrs",
        "black",
        "bitsandbytes",
        "certifi",
        "click",
        "cookiecutter",
        "coverage",
        "cv2",
        "cython",
        "dask",
        "datasets",
        "deepspeed",
        "docutils",
        "einops",
        "evaluate",
        "fastapi",
        "filelock",
        "flask",
        "fsspec",
        "functorch",
        "geoopt",
        "gymnasium",
        "h5py",
        "heavyball",
        "hf",
        "huggingface_hub",
        "hydra",
        "hypothesis",
        "idna",
        "imageio",
        "jax",
        "jaxlib",
        "jinja2",
        "joblib",
        "jsonargparse",
        "jsonschema",
        "keras",
        "lightgbm",
        "lightgen",
        "lightning",
        "lightning_fabric",
        "lightning_utilities",
        "lion_pytorch",
        "markdown",
        "markupsafe",
        "matplotlib",
        "mlflow",
        "monai",
        "mpmath",
        "multipart",
        "mypy",
        "networkx",
        "nltk",
        "notebook",
        "numba",
        "numpy",
        "omegaconf",
        "onnx",
        "onnxruntime",
        "optax",
        "optuna",
        "packaging",
        "pandas",
        "peft",
        "pip",
        "pkg_resources",
        "plotly",
        "polars",
        "propcache",
        "psutil",
        "pyarrow",
        "pydantic",
        "pygments",
        "pytest",
        "pytorch_lightning",
        "pytorch_optimizer",
        "ray",
        "regex",
        "requests",
        "rich",
        "ruff",
        "safetensors",
        "schedulefree",
        "scipy",
        "seaborn",
        "sentencepiece",
        "setuptools",
        "six",
        "skimage",
        "sklearn",
        "spacy",
        "sqlalchemy",
        "src",
        "statsmodels",
        "sympy",
        "tensorboard",
        "tensorflow",
        "test",
        "tests",
        "timm",
        "tokenizers",
        "tomli",
        "tomlkit",
        "torch",
        "torchao",
        "torchaudio",
        "torchgen",
        "torchmetrics",
        "torchtext",
        "torchvision",
        "tornado",
        "tqdm",
        "transformers",
        "triton",
        "typer",
        "typing_extensions",
        "urllib3",
        "wandb",
        "wheel",
        "xgboost",
        "yaml",
        "yarl",
        "zmq",
    ]
)
# Names beside a custom optimizer's class, in its file, its test and optim.py.
_CLASS_NAMES = frozenset(
    [
        "TimmSchedule",
        "Any",
        "Callable",
        "Classifier",
        "FLAGS",
        "GROUP_KEYS",
        "Iterable",
        "Iterator",
        "LRScheduler",
        "Mapping",
        "NUMBERS",
        "Network",
        "OPTIONS",
        "OUT_OF_RANGE",
        "Optimizer",
        "PATTERNS",
        "ParameterGroup",
        "ParamsT",
        "Recipe",
        "Regressor",
        "Sequence",
        "Tensor",
        "TypeAlias",
    ]
)
_RESERVED_MEMBERS = frozenset({"no_weight_decay"})
_GROUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def package_from(path: Path) -> str:
    """The package name that a folder's name suggests."""
    return re.sub(r"[^0-9a-z]+", "_", path.name.lower()).strip("_")


def package_problem(package: str) -> Problem | None:
    """What is wrong with a package name, or None."""
    where, todo = "project.package", "choose another with --set project.package=NAME"
    if not is_identifier(package) or package.startswith("_"):
        return Problem(where, f"'{package}' is no Python package name", todo)
    folded = package.lower()
    if package in sys.stdlib_module_names or folded in {name.lower() for name in _IMPORTABLE}:
        return Problem(where, f"'{package}' would shadow an importable module", todo)
    return None


def dependency_problems(requirements: Iterable[str]) -> list[Problem]:
    """Requirements that pip would not read."""
    found = []
    for text in requirements:
        fault = _requirement_fault(text)
        if fault:
            what = f"'{text}' is no requirement ({fault})"
            todo = "write it as for pip, as in 'einops>=0.8'"
            found.append(Problem("project.dependencies", what, todo))
    return found


def distribution(requirement: str) -> str:
    """What a requirement asks pip for: einops of "einops>=0.8".

    Raises:
        ValueError: pip would not read it.
    """
    # Here, as the import is slow and few specs have dependencies.
    from packaging.requirements import Requirement

    return Requirement(requirement).name


def _requirement_fault(text: str) -> str:
    try:
        distribution(text)
    except ValueError as error:
        return str(error).splitlines()[0]
    return ""


def class_name_from(function: str) -> str:
    """The name of the class that a rule makes: schedulefree_adamw -> SchedulefreeAdamw."""
    return "".join(part[:1].upper() + part[1:] for part in function.split("_"))


def class_name_problem(name: str) -> Problem | None:
    """What is wrong with the name of a custom optimizer's class, or None."""
    where = "optimizer.class_name"
    if not is_identifier(name) or not name[0].isupper():
        return Problem(where, f"'{name}' is no class name", "write one like MyAdam")
    if name in _CLASS_NAMES or name in schedulers() or hasattr(builtins, name):
        return Problem(where, f"'{name}' stands in the generated code already", "choose another")
    return None


def member_fault(name: str) -> str:
    """Why a submodule cannot have this name, or an empty text."""
    if not is_identifier(name):
        return f"'{name}' is no Python identifier"
    if name.startswith("_"):
        return f"'{name}' starts with an underscore, as private members do"
    if name in module_names() or name in _RESERVED_MEMBERS:
        return f"every nn.Module has a '{name}' already"
    return ""


def group_name_fault(name: str) -> str:
    """Why a group with patterns cannot have this name, or an empty text."""
    if not _GROUP_NAME.fullmatch(name):
        return f"'{name}' is no group name (letters, digits, '_', '.' and '-')"
    return ""
