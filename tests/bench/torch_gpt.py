#!/usr/bin/env python3
"""Trains a GPT-2 or Llama like model on random tokens with PyTorch on the CPU and prints its speed as one JSON line.

It is the yardstick for aforo's CPU runtime, so it is written to be fast: one fused qkv (and gate/up) product, the flash
kernel of scaled_dot_product_attention, fused AdamW, gradients set to None, and the choice of torch.compile. bf16 is
autocast over fp32 weights and optimizer state. Measure on an idle machine: its threads spin at every barrier, so one
busy neighbour on a core makes a step several times slower.

    python torch_gpt.py --model-kind gpt2 --n-layers 6 --d-model 384 --n-heads 6 --vocab-size 256 --seq-len 256 \\
        --micro-batch-size 8 --threads 2 [--precision bf16] [--compile]
"""

import argparse
import json
import math
import os
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-5
THETA = 10000.0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model-kind", choices=["gpt2", "llama"], default="gpt2")
    parser.add_argument("--n-layers", type=int, default=6)
    parser.add_argument("--d-model", type=int, default=384)
    parser.add_argument("--n-heads", type=int, default=6)
    parser.add_argument("--n-kv-heads", type=int, help="default: n-heads")
    parser.add_argument("--d-ff", type=int, help="default: 4 d-model (gpt2), 8/3 d-model rounded up to 32 (llama)")
    parser.add_argument("--vocab-size", type=int, default=256)
    parser.add_argument("--seq-len", type=int, default=256)
    parser.add_argument("--micro-batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10, help="measured steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them, compilation among them")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model (needs a C++ compiler)")
    parser.add_argument("--max-grad-norm", type=float, default=0.0, help="clip gradients to it; 0: do not clip")
    args = parser.parse_args()
    args.n_kv_heads = args.n_kv_heads or args.n_heads
    if args.d_ff is None:
        args.d_ff = 4 * args.d_model if args.model_kind == "gpt2" else math.ceil(args.d_model * 8 / 3 / 32) * 32
    if args.d_model % args.n_heads or args.n_heads % args.n_kv_heads:
        parser.error("--n-heads must divide --d-model, and --n-kv-heads must divide --n-heads")
    if args.steps < 2 or args.warmup < 1:
        parser.error("--steps must be at least 2 and --warmup at least 1")
    return args


class RmsNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, EPS)


class Block(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.llama = args.model_kind == "llama"
        self.n_heads, self.n_kv_heads = args.n_heads, args.n_kv_heads
        self.head_dim = args.d_model // args.n_heads
        bias = not self.llama
        self.norm1 = RmsNorm(args.d_model) if self.llama else nn.LayerNorm(args.d_model, EPS)
        self.norm2 = RmsNorm(args.d_model) if self.llama else nn.LayerNorm(args.d_model, EPS)
        self.qkv = nn.Linear(args.d_model, (args.n_heads + 2 * args.n_kv_heads) * self.head_dim, bias=bias)
        self.out = nn.Linear(args.d_model, args.d_model, bias=bias)
        self.up = nn.Linear(args.d_model, 2 * args.d_ff if self.llama else args.d_ff, bias=bias)
        self.down = nn.Linear(args.d_ff, args.d_model, bias=bias)

    def attention(self, x, rope):
        batch, length, width = x.shape
        qkv = self.qkv(x).view(batch, length, -1, self.head_dim)
        q, k, v = qkv.split([self.n_heads, self.n_kv_heads, self.n_kv_heads], 2)
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        group = self.n_heads // self.n_kv_heads
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=group > 1)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))

    def mlp(self, x):
        up = self.up(x)
        if self.llama:
            gate, up = up.chunk(2, -1)
            return self.down(F.silu(gate) * up)
        return self.down(F.gelu(up, approximate="tanh"))

    def forward(self, x, rope):
        x = x + self.attention(self.norm1(x), rope)
        return x + self.mlp(self.norm2(x))


def rotate(x, cos, sin):
    """Rope on [B, T, heads, E]; cos and sin are [T, 1, E / 2]."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(x.dtype)


def rope_table(length, head_dim):
    frequency = THETA ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angle = torch.arange(length, dtype=torch.float64)[:, None, None] * frequency
    return angle.cos().float(), angle.sin().float()


class Gpt(nn.Module):
    def __init__(self, args):
        super().__init__()
        llama = args.model_kind == "llama"
        self.wte = nn.Embedding(args.vocab_size, args.d_model)
        self.wpe = None if llama else nn.Parameter(torch.empty(args.seq_len, args.d_model))
        self.blocks = nn.ModuleList(Block(args) for _ in range(args.n_layers))
        self.final_norm = RmsNorm(args.d_model) if llama else nn.LayerNorm(args.d_model, EPS)
        self.lm_head = nn.Linear(args.d_model, args.vocab_size, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim >= 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * args.n_layers) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        if llama:
            cos, sin = rope_table(args.seq_len, args.d_model // args.n_heads)
            self.register_buffer("cos", cos)
            self.register_buffer("sin", sin)
        else:
            self.lm_head.weight = self.wte.weight

    def forward(self, tokens, targets):
        x = self.wte(tokens)
        rope = None
        if self.wpe is None:
            rope = self.cos, self.sin
        else:
            x = x + self.wpe
        for block in self.blocks:
            x = block(x, rope)
        logits = self.lm_head(self.final_norm(x))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def make_optimizer(model):
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = Gpt(args)
    optimizer = make_optimizer(model)
    parameters = list(model.parameters())
    forward = torch.compile(model) if args.compile else model
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16")

    losses, times = [], []
    for _ in range(args.warmup + args.steps):
        begin = time.perf_counter()
        tokens = torch.randint(args.vocab_size, (args.micro_batch_size, args.seq_len + 1))
        with autocast:
            loss = forward(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        if args.max_grad_norm:
            nn.utils.clip_grad_norm_(parameters, args.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        times.append(time.perf_counter() - begin)

    measured = [1e3 * seconds for seconds in times[args.warmup :]]
    quartiles = statistics.quantiles(measured, n=4, method="inclusive")
    tokens_per_step = args.micro_batch_size * args.seq_len
    result = {
        "tokens_per_s": round(1e3 * tokens_per_step / quartiles[1], 1),
        "step_ms": round(quartiles[1], 2),
        "step_ms_q1": round(quartiles[0], 2),
        "step_ms_q3": round(quartiles[2], 2),
        "step_ms_min": round(min(measured), 2),
        "warmup_s": round(sum(times[: args.warmup]), 2),
        "loss_first": round(losses[0], 5),
        "loss_last": round(losses[-1], 5),
        "parameters": sum(p.numel() for p in parameters),
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        **vars(args),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
