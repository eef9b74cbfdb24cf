"""The same work by PyTorch, beside `bench`: the product, torch.topk, and the eager forward of a sparse coder.

    python torch_baseline.py [--rows 8192 65536] [--width 768] [--latents 32768] [--k 32] [--json FILE]

Optional: needs a CUDA build of torch. Prints one line a measurement and, with --json, one object as `bench` writes it.
"""

import argparse
import json
import math
import statistics

import torch


def measure(run, repeats=20, warm_up=3):
    """Median, 10th and 90th percentile in microseconds, by device events."""
    times = []
    for repeat in range(warm_up + repeats):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        run(repeat)
        stop.record()
        stop.synchronize()
        if repeat >= warm_up:
            times.append(start.elapsed_time(stop) * 1000)
    times.sort()
    return statistics.median(times), times[len(times) // 10], times[len(times) * 9 // 10]


def activations(rows, encoder, generator):
    """As bench/inputs.h: rows made of 16 features, those of low number far more often, plus noise."""
    latents, width = encoder.shape
    uniform = torch.rand(rows, 16, device="cuda", generator=generator)
    features = (latents**uniform - 1).long().clamp_(0, latents - 1)
    x = 0.3 * torch.randn(rows, width, device="cuda", generator=generator)
    for feature in range(16):
        weight = 0.5 + torch.rand(rows, 1, device="cuda", generator=generator)
        x += weight * encoder[features[:, feature]]
    return x


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[8192, 65536])
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--latents", type=int, default=32768)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--json")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch_baseline: torch sees no GPU")

    generator = torch.Generator("cuda").manual_seed(1)
    scale = 1 / math.sqrt(options.width)
    encoder = torch.randn(options.latents, options.width, device="cuda", generator=generator) * scale
    decoder = torch.randn(options.latents, options.width, device="cuda", generator=generator) * scale
    bias = torch.randn(options.latents, device="cuda", generator=generator) * 0.05
    low_encoder, low_bias = encoder.bfloat16(), bias.bfloat16()
    results = []

    def report(name, rows, run):
        median, low, high = measure(run)
        shape = f"B {rows} d {options.width} M {options.latents} k {options.k}"
        print(f"{name:<28} {shape:<34} {median:10.1f} us  [{low:.1f}, {high:.1f}]", flush=True)
        results.append(
            {"name": name, "shape": shape, "median_us": median, "p10_us": low, "p90_us": high, "million_tokens_per_s": rows / median}
        )

    with torch.no_grad():
        for rows in options.rows:
            chunk = min(rows, 8192)  # torch.topk wants the whole matrix; 65536 rows in fp32 would be 8.6 GB
            x = [activations(rows, encoder, generator) for _ in range(3)]
            low_x = [one.bfloat16() for one in x]
            low_product = torch.nn.functional.linear(low_x[0][:chunk], low_encoder, low_bias)

            report("torch linear bf16", chunk, lambda i: torch.nn.functional.linear(low_x[i % 3][:chunk], low_encoder, low_bias))
            report("torch topk of bf16", chunk, lambda i: torch.topk(low_product, options.k, dim=1))

            def eager(i):
                for first in range(0, rows, chunk):
                    part = low_x[i % 3][first : first + chunk]
                    activation = torch.relu(torch.nn.functional.linear(part, low_encoder, low_bias))
                    values, indices = torch.topk(activation, options.k, dim=1)
                    torch.nn.functional.embedding_bag(indices, decoder, per_sample_weights=values.float(), mode="sum")

            report("torch eager forward", rows, eager)
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "results": results}, out, indent=1)


if __name__ == "__main__":
    main()
