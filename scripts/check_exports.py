#!/usr/bin/env python3
"""Reads exports of aforo with the peers' own parsers. Usage: check_exports.py FOLDER [MEGATRON]

FOLDER holds what scripts/check_exports.sh exported; MEGATRON is a checkout of Megatron-LM, whose
flags are parsed too if it is given. Prints one line a file and exits 1 if any is refused.
"""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import types
import typing

import typing_extensions
import yaml

typing.override = typing_extensions.override  # Megatron-LM asks for Python 3.12 for this name alone


def plan_of(path):
    """The plan that a file was exported from, with its world size."""
    plan = yaml.safe_load((path.parent / (path.name.split(".")[0] + ".plan.yaml")).read_text())
    layout = plan["plan"]
    plan["world"] = layout["dp"] * layout["tp"] * layout["pp"] * layout["cp"]
    plan["accum"] = plan["job"]["global_batch_size"] // (layout["micro_batch_size"] * layout["dp"])
    return plan


def expect(name, got, wanted):
    if got != wanted:
        raise AssertionError(f"{name} is {got!r}, the plan has {wanted!r}")


def deepspeed(path):
    import deepspeed.runtime.config as config

    plan = plan_of(path)
    mpu = types.SimpleNamespace(get_data_parallel_world_size=lambda: plan["plan"]["dp"])
    config.dist.get_rank = lambda: 0
    parsed = config.DeepSpeedConfig(str(path), mpu=mpu)
    expect("train_batch_size", parsed.train_batch_size, plan["job"]["global_batch_size"])
    expect("micro batch", parsed.train_micro_batch_size_per_gpu, plan["plan"]["micro_batch_size"])
    expect("accumulation", parsed.gradient_accumulation_steps, plan["accum"])
    stages = {"ddp": 0, "zero1": 1, "zero2": 2, "zero3": 3}
    expect("stage", int(parsed.zero_config.stage), stages[plan["plan"]["sharding"]])
    expect("bf16", parsed.bfloat16_config.enabled, plan["plan"]["precision"] == "bf16")
    offload = parsed.zero_config.offload_optimizer
    expect("offload", offload is not None, plan["plan"]["offload_states"] == "cpu")


def accelerate(path):
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    plan = plan_of(path)
    config = load_config_from_file(str(path))
    expect("num_processes", config.num_processes, plan["world"])
    expect("mixed_precision", config.mixed_precision, plan["plan"]["precision"])
    parser = launch_command_parser()
    args = parser.parse_args(["--config_file", str(path), "train.py"])
    known = vars(parser.parse_args(["train.py"])).keys()
    for section in ("fsdp_config", "deepspeed_config", "parallelism_config"):
        for key in getattr(config, section):  # accelerate itself takes any key here
            if key not in known:
                raise AssertionError(f"{section} has the unknown key {key}")
    # A machine without GPUs: the count of devices is not what is checked.
    args = _validate_launch_command(args)[0]
    if args.use_fsdp:
        from accelerate.utils import FullyShardedDataParallelPlugin
        from accelerate.utils.launch import prepare_multi_gpu_env

        args.num_machines, args.main_process_port = 1, 29500
        os.environ.update({k: v for k, v in prepare_multi_gpu_env(args).items() if "FSDP" in k})
        os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"  # both look for a device
        os.environ["FSDP_SYNC_MODULE_STATES"] = "false"
        plugin = FullyShardedDataParallelPlugin()
        expect("recompute", bool(plugin.activation_checkpointing),
               plan["plan"]["recompute"] == "full")
        if plugin.fsdp_version == 2:
            expect("reshard", plugin.reshard_after_forward, plan["plan"]["sharding"] != "zero2")
        for key in [key for key in os.environ if "FSDP" in key]:
            del os.environ[key]
    if args.use_deepspeed:
        stages = {"zero1": 1, "zero2": 2, "zero3": 3}
        expect("zero_stage", int(args.zero_stage), stages[plan["plan"]["sharding"]])
        expect("accumulation", int(args.gradient_accumulation_steps), plan["accum"])


def transformers(path):
    from transformers import HfArgumentParser, TrainingArguments
    from transformers.utils import is_torch_bf16_gpu_available

    plan = plan_of(path)
    fields = yaml.safe_load(path.read_text())
    fields.pop("deepspeed", None)  # needs a launched process group; its file is checked by itself
    fields["use_cpu"] = not is_torch_bf16_gpu_available()
    if fields["use_cpu"]:
        fields.pop("tf32", None)
        fields.pop("fsdp", None)
        config = fields.pop("fsdp_config", {})
        from accelerate.utils import FullyShardedDataParallelPlugin

        FullyShardedDataParallelPlugin(
            fsdp_version=config.get("version", 2),
            reshard_after_forward=config.get("reshard_after_forward", True))
    (arguments,) = HfArgumentParser(TrainingArguments).parse_dict(fields)
    expect("batch", arguments.per_device_train_batch_size, plan["plan"]["micro_batch_size"])
    expect("accumulation", arguments.gradient_accumulation_steps, plan["accum"])
    expect("learning_rate", arguments.learning_rate, plan["job"]["optimizer"]["learning_rate"])
    expect("epsilon", arguments.adam_epsilon, float(plan["job"]["optimizer"]["epsilon"]))


def axolotl(path):
    from axolotl.utils.dict import DictDefault
    from axolotl.utils.schemas.config import AxolotlInputConfig

    plan = plan_of(path)
    fields = yaml.safe_load(path.read_text())
    unknown = set(fields) - set(AxolotlInputConfig.model_fields)
    if unknown:
        raise AssertionError(f"unknown keys {sorted(unknown)}")
    parsed = AxolotlInputConfig(**DictDefault(fields).to_dict())
    expect("micro_batch_size", parsed.micro_batch_size, plan["plan"]["micro_batch_size"])
    expect("accumulation", parsed.gradient_accumulation_steps, plan["accum"])
    expect("sequence_len", parsed.sequence_len, plan["job"]["seq_len"])
    method = plan["job"]["method"]
    expect("adapter", parsed.adapter, None if method == "full" else method)


def skypilot(path):
    import sky
    from sky.utils import schemas
    from jsonschema import validate

    plan = plan_of(path)
    fields = yaml.safe_load(path.read_text())
    validate(fields, schemas.get_task_schema())
    validate(fields["resources"], schemas.get_resources_schema())
    task = sky.Task(name=fields["name"], run=fields["run"], num_nodes=fields["num_nodes"])
    count = int(fields["resources"]["accelerators"].split(":")[1])
    expect("devices", count * task.num_nodes, plan["world"])
    shell_syntax(fields["run"])


def torchtitan(path):
    plan = plan_of(path)
    if path.suffix == ".toml":
        import tomllib

        fields = tomllib.loads(path.read_text())
        expect("batch", fields["training"]["global_batch_size"], plan["job"]["global_batch_size"])
        expect("shard", fields["parallelism"]["data_parallel_shard_degree"] *
               fields["parallelism"]["data_parallel_replicate_degree"], plan["plan"]["dp"])
        toml_keys(fields)
        return
    module = types.ModuleType("aforo_recipe")
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)  # our own export
    config = module.planned()
    expect("batch", config.training.global_batch_size, plan["job"]["global_batch_size"])
    expect("micro", config.training.local_batch_size, plan["plan"]["micro_batch_size"])
    expect("shard", config.parallelism.data_parallel_shard_degree *
           config.parallelism.data_parallel_replicate_degree, plan["plan"]["dp"])


def toml_keys(fields):
    """Against the dataclasses of torchtitan 0.2.2, if a copy of that release lies in $TORCHTITAN_0_2."""
    old = os.environ.get("TORCHTITAN_0_2")
    if not old:
        return
    text = (pathlib.Path(old) / "torchtitan/config/job_config.py").read_text()
    keys = set(re.findall(r"^    (\w+):", text, re.M))
    for section, values in fields.items():
        for key in [section, *values]:
            if key not in keys:
                raise AssertionError(f"[{section}] {key} is not in torchtitan 0.2.2")


def megatron(path, checkout):
    import argparse

    plan = plan_of(path)
    shell_syntax(path.read_text())
    sys.path.insert(0, checkout)
    from megatron.training.arguments import add_megatron_arguments

    text = path.read_text()
    flags = text[text.index("pretrain_gpt.py"):].replace("\\\n", " ").split()[1:]
    flags = [flag.strip("'") for flag in flags if flag not in ('"$@"', '\\')]
    parser = add_megatron_arguments(argparse.ArgumentParser(allow_abbrev=False))
    parsed = parser.parse_args(flags)
    layout = plan["plan"]
    expect("tp", parsed.tensor_model_parallel_size, layout["tp"])
    expect("pp", parsed.pipeline_model_parallel_size, layout["pp"])
    expect("micro", parsed.micro_batch_size, layout["micro_batch_size"])
    expect("batch", parsed.global_batch_size, plan["job"]["global_batch_size"])
    expect("layers", parsed.num_layers, plan["job"]["model"]["n_layers"])


def shell_syntax(text):
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def vast(path):
    import shlex

    import vastai.cli.commands.instances  # noqa: F401  commands register themselves
    import vastai.cli.commands.offers  # noqa: F401
    from vastai.cli.main import parser

    text = path.read_text()
    shell_syntax(text)
    query = re.search(r"^QUERY=(.*)$", text, re.M).group(1)
    commands = {
        "search": ["search", "offers", *shlex.split(query), "--storage", "128", "-o", "dph_total",
                   "--raw"],
        "create": ["create", "instance", "1", "--image", "i", "--disk", "128", "--ssh", "--direct",
                   "--onstart-cmd", "x", "--cancel-unavail", "--raw"],
        "destroy": ["destroy", "instance", "1", "-y"],
    }
    if not any("--raw" in action.option_strings for action in parser.parser._actions):
        parser.add_argument("--raw", action="store_true")  # as its main() does
    for command in commands.values():
        parser.parse_args(command)
    from vastai.api.query import parse_query

    parse_query(" ".join(shlex.split(query)), {})


def yafsdp(path):
    compile(path.read_text(), str(path), "exec")


def slurm(path):
    text = path.read_text()
    shell_syntax(text)
    plan = plan_of(path)
    nodes = int(re.search(r"--nodes=(\d+)", text).group(1))
    gpus = int(re.search(r"--gpus-per-node=(\d+)", text).group(1))
    expect("devices", nodes * gpus, plan["world"])


CHECKS = {
    "accelerate": accelerate, "axolotl": axolotl, "deepspeed": deepspeed, "skypilot": skypilot,
    "slurm": slurm, "torchtitan": torchtitan, "transformers": transformers, "vast": vast,
    "yafsdp": yafsdp,
}


def version_of(target):
    try:
        return importlib.metadata.version({"vast": "vastai"}.get(target, target))
    except importlib.metadata.PackageNotFoundError:
        return ""


def main():
    folder = pathlib.Path(sys.argv[1])
    checkout = sys.argv[2] if len(sys.argv) > 2 else None
    failures = 0
    for path in sorted(folder.iterdir()):
        parts = path.name.split(".")
        if parts[1] == "plan":
            continue
        plan, target = parts[0], parts[1]
        form = parts[2] if len(parts) > 3 else ""
        check = CHECKS.get(target)
        if target == "megatron" and checkout:
            check = lambda p: megatron(p, checkout)  # noqa: E731
        if check is None:
            print(f"{plan:8} {target:13} {form:10} not checked")
            continue
        try:
            check(path)
            print(f"{plan:8} {target:13} {form:10} ok  {version_of(target)}")
        except (Exception, SystemExit) as error:  # whatever the peer raises is its answer
            failures += 1
            print(f"{plan:8} {target:13} {form:10} REFUSED  {type(error).__name__}: "
                  + (str(error).splitlines() or [""])[0][:160])
    sys.exit(1 if failures else 0)


main()
