#!/usr/bin/env python3
"""Times sparsify's own package and Palimpsest side by side, in turns, in one run.

    PYTHON bench/beside.py step          a coder's training step alone
    PYTHON bench/beside.py end-to-end    sparsify's Trainer on a causal model of Pythia-160m's shape, and `train`

PYTHON needs torch, transformers and sparsify (pip install eai-sparsify). Every round runs each program in a process of
its own; the medians of the rounds are filed as bench/results/beside-*.json, with the machine's load before and after
(bench/tables.sh prints them). sparsify runs twice: as it comes, and with `kept` memory. glibc gives blocks above
32 MiB back to the system when they are freed, so that each tensor of that size costs its page faults again, a quarter
of a million in a step; with MALLOC_* as below it keeps them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1099511627776"}
WIDTH, LATENTS, K, BATCH, CONTEXT, LAYER = 768, 32768, 32, 1024, 256, 6
WARM_UP = 3
OURS = 4


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def sparse_coder_config():
    from sparsify.config import SparseCoderConfig

    return SparseCoderConfig(num_latents=LATENTS, k=K, transcode=True)


def versions():
    import torch
    import transformers

    return {"torch": torch.__version__, "transformers": transformers.__version__, "sparsify": "1.3"}


def child_step(steps, threads):
    """sparsify's step on heavy-tailed rows: sums of 40 encoder directions over a floor, some coordinates larger."""
    import torch
    from sparsify.sparse_coder import SparseCoder

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    coder = SparseCoder(WIDTH, sparse_coder_config(), "cpu", torch.float32)
    generator = torch.Generator().manual_seed(1)
    directions = coder.encoder.weight.data
    batches = []
    for _ in range(4):
        rank = torch.rand(BATCH, 40, generator=generator)
        which = (LATENTS**rank - 1).long().clamp(0, LATENTS - 1)
        strength = torch.exp(torch.randn(BATCH, 40, generator=generator))
        x = 10 * torch.einsum("bk,bkd->bd", strength, directions[which])
        x += 0.3 * torch.randn(BATCH, WIDTH, generator=generator)
        x[:, ::97] *= 8
        batches.append((x, 0.5 * x.roll(1, 1)))
    adam = torch.optim.Adam(coder.parameters(), lr=1e-4)
    times, missed = [], []
    for step in range(WARM_UP + steps):
        x, y = batches[step % 4]
        before, start = faults(), time.perf_counter()
        out = coder(x=x, y=y)
        out.fvu.backward()
        adam.step()
        adam.zero_grad()
        float(out.fvu.detach())
        times.append(1e3 * (time.perf_counter() - start))
        missed.append(faults() - before)
    return {
        "step_ms": statistics.median(times[WARM_UP:]),
        "page_faults": statistics.median(missed[WARM_UP:]),
        **versions(),
    }


def child_train(steps, threads, model):
    """sparsify's Trainer, as its documentation calls it: a causal language model and a data set of tokens."""
    import numpy
    import torch
    from datasets import Dataset
    from sparsify import TrainConfig, Trainer
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    rows = BATCH // CONTEXT
    ids = numpy.fromfile(f"{model}/tokens.bin", dtype=numpy.uint16).astype(numpy.int64)
    wanted = (WARM_UP + steps) * rows
    data = Dataset.from_dict({"input_ids": ids[: wanted * CONTEXT].reshape(wanted, CONTEXT)}).with_format("torch")
    language = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as saved:
        config = TrainConfig(
            sparse_coder_config(),
            batch_size=rows,
            optimizer="adam",
            hookpoints=[f"layers.{LAYER}.mlp"],
            log_to_wandb=False,
            save_every=10**9,
            save_dir=saved,
            run_name="beside",
        )
        trainer = Trainer(config, data, language)
        ends = []
        trainer.optimizers[0].register_step_post_hook(lambda *_: ends.append(time.perf_counter()))
        trainer.save = lambda: None  # at the end; not timed
        trainer.fit()
    seconds = [b - a for a, b in zip(ends[WARM_UP - 1 :], ends[WARM_UP:])]
    return {"tokens_per_second": BATCH / statistics.median(seconds), **versions()}


def json_of(command, **environment):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, cwd=ROOT, env={**os.environ, **environment}, text=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(*arguments):
    return json_of([str(ROOT / "palimpsest"), *arguments, "--json"])


def steps(options):
    child = [sys.executable, __file__, "child-step", "--steps", str(options.steps), "--threads", str(options.threads)]
    shape = ["--d", WIDTH, "--latents", LATENTS, "--k", K, "--batch", BATCH, "--threads", options.threads]
    rounds = []
    for number in range(options.rounds):
        plain, kept = json_of(child), json_of(child, **KEPT)
        here = ours("bench", *map(str, shape), "--repetitions", str(options.steps))
        rounds.append(
            {
                "sparsify_ms": plain["step_ms"],
                "sparsify_page_faults": plain["page_faults"],
                "sparsify_kept_ms": kept["step_ms"],
                "sparsify_kept_page_faults": kept["page_faults"],
                "eager_ms": here["eager_step_ms"],
                "eager_page_faults": here["eager_page_faults"],
                "ours_ms": here["step_ms"],
            }
        )
        print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    return rounds, plain, here["environment"]


def train(model, folder, options, *more):
    run = Path(folder) / f"run-{time.monotonic_ns()}"
    # More of them: its figure is the mean of all, the first with its cold start among them.
    tokens = BATCH * OURS * options.steps
    return ours(
        *f"train {model} --data {model}/tokens.bin --token-dtype u16 --hookpoint layers.{LAYER}.mlp --transcode".split(),
        *f"--num-latents {LATENTS} --k {K} --batch-tokens {BATCH} --ctx-len {CONTEXT} --tokens {tokens}".split(),
        *f"--eval-tokens {CONTEXT} --threads {options.threads} --exclude-tokens none --quiet --out {run}".split(),
        *more,
    )["tokens_per_second"]


def end_to_end(options):
    with tempfile.TemporaryDirectory() as folder:
        model, cache = f"{folder}/model", f"{folder}/activations"
        subprocess.run(
            [ROOT / "palimpsest", "bench", "make-model", model], check=True, stdout=subprocess.DEVNULL, cwd=ROOT
        )
        made = ours(
            *f"cache-activations {model} --data {model}/tokens.bin --token-dtype u16".split(),
            *f"--hookpoint layers.{LAYER}.mlp --ctx-len {CONTEXT} --exclude-tokens none --quiet".split(),
            *f"--tokens {BATCH * OURS * options.steps} --threads {options.threads} --out {cache}".split(),
        )
        child = [sys.executable, __file__, "child-train", "--steps", str(options.steps)]
        child += ["--threads", str(options.threads), "--model", model]
        rounds = []
        for number in range(options.rounds):
            plain, kept = json_of(child), json_of(child, **KEPT)
            rounds.append(
                {
                    "sparsify": plain["tokens_per_second"],
                    "sparsify_kept": kept["tokens_per_second"],
                    **{name: train(model, folder, options, "--precision", name) for name in options.precisions},
                    "from_cache": train(model, folder, options, "--activations", cache),
                }
            )
            print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    return rounds, {**plain, "cache": made["dtype"]}, ours("doctor")["environment"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["step", "end-to-end", "child-step", "child-train"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=9, help="that count, of each program in each round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precisions", nargs="+", default=["fp32"], help="of the language model in `train`")
    parser.add_argument("--model", help="for child-train")
    options = parser.parse_args()
    if options.what == "child-step":
        print(json.dumps(child_step(options.steps, options.threads)))
        return
    if options.what == "child-train":
        print(json.dumps(child_train(options.steps, options.threads, options.model)))
        return
    before = os.getloadavg()[0]
    rounds, other, environment = (steps if options.what == "step" else end_to_end)(options)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    result = {
        "what": options.what,
        "commit": commit,
        "threads": options.threads,
        "steps": options.steps,
        "load": [before, os.getloadavg()[0]],
        "sparsify": {name: other[name] for name in ("sparsify", "torch", "transformers")},
        "median": {name: statistics.median(r[name] for r in rounds) for name in rounds[0]},
        "rounds": rounds,
        "environment": environment,
    }
    target = ROOT / "bench" / "results" / f"beside-{options.what}-{commit}.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(f"bench: wrote {target.relative_to(ROOT)}")
    print(json.dumps(result["median"], indent=1))


if __name__ == "__main__":
    main()
