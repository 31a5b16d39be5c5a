"""The kernels for CUDA: interpreted, compiled without a device, and on one where there is one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support import run_triton
from support.fused import ADAMW, load_package, needs_compiler, write_package
from support.references import CASES

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)
RULES = "adamw sgd lion nadam radam amsgrad adopt rmsprop adan schedulefree_adamw".split()
TEXTS = {case.rule: case.text for case in CASES.values() if case.rule in RULES}


def differences(text: str, folder: Path, *dtypes: str, device: str = "cpu") -> dict[str, Any]:
    name, class_name = write_package(text, folder)
    interpret = {} if device == "cuda" else {"TRITON_INTERPRET": "1"}
    command = [sys.executable, run_triton.__file__, str(folder), name, class_name, device, *dtypes]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **interpret}, timeout=600
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@needs_triton
@needs_compiler
@pytest.mark.parametrize("rule", RULES)
def test_interpreted_it_is_the_kernel_of_the_cpu(rule: str, tmp_path: Path) -> None:
    found = differences(TEXTS[rule], tmp_path, "float32", "float64")
    assert found["launched"] == 10
    assert found["differences"]["torch.float32"] <= 1e-6
    assert found["differences"]["torch.float64"] <= 1e-13


@needs_triton
@needs_compiler
def test_branches_and_choices(tmp_path: Path) -> None:
    text = """def chosen(param, grad, m=zeros, *, lr=0.1, first=True, second=False, decay=0.1):
    if first:
        m = 0.5 * m + grad
    elif second:
        m = grad
    else:
        m = m - grad
    if decay != 0:
        param *= 1 - lr * decay
    size = where((abs(m) > 0.5) & (grad < 1), maximum(m, grad), minimum(m, clamp(grad, -1, None)))
    param -= lr * where(step == 2, size, sign(m) * rsqrt(1 + square(size)))
"""
    found = differences(text, tmp_path, "float32", "float64")
    assert found["differences"]["torch.float64"] <= 1e-13
    assert found["differences"]["torch.float32"] <= 1e-6


@needs_triton
@pytest.mark.parametrize("dtypes", ["fp32 fp32", "bf16 fp32", "fp64 fp64"])
def test_it_compiles_without_a_device(dtypes: str, tmp_path: Path) -> None:
    """For an H100: full blocks move four numbers at once, and roots are rounded as in torch."""
    name, _ = write_package(ADAMW, tmp_path)
    command = [sys.executable, "-c", PTX, str(tmp_path), name, *dtypes.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if "Cannot find a working triton" in done.stderr or "ptxas" in done.stderr:
        pytest.skip("this triton compiles for no CUDA device")
    assert done.returncode == 0, done.stderr
    ptx = done.stdout
    width = "v2.b64" if "fp64" in dtypes else "v4.b32"
    assert re.search(rf"ld\.global\.{width}", ptx) and re.search(rf"st\.global\.{width}", ptx)
    assert "sqrt.rn" in ptx and "sqrt.approx" not in ptx and "fma.rn.f32" not in ptx
    assert ("cvt.rn.bf16" in ptx) == ("bf16" in dtypes)


PTX = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
import triton, triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
types = {"fp32": tl.float32, "bf16": tl.bfloat16, "fp64": tl.float64}
module = importlib.import_module(sys.argv[2] + ".fused_update_triton")
kernel, _ = module.KERNELS["update"]
known = {"numbers": "*fp64", "count": "i32"}
known |= dict.fromkeys(("addresses", "sizes", "block_tensors", "block_begins"), "*i64")
values = {"PARAM": types[sys.argv[3]], "STATE": types[sys.argv[4]], "ALIGNED": True, "BLOCK": 1024}
names = kernel.arg_names
signature = {name: known.get(name, "constexpr") for name in names}
constants = {(names.index(name),): value for name, value in values.items()}
attributes = {(i,): [["tt.divisibility", 16]] for i in range(5)}
source = ASTSource(kernel, signature, constants, attributes)
target = GPUTarget("cuda", 90, 32)
print(triton.compile(source, target=target, options={"enable_fp_fusion": False}).asm["ptx"])
"""


@pytest.mark.gpu
@needs_triton
@needs_compiler
@pytest.mark.parametrize("rule", RULES)
def test_on_a_device_it_is_the_kernel_of_the_cpu(rule: str, tmp_path: Path) -> None:
    found = differences(TEXTS[rule], tmp_path, "float32", "float64", "bfloat16", device="cuda")
    assert found["differences"]["torch.float32"] <= 1e-6
    assert found["differences"]["torch.float64"] <= 1e-12
    assert found["differences"]["torch.bfloat16"] <= 0.016


@pytest.mark.gpu
@needs_triton
def test_a_new_learning_rate_compiles_nothing(tmp_path: Path) -> None:
    package = load_package(ADAMW, tmp_path)
    p = torch.nn.Parameter(torch.ones(5000, device="cuda"))
    p.grad = torch.ones_like(p)
    optimizer = package.optimizer([p], fused=True)
    optimizer.step()
    triton = importlib.import_module(f"{package.folder.name}.fused_update_triton")
    kernel, _ = triton.KERNELS["update"]
    compiled = sum(len(cache[0]) for cache in kernel.device_caches.values())
    for t in range(3):
        optimizer.param_groups[0]["lr"] = 0.1 * t
        optimizer.step()
    assert sum(len(cache[0]) for cache in kernel.device_caches.values()) == compiled
    torch.cuda.synchronize()


@pytest.mark.gpu
@needs_triton
def test_a_scaler_on_a_device_skips_and_unscales(tmp_path: Path) -> None:
    package = load_package(ADAMW, tmp_path)
    ours, theirs = (torch.nn.Parameter(torch.ones(100, device="cuda")) for _ in range(2))
    pairs = (
        (package.optimizer([ours], lr=0.1, fused=True), ours),
        (torch.optim.AdamW([theirs], lr=0.1, fused=True), theirs),
    )
    for optimizer, p in pairs:
        scaler = torch.amp.GradScaler("cuda", init_scale=1024.0)
        for factor in (1.0, float("inf"), 2.0):
            optimizer.zero_grad()
            scaler.scale((p * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
        assert float(optimizer.state[p]["step"]) == 2
    assert float((ours - theirs).abs().max()) <= 1e-6
