"""How several processes train together: the strategies, and what each does to parameters."""

from __future__ import annotations

from typing import Any

_DDP = ("ddp", "ddp_spawn", "ddp_fork", "ddp_notebook")
_OFFLOAD = {"offload_optimizer": True}
_OFFLOAD_ALL = {**_OFFLOAD, "offload_parameters": True}
_NVME = ("remote_device", "offload_params_device", "offload_optimizer_device")
# What each of Lightning's names for DeepSpeed says to its strategy.
DEEPSPEED: dict[str, dict[str, Any]] = {
    "deepspeed": {},
    "deepspeed_stage_1": {"stage": 1},
    "deepspeed_stage_2": {"stage": 2},
    "deepspeed_stage_2_offload": {"stage": 2, **_OFFLOAD},
    "deepspeed_stage_3": {"stage": 3},
    "deepspeed_stage_3_offload": {"stage": 3, **_OFFLOAD_ALL},
    "deepspeed_stage_3_offload_nvme": {"stage": 3, **_OFFLOAD_ALL, **dict.fromkeys(_NVME, "nvme")},
}
FSDP2 = "fsdp2"
# Lightning's names, and fsdp2, which it has no name for.
STRATEGIES = (
    "auto",
    *_DDP,
    *(f"{name}_find_unused_parameters_{flag}" for name in _DDP for flag in ("true", "false")),
    FSDP2,
    "fsdp",
    "fsdp_cpu_offload",
    *DEEPSPEED,
    "single_device",
    "single_tpu",
    "single_xla",
    "xla",
    "xla_debug",
)
# The starts of the names of those that make processes.
SEVERAL_PROCESSES = ("ddp", "fsdp", "deepspeed")
# Of these, those that split weights and gradients over the devices.
SHARDING = ("fsdp", "deepspeed")
# Those that lay parameters out as rows of numbers, where no optimizer sees their shapes.
FLATTENING = ("fsdp", "fsdp_cpu_offload", *DEEPSPEED)
# Those that need GPUs.
ON_GPUS = FLATTENING
# torch's fused steps that know of tensors that are split.
FUSED_ON_SHARDS = ("Adam", "AdamW")
# What `ModelParallelStrategy` takes.
FSDP2_PRECISIONS = ("32-true", "32", "bf16-mixed", "bf16", "bf16-true", "16-true")
