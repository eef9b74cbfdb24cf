"""The same work by PyTorch, beside `bench`: the product, torch.topk, and the whole training step as sparsify does it.

    python torch_baseline.py [--rows 8192 65536] [--width 768] [--latents 32768] [--k 32] [--json FILE] [--ours BENCH.json]

The step follows sparsify 1.3 for a transcoder without skip connection: the forward pass in bf16 autocast (linear, relu and
topk as one compiled function; the decoder as a weighted embedding bag; the FVU), a backward pass that adds B x k outer
products into the encoder's gradient, and Adam, here PyTorch's fused one. Where the package sparsify is installed, its own
SparseCoder (with its Triton decoder) takes the same step too. --ours adds how many times longer they take than our steps.

Optional: needs a CUDA build of torch. `--device cpu --eager` runs everything on a CPU, to try the script at small shapes.
"""

import argparse
import json
import math
import statistics
import time

import torch
from torch.nn import functional

SETS = 3  # of inputs, taken in turn


def measure(run, device, repeats=20, warm_up=3, budget=3.0):
    """Median, 10th and 90th percentile in microseconds; 20 times, or as often as three seconds allow (5 at least)."""
    times = []
    for repeat in range(warm_up + repeats):
        if device == "cuda":
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            run(repeat)
            stop.record()
            stop.synchronize()
            elapsed = start.elapsed_time(stop) * 1000
        else:
            before = time.perf_counter()
            run(repeat)
            elapsed = (time.perf_counter() - before) * 1e6
        if repeat >= warm_up:
            times.append(elapsed)
        if len(times) >= 5 and sum(times) > budget * 1e6:
            break
    times.sort()
    return statistics.median(times), times[len(times) // 10], times[len(times) * 9 // 10]


def activations(rows, weights, generator):
    """As bench/inputs.h: rows made of 16 features, a few of them far more often, scattered over all latents, plus noise."""
    latents, width = weights.shape
    options = {"device": weights.device, "generator": generator}
    ranks = (latents ** torch.rand(rows, 16, **options) - 1).long().clamp_(0, latents - 1)
    features = ranks * 2654435761 % latents
    x = 0.3 * torch.randn(rows, width, **options)
    for feature in range(16):
        x += (0.5 + torch.rand(rows, 1, **options)) * weights[features[:, feature]]
    return x


# ---- the step ---------------------------------------------------------------------------------------------------------


def encode(x, weight, bias, k):
    acts = torch.relu(functional.linear(x, weight, bias))
    values, indices = torch.topk(acts, k, dim=-1, sorted=False)
    return values, indices, acts


def encode_gradients(grad_values, x, weight, bias, indices):
    products = (grad_values.unsqueeze(2) * x.unsqueeze(1)).reshape(-1, x.shape[1])
    slots = indices.flatten()
    weight_gradient = torch.zeros_like(weight).index_add_(0, slots, products.type_as(weight))
    bias_gradient = torch.zeros_like(bias).index_add_(0, slots, grad_values.flatten().type_as(bias))
    return weight_gradient, bias_gradient


class Encoder(torch.autograd.Function):
    """linear, relu, topk; gradients through the selected latents only."""

    forward_pass, backward_pass = staticmethod(encode), staticmethod(encode_gradients)

    @staticmethod
    def forward(ctx, x, weight, bias, k):
        values, indices, acts = Encoder.forward_pass(x, weight, bias, k)
        ctx.save_for_backward(x, weight, bias, indices)
        ctx.mark_non_differentiable(indices, acts)
        return values, indices, acts

    @staticmethod
    def backward(ctx, grad_values, _indices, _acts):
        x, weight, bias, indices = ctx.saved_tensors
        return None, *Encoder.backward_pass(grad_values, x, weight, bias, indices), None


class Step:
    """sparsify's training step in plain PyTorch."""

    def __init__(self, encoder, bias, decoder, k):
        self.k = k
        self.encoder, self.bias, self.decoder = (torch.nn.Parameter(one.clone()) for one in (encoder, bias, decoder))
        self.decoder_bias = torch.nn.Parameter(torch.zeros(encoder.shape[1], device=encoder.device))
        self.fired = torch.zeros(encoder.shape[0], dtype=torch.bool, device=encoder.device)
        self.adam = torch.optim.Adam([self.encoder, self.bias, self.decoder, self.decoder_bias], lr=1e-5, fused=True)

    def loss(self, x, y):
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            values, indices, _ = Encoder.apply(x, self.encoder, self.bias, self.k)
            y_hat = functional.embedding_bag(indices, self.decoder, per_sample_weights=values.to(self.decoder.dtype), mode="sum")
            residual = y - (y_hat + self.decoder_bias)
            fvu = residual.pow(2).sum() / (y - y.mean(0)).pow(2).sum()
        self.fired[indices.flatten()] = True
        return fvu

    def run(self, x, y):
        self.loss(x, y).backward()
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)


def sparsify_step(encoder, bias, decoder, k):
    """A step of the package itself, or None where it is not installed."""
    try:
        from sparsify import SparseCoder
        from sparsify.config import SparseCoderConfig
    except ImportError:
        return None
    latents, width = encoder.shape
    coder = SparseCoder(width, SparseCoderConfig(num_latents=latents, k=k, transcode=True), device=encoder.device)
    with torch.no_grad():
        coder.encoder.weight.copy_(encoder)
        coder.encoder.bias.copy_(bias)
        coder.W_dec.copy_(decoder)
    adam = torch.optim.Adam(coder.parameters(), lr=1e-5, fused=True)

    def run(x, y):
        coder(x, y=y).fvu.backward()
        adam.step()
        adam.zero_grad(set_to_none=True)

    return run


# ---- the report -------------------------------------------------------------------------------------------------------


def ratios(results, ours_path):
    """How many times longer each step here takes than ours of the same shape, launched one by one or as a graph."""
    with open(ours_path) as file:
        ours = {(one["name"], one["shape"]): one["median_us"] for one in json.load(file)["results"] if one["l2"] == "warm"}
    found = []
    for result in results:
        for name in ("train adam", "train adam graph"):
            if "step" in result["name"] and (name, result["shape"]) in ours:
                ratio = result["median_us"] / ours[name, result["shape"]]
                found.append({"theirs": result["name"], "ours": name, "shape": result["shape"], "times_longer": ratio})
                print(f"{result['name']} over our '{name}', {result['shape']}: {ratio:.2f}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[8192, 65536])
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--latents", type=int, default=32768)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--json")
    parser.add_argument("--ours", help="the JSON of `bench`")
    options = parser.parse_args()
    device = options.device
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch_baseline: torch sees no GPU")
    if not options.eager:
        Encoder.forward_pass, Encoder.backward_pass = torch.compile(encode), torch.compile(encode_gradients)

    generator = torch.Generator(device).manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, device=device, generator=generator)

    encoder = normal(options.latents, options.width) / math.sqrt(options.width)
    decoder = normal(options.latents, options.width) / math.sqrt(options.width)
    bias = normal(options.latents) * 0.05
    low_encoder, low_bias = encoder.bfloat16(), bias.bfloat16()
    results = []
    comparison = []

    def write():
        if options.json:
            name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
            with open(options.json, "w") as out:
                json.dump({"device": name, "torch": torch.__version__, "results": results, "comparison": comparison}, out, indent=1)

    def report(name, rows, run):
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        median, low, high = measure(run, device)
        shape = f"B {rows} d {options.width} M {options.latents} k {options.k}"
        print(f"{name:<28} {shape:<34} {median:10.1f} us  [{low:.1f}, {high:.1f}]", flush=True)
        result = {"name": name, "shape": shape, "median_us": median, "p10_us": low, "p90_us": high, "million_tokens_per_s": rows / median}
        if device == "cuda":
            result["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
        results.append(result)
        write()

    for rows in options.rows:
        x = [activations(rows, encoder, generator) for _ in range(SETS)]
        y = [activations(rows, decoder, generator) for _ in range(SETS)]
        with torch.no_grad():
            chunk = min(rows, 8192)  # a larger product says nothing new
            low_x = [one[:chunk].bfloat16() for one in x]
            low_product = functional.linear(low_x[0], low_encoder, low_bias)
            report("torch linear bf16", chunk, lambda i: functional.linear(low_x[i % SETS], low_encoder, low_bias))
            report("torch topk of bf16", chunk, lambda i: torch.topk(low_product, options.k, dim=1, sorted=False))
            del low_product
        step = Step(encoder, bias, decoder, options.k)
        report("torch step as sparsify", rows, lambda i: step.run(x[i % SETS], y[i % SETS]))
        del step
        theirs = sparsify_step(encoder, bias, decoder, options.k)
        if theirs is not None:
            report("sparsify step", rows, lambda i: theirs(x[i % SETS], y[i % SETS]))
        del theirs
    if options.ours:
        comparison.extend(ratios(results, options.ours))
        write()


if __name__ == "__main__":
    main()
