#!/usr/bin/env python3
"""Writes profiles/peers/{accelerate,axolotl,deepspeed}.yaml: the keys that each peer's parser knows.

Run in the environment that scripts/check_exports.sh makes. Usage: list_peer_keys.py FOLDER
"""

import importlib.metadata
import pathlib
import sys


def write(folder, name, how, keys, sections):
    version = importlib.metadata.version(name)
    lines = [
        f"# Keys that {name} {version} knows. Written by scripts/list_peer_keys.py; do not edit.",
        f"peer: {name}",
        f"version: {version}",
        f"source: {{note: {how!r}}}".replace("'", '"'),
    ]
    lines += listed("keys", keys, 0)
    lines += ["sections:"]
    for section in sorted(sections):
        lines += listed(section, sections[section], 2)
    (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    print(f"{name} {version}: {len(keys)} keys, {len(sections)} sections")


def listed(key, values, indent):
    lines, line = [], " " * indent + f"{key}: ["
    for i, value in enumerate(sorted(values)):
        part = value + ("" if i + 1 == len(values) else ", ")
        if len(line) + len(part) > 118:
            lines.append(line.rstrip())
            line = " " * (indent + 2)
        line += part
    return lines + [line + "]"]


class Recorded(dict):
    """Remembers which keys its reader asked for."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked = set()

    def __copy__(self):
        return self

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)

    def __contains__(self, key):
        self.asked.add(key)
        return super().__contains__(key)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def keys(self):
        return self


def fields(model):
    names = set()
    for name, field in model.model_fields.items():
        names |= {field.alias or name, name}  # pydantic takes both here
    return names


def deepspeed(folder):
    import deepspeed.runtime.config as config
    from deepspeed.runtime.precision_config import DeepSpeedBF16Config, DeepSpeedFP16Config
    from deepspeed.runtime.zero import offload_config
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig

    checkpointing = Recorded()
    given = Recorded({"train_batch_size": 1, "activation_checkpointing": checkpointing})
    config.DeepSpeedConfig(given)
    sections = {
        "zero_optimization": fields(DeepSpeedZeroConfig),
        "zero_optimization.offload_optimizer":
            fields(offload_config.DeepSpeedZeroOffloadOptimizerConfig),
        "zero_optimization.offload_param": fields(offload_config.DeepSpeedZeroOffloadParamConfig),
        "bf16": fields(DeepSpeedBF16Config),
        "fp16": fields(DeepSpeedFP16Config),
        "activation_checkpointing": checkpointing.asked,
    }
    # Read elsewhere than in the configuration class: the engine, its monitors, the launcher.
    also = {"autotuning", "elasticity", "sequence_parallel_size", "compile", "hybrid_engine",
            "data_efficiency", "checkpoint", "timers", "tensor_parallel", "comms_logger",
            "tensorboard", "wandb", "comet", "csv_monitor", "flops_profiler", "aio",
            "compression_training", "curriculum_learning", "vocabulary_size", "nebula"}
    names = {key for key in given.asked if isinstance(key, str)} | also
    removed = set(config._REMOVED_TOP_LEVEL_CONFIG_KEYS)
    sections["zero_optimization"] -= set(config._REMOVED_ZERO_CONFIG_KEYS)
    write(folder, "deepspeed", "keys that DeepSpeedConfig asks for, fields of its pydantic models",
          names - removed, sections)


def accelerate(folder):
    from accelerate.commands.config.config_args import ClusterConfig, SageMakerConfig
    from accelerate.commands.launch import launch_command_parser

    names = set(ClusterConfig.__dataclass_fields__) | set(SageMakerConfig.__dataclass_fields__)
    names |= {"fp16", "dynamo_backend"}  # of older files, translated
    known = set(vars(launch_command_parser().parse_args(["train.py"])))
    deepspeed_words = ("deepspeed_", "zero", "offload_", "gradient_")
    sections = {
        "fsdp_config": {key for key in known if key.startswith("fsdp_")},
        "deepspeed_config": {key for key in known if key.startswith(deepspeed_words)}
        | {"auxiliary_options"},
        "parallelism_config": {key for key in known if key.startswith("parallelism_config_")},
        "dynamo_config": {key for key in known if key.startswith("dynamo_")},
        "fp8_config": {key for key in known if key.startswith("fp8_")},
        "megatron_lm_config": {key for key in known if key.startswith("megatron_lm_")},
    }
    write(folder, "accelerate", "fields of ClusterConfig, options of accelerate launch", names,
          sections)


def axolotl(folder):
    from axolotl.utils.schemas.config import AxolotlInputConfig
    from axolotl.utils.schemas.fsdp import FSDPConfig

    names = set(AxolotlInputConfig.model_fields)
    for field in AxolotlInputConfig.model_fields.values():
        choices = getattr(field.validation_alias, "choices", None) or []
        names |= {choice for choice in choices if isinstance(choice, str)}
    sections = {"fsdp_config": set(FSDPConfig.model_fields) | {"version"}}
    write(folder, "axolotl", "fields of AxolotlInputConfig and FSDPConfig", names, sections)


target = pathlib.Path(sys.argv[1])
for peer in (accelerate, axolotl, deepspeed):
    peer(target)
