#!/usr/bin/env python3
"""Reference training trajectories of tiny transformers, made with PyTorch on one CPU thread.

    python make_trajectories.py            writes trajectories.json beside this script
    python make_trajectories.py --check    recomputes and compares with the stored file

Everything a second implementation needs to walk the same trajectories is stated here.

Data
    A step (0, 1, ...) has B = 4 rows of T = 16 tokens, V = 61.
    token(step, b, t) = (7*step + 13*b + 5*t + (t*t) % 11 + 3*((b*t) % 7)) % V   for t in 0..T, so T + 1 tokens a row.
    Inputs are t = 0..T-1, targets t = 1..T. Loss: mean cross entropy over all B*T targets. One micro-batch.

Parameters, in this order and row-major; matrices are [out, in] and applied as y = x W^T + b
    wte [V, D]; wpe [T, D] if positions are learned; then for each layer l, with the prefix "L%02d.":
      norm1.weight [D], norm1.bias [D]
      qkv.weight [(H + 2K) * E, D], qkv.bias         rows: all q heads, then all k heads, then all v heads
      q_norm.weight [E], k_norm.weight [E]           with qk_norm
      out.weight [D, H * E], out.bias
      norm2.weight [D], norm2.bias [D]
      up.weight [F, D], up.bias                      swiglu: [2F, D], first F rows gate, next F rows up
      down.weight [D, F], down.bias
    then final_norm.weight [D], final_norm.bias [D]; lm_head.weight [V, D] if untied.
    norm*.bias only with layer_norm; the other biases only with "biases"; lm_head never has one.
    H query heads and K key/value heads of size E; query head h reads key/value head h // (H / K).

Initial values
    base(p, i) for parameter number p (0-based, in the order above) and its element i (0-based), by the run's start:
      sine:  float32(0.5 * sin(0.7*p + 0.013*i*(1 + p % 3) + 0.3))
      chirp: float32(0.5 * sin(0.7*p + 0.013*i*(1 + p % 3) + 0.3 + 0.37*((i*i) % 8191)))
    all inside float32(...) in float64, i*i in integers.
    *norm.weight, norm1.weight, norm2.weight = float32(1 + 0.1*base); every bias = float32(0.02*base);
    matrices and embeddings = float32(0.2*base); each product in float64. The float64 run widens these float32 values.

Forward
    x = wte[token] (+ wpe[t]).
    sequential block:  x = x + attn(norm1(x));  x = x + mlp(norm2(x)).
    parallel block:    x = x + attn(norm1(x)) + mlp(norm2(x)).
    logits = final_norm(x) lm_head^T, where tied models use wte as lm_head.
    layer_norm: (x - mean) / sqrt(var + eps) * weight + bias, var biased; rms_norm: x / sqrt(mean(x^2) + eps)
    * weight; eps = 1e-5 everywhere. qk_norm is rms_norm over each head's E elements of q and of k, before rope; its
    weight is shared by the heads.
    attention: causal softmax(q k^T / sqrt(E)) v. With sliding_window w, query i sees keys j with i - w < j <= i.
    rope: the first R = E * rope_fraction elements of each head of q and k, as halves (a, b) of R/2 each, become
    (a cos - b sin, b cos + a sin) with angle t * theta^(-2j/R) for pair j, theta = 10000 (the "rotate half" layout of
    HF Llama and NeoX). Angles, cos and sin are computed in float64 and then rounded to the run's type.
    mlp: down(act(up(x))); act gelu_tanh = 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), gelu = x Phi(x) by erf,
    swiglu = silu(gate) * up with silu(x) = x sigmoid(x).

Optimizers, 12 steps each, state starts at zero
    adamw: torch.optim.AdamW, lr 1e-2 constant, betas (0.9, 0.95), eps 1e-8, decoupled weight decay 0.1 on tensors of
    two or more dimensions (embeddings too) and 0 on the others. Before each step gradients are scaled by
    min(1, 1 / (norm + 1e-6)), norm the L2 norm of all gradients together.
    sgd: torch.optim.SGD, lr 0.05, momentum 0.9, no dampening, no clipping, the weight decay 0.1 of the same tensors
    added to the gradient before momentum.

What is stored, per model and optimizer, fp32 (float32 everywhere) and fp64 (float64 everywhere)
    loss: of each step, before its update. grad_norm: of each step, before clipping.
    spread, beside both: the largest |fp32 - fp64| of that step over nine fp32 runs, the stored one and eight whose
      initial values were moved by at most one rounding each; what a faithful float32 implementation may differ by.
      4*spread + 2e-6*value is a sound tolerance against fp64.
    first_grad_norms: L2 norm of each parameter's unclipped gradient in step 0, fp64.
    final_param_norms: L2 norm of each parameter after the last step, fp64.
    To find a wrong set-up early: each model's parameters and shapes, each start's initial_norms, and, common to all
    models, the tokens of step 1.

Traps
    With the start "sine" every matrix has rank 2 and each wte row nearly no variance, so layer_norm magnifies roundings
    several hundredfold: gpt2-ref leaves its fp64 losses by 1e-4 from step 7 (adamw) or 3 (sgd) on, and its final norms
    by up to 30 %. "chirp" has full rank, its losses stay within 2e-5 and its final norms within 6e-6, relatively (but
    for qkv.bias, next): judge training by it.
    The key bias shifts every score of a query alike unless rope turns it, so in gpt2-ref the gradient of qkv.bias
    rows [H*E, (H+K)*E) is zero but for rounding (in neox-ref: of each head's unrotated elements). AdamW blows this
    noise up to the size of lr wherever it is not far below eps = 1e-8. Losses do not feel it; the final norm
    of qkv.bias does, by up to 4e-4 in float32.
    Rows of an untied wte whose token never occurs have zero gradients and still decay.
"""

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

EPS = 1e-5
THETA = 10000.0
BATCH = 4
STEPS = 12
PERTURBED_RUNS = 8
STARTS = ["sine", "chirp"]
OUTPUT = Path(__file__).with_name("trajectories.json")


@dataclass(frozen=True)
class Model:
    d_ff: int
    norm: str  # layer_norm, rms_norm
    activation: str  # gelu_tanh, gelu, swiglu
    positions: str  # learned, rope
    biases: bool
    tied: bool
    vocab_size: int = 61
    max_seq_len: int = 16
    n_layers: int = 2
    d_model: int = 32
    n_heads: int = 4
    n_kv_heads: int = 4
    head_dim: int = 8
    rope_fraction: float = 1.0
    qk_norm: bool = False
    sliding_window: int = 0  # 0: none
    parallel_block: bool = False


LLAMA = dict(d_ff=48, norm="rms_norm", activation="swiglu", positions="rope", biases=False, tied=False, n_kv_heads=2)
MODELS = {
    "gpt2-ref": Model(
        d_ff=128, norm="layer_norm", activation="gelu_tanh", positions="learned", biases=True, tied=True
    ),
    "llama-ref": Model(**LLAMA),
    "llama-qknorm-ref": Model(**LLAMA, qk_norm=True, sliding_window=5),
    "neox-ref": Model(
        d_ff=128,
        norm="layer_norm",
        activation="gelu",
        positions="rope",
        biases=True,
        tied=False,
        rope_fraction=0.5,
        parallel_block=True,
    ),
}

OPTIMIZERS = {
    "adamw": dict(lr=1e-2, betas=[0.9, 0.95], eps=1e-8, weight_decay=0.1, max_grad_norm=1.0),
    "sgd": dict(lr=0.05, momentum=0.9, weight_decay=0.1, max_grad_norm=0.0),
}
RUNS = [(name, "adamw") for name in MODELS] + [("gpt2-ref", "sgd")]


def parameter_shapes(m):
    """Name -> shape, in the order that numbers the parameters."""
    d, h, k, e, f = m.d_model, m.n_heads, m.n_kv_heads, m.head_dim, m.d_ff
    shapes = {}

    def norm(name):
        shapes[name + ".weight"] = [d]
        if m.norm == "layer_norm":
            shapes[name + ".bias"] = [d]

    def linear(name, rows, columns):
        shapes[name + ".weight"] = [rows, columns]
        if m.biases:
            shapes[name + ".bias"] = [rows]

    shapes["wte"] = [m.vocab_size, d]
    if m.positions == "learned":
        shapes["wpe"] = [m.max_seq_len, d]
    for layer in range(m.n_layers):
        pre = f"L{layer:02d}."
        norm(pre + "norm1")
        linear(pre + "qkv", (h + 2 * k) * e, d)
        if m.qk_norm:
            shapes[pre + "q_norm.weight"] = [e]
            shapes[pre + "k_norm.weight"] = [e]
        linear(pre + "out", d, h * e)
        norm(pre + "norm2")
        linear(pre + "up", 2 * f if m.activation == "swiglu" else f, d)
        linear(pre + "down", d, f)
    norm("final_norm")
    if not m.tied:
        shapes["lm_head.weight"] = [m.vocab_size, d]
    return shapes


def initial_value(start, number, name, shape):
    """The float32 array of one parameter; see "Initial values" above."""
    i = np.arange(math.prod(shape), dtype=np.int64)
    angle = 0.7 * number + 0.013 * i * (1 + number % 3) + 0.3
    if start == "chirp":
        angle += 0.37 * ((i * i) % 8191)
    base = (0.5 * np.sin(angle)).astype(np.float32).astype(np.float64)
    if name.endswith(".bias"):
        value = 0.02 * base
    elif len(shape) == 1:
        value = 1.0 + 0.1 * base
    else:
        value = 0.2 * base
    return value.astype(np.float32).reshape(shape)


def initial_values(m, start):
    shapes = parameter_shapes(m)
    return {name: initial_value(start, p, name, shape) for p, (name, shape) in enumerate(shapes.items())}


def perturbed(values, seed):
    """The values moved by at most one rounding each; seed 0 moves none."""
    if seed == 0:
        return values
    draw = np.random.default_rng(seed)
    return {
        name: (value * (1 + draw.integers(-1, 2, size=value.shape) * 2.0**-23)).astype(np.float32)
        for name, value in values.items()
    }


def tokens_of(m, step):
    """[B, T + 1] token ids."""
    return torch.tensor(
        [
            [
                (7 * step + 13 * b + 5 * t + (t * t) % 11 + 3 * ((b * t) % 7)) % m.vocab_size
                for t in range(m.max_seq_len + 1)
            ]
            for b in range(BATCH)
        ]
    )


def layer_norm(x, weight, bias):
    centered = x - x.mean(-1, keepdim=True)
    variance = centered.square().mean(-1, keepdim=True)
    return centered / torch.sqrt(variance + EPS) * weight + bias


def rms_norm(x, weight):
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + EPS) * weight


def rope(x, fraction):
    """Rotates [..., T, E] at positions 0..T-1."""
    length, size = x.shape[-2:]
    rotary = round(size * fraction)
    frequency = THETA ** (-2 * torch.arange(rotary // 2, dtype=torch.float64) / rotary)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b, rest = x.split([rotary // 2, rotary // 2, size - rotary], -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)


class Network:
    """The forward pass of a Model over a dict of named tensors."""

    def __init__(self, m, weights):
        self.m = m
        self.w = weights

    def norm(self, x, name):
        if self.m.norm == "layer_norm":
            return layer_norm(x, self.w[name + ".weight"], self.w[name + ".bias"])
        return rms_norm(x, self.w[name + ".weight"])

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def attention(self, x, pre):
        m = self.m
        batch, length, _ = x.shape
        heads = [m.n_heads, m.n_kv_heads, m.n_kv_heads]
        qkv = self.linear(x, pre + "qkv").split([n * m.head_dim for n in heads], -1)
        q, k, v = (part.view(batch, length, n, m.head_dim).transpose(1, 2) for part, n in zip(qkv, heads))
        if m.qk_norm:
            q = rms_norm(q, self.w[pre + "q_norm.weight"])
            k = rms_norm(k, self.w[pre + "k_norm.weight"])
        if m.positions == "rope":
            q, k = rope(q, m.rope_fraction), rope(k, m.rope_fraction)
        group = m.n_heads // m.n_kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)

        scores = q @ k.transpose(-1, -2) / math.sqrt(m.head_dim)
        i, j = torch.arange(length)[:, None], torch.arange(length)[None, :]
        seen = j <= i
        if m.sliding_window:
            seen &= j > i - m.sliding_window
        mixed = scores.masked_fill(~seen, -math.inf).softmax(-1) @ v
        return self.linear(mixed.transpose(1, 2).reshape(batch, length, -1), pre + "out")

    def mlp(self, x, pre):
        up = self.linear(x, pre + "up")
        if self.m.activation == "swiglu":
            gate, up = up.chunk(2, -1)
            hidden = F.silu(gate) * up
        else:
            hidden = F.gelu(up, approximate="tanh" if self.m.activation == "gelu_tanh" else "none")
        return self.linear(hidden, pre + "down")

    def logits(self, tokens):
        m = self.m
        x = F.embedding(tokens, self.w["wte"])
        if m.positions == "learned":
            x = x + self.w["wpe"][: tokens.shape[1]]
        for layer in range(m.n_layers):
            pre = f"L{layer:02d}."
            if m.parallel_block:
                x = x + self.attention(self.norm(x, pre + "norm1"), pre) + self.mlp(self.norm(x, pre + "norm2"), pre)
            else:
                x = x + self.attention(self.norm(x, pre + "norm1"), pre)
                x = x + self.mlp(self.norm(x, pre + "norm2"), pre)
        x = self.norm(x, "final_norm")
        return F.linear(x, self.w["wte"] if m.tied else self.w["lm_head.weight"])

    def loss(self, tokens):
        logits = self.logits(tokens[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def make_optimizer(kind, weights):
    options = dict(OPTIMIZERS[kind])
    decay = options.pop("weight_decay")
    options.pop("max_grad_norm")
    tensors = list(weights.values())
    groups = [
        {"params": [t for t in tensors if t.ndim >= 2], "weight_decay": decay},
        {"params": [t for t in tensors if t.ndim < 2], "weight_decay": 0.0},
    ]
    if kind == "sgd":
        return torch.optim.SGD(groups, **options, foreach=False)
    return torch.optim.AdamW(groups, **options, foreach=False)


def norms(tensors):
    return {name: t.detach().norm().item() for name, t in tensors.items()}


def train(m, kind, values, dtype):
    """(losses, gradient norms, first step's norm of each gradient, last norm of each parameter)."""
    weights = {name: torch.tensor(value, dtype=dtype).requires_grad_() for name, value in values.items()}
    network = Network(m, weights)
    optimizer = make_optimizer(kind, weights)
    limit = OPTIMIZERS[kind]["max_grad_norm"] or math.inf
    losses, grad_norms, first_grad_norms = [], [], {}
    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        loss = network.loss(tokens_of(m, step))
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            first_grad_norms = norms({name: w.grad for name, w in weights.items()})
        grad_norms.append(torch.nn.utils.clip_grad_norm_(weights.values(), limit).item())
        optimizer.step()
    return losses, grad_norms, first_grad_norms, norms(weights)


def run(m, kind, values):
    exact = train(m, kind, values, torch.float64)
    single = [train(m, kind, perturbed(values, seed), torch.float32) for seed in range(1 + PERTURBED_RUNS)]

    def series(index):
        deviations = [[abs(a - b) for a, b in zip(r[index], exact[index])] for r in single]
        spread = [float(f"{max(of_step):.2g}") for of_step in zip(*deviations)]
        return {"fp32": single[0][index], "fp64": exact[index], "spread": spread}

    return {"loss": series(0), "grad_norm": series(1), "first_grad_norms": exact[2], "final_param_norms": exact[3]}


def make_document():
    models = {}
    for name, m in MODELS.items():
        starts = {}
        for start in STARTS:
            values = initial_values(m, start)
            starts[start] = {
                "initial_norms": {key: float(np.linalg.norm(v.astype(np.float64))) for key, v in values.items()},
                "runs": {kind: run(m, kind, values) for model, kind in RUNS if model == name},
            }
        models[name] = {"config": asdict(m), "parameters": parameter_shapes(m), "starts": starts}
    return {
        "made_by": f"tests/golden/torch/make_trajectories.py, torch {torch.__version__}, 1 CPU thread",
        "steps": STEPS,
        "batch": BATCH,
        "norm_eps": EPS,
        "rope_theta": THETA,
        "optimizers": OPTIMIZERS,
        "tokens_step_1": tokens_of(MODELS["gpt2-ref"], 1).tolist(),
        "models": models,
    }


def rounded(value):
    """Twelve significant digits: more than any comparison needs, and steady across machines."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def to_text(value, indent=0):
    """JSON with one line for each object or list that holds no other but shapes."""
    nested = [item for item in (value.values() if isinstance(value, dict) else value) if isinstance(item, (dict, list))]
    if all(isinstance(item, list) and len(item) <= 2 for item in nested):
        return json.dumps(value)
    pad = "\n" + " " * (indent + 1)

    def text(item):
        return to_text(item, indent + 1) if isinstance(item, (dict, list)) else json.dumps(item)

    if isinstance(value, dict):
        return "{" + pad + ("," + pad).join(f"{json.dumps(k)}: {text(v)}" for k, v in value.items()) + pad[:-1] + "}"
    return "[" + pad + ("," + pad).join(map(text, value)) + pad[:-1] + "]"


def differences(found, stored, path=""):
    """Lines telling where two documents differ; fp64 numbers may by 1e-7, relatively, fp32 ones by their spread."""
    if isinstance(stored, dict):
        if not isinstance(found, dict) or list(found) != list(stored):
            return [f"{path}: other keys"]
        if "spread" in stored:
            lines = differences(found["fp64"], stored["fp64"], path + "/fp64")
            for step, (a, b, spread) in enumerate(zip(found["fp32"], stored["fp32"], stored["spread"])):
                if not abs(a - b) <= 4 * spread + 2e-6 * abs(b):
                    lines.append(f"{path}/fp32/{step}: {a} instead of {b}")
            return lines
        return [line for key in stored for line in differences(found[key], stored[key], f"{path}/{key}")]
    if isinstance(stored, list):
        if not isinstance(found, list) or len(found) != len(stored):
            return [f"{path}: other length"]
        return [line for i, item in enumerate(stored) for line in differences(found[i], item, f"{path}/{i}")]
    if isinstance(stored, float):
        same = math.isclose(found, stored, rel_tol=1e-7)
    else:
        same = found == stored
    return [] if same else [f"{path}: {found} instead of {stored}"]


def main():
    parser = argparse.ArgumentParser(description="make or check the reference trajectories")
    parser.add_argument("--check", action="store_true", help="compare with the stored file instead of writing it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    document = rounded(make_document())
    if not arguments.check:
        OUTPUT.write_text(to_text(document) + "\n")
        print(f"wrote {OUTPUT} ({OUTPUT.stat().st_size} bytes)")
        return 0
    stored = json.loads(OUTPUT.read_text())
    document["made_by"] = stored["made_by"]
    lines = differences(document, stored)
    print("\n".join(lines[:20]) if lines else f"{OUTPUT.name}: as stored")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
