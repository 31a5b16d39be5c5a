"""How several processes train together: the strategies, and what each does to parameters."""

from __future__ import annotations

_DDP = ("ddp", "ddp_spawn", "ddp_fork", "ddp_notebook")
_DEEPSPEED = (
    "deepspeed",
    "deepspeed_stage_1",
    "deepspeed_stage_2",
    "deepspeed_stage_2_offload",
    "deepspeed_stage_3",
    "deepspeed_stage_3_offload",
    "deepspeed_stage_3_offload_nvme",
)
FSDP2 = "fsdp2"
# Lightning's names, and fsdp2, which it has no name for.
STRATEGIES = (
    "auto",
    *_DDP,
    *(f"{name}_find_unused_parameters_{flag}" for name in _DDP for flag in ("true", "false")),
    FSDP2,
    "fsdp",
    "fsdp_cpu_offload",
    *_DEEPSPEED,
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
FLATTENING = ("fsdp", "fsdp_cpu_offload", *_DEEPSPEED)
# Those that need GPUs.
ON_GPUS = FLATTENING
# torch's fused steps that know of tensors that are split.
FUSED_ON_SHARDS = ("Adam", "AdamW")
# What `ModelParallelStrategy` takes.
FSDP2_PRECISIONS = ("32-true", "32", "bf16-mixed", "bf16", "bf16-true", "16-true")
