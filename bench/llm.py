"""Runs a language model by transformers and by palimpsest in turns, each in a process of its own, on the same machine in the
same minutes, and prints one JSON object.

    PYTHON bench/llm.py MODEL [--tokens 480] [--rounds 3] [--precision bf16]

PYTHON needs torch and transformers. Besides times by the clock there is the processor time of the prompt, all threads together:
on a machine that does other work, too, that alone can be compared.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def reference(arguments):
    """What transformers does: a prompt with the logits after its last token, a question from its beginning."""
    import torch
    from transformers import AutoModelForCausalLM

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=dtype).eval()
    generator = torch.Generator().manual_seed(1)

    def ids(count):
        return torch.randint(0, model.config.vocab_size, (1, count), generator=generator)

    def timed(tokens, repetitions):
        wall, processor = [], []
        with torch.inference_mode():
            for i in range(repetitions + 1):
                start, used = time.perf_counter(), time.process_time()
                model(tokens, use_cache=True, logits_to_keep=1)
                if i > 0:  # the first finds cold caches
                    wall.append(time.perf_counter() - start)
                    processor.append(time.process_time() - used)
        return statistics.median(wall), statistics.median(processor)

    wall, processor = timed(ids(arguments.tokens), arguments.repetitions)
    question, question_processor = timed(ids(arguments.shared + arguments.own), 2)
    return {
        "prefill_tokens_per_second": arguments.tokens / wall,
        "prefill_processor_ms": 1e3 * processor,
        "unshared_questions_per_second": 1 / question,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def ours(arguments):
    command = [ROOT / "palimpsest", "bench", "llm", "--json", "--model", arguments.model, "--precision", arguments.precision]
    for name in ("tokens", "shared", "own", "questions", "threads", "repetitions"):
        command += [f"--{name}", str(getattr(arguments, name))]
    return json.loads(subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp32"])
    for name, default in (("tokens", 480), ("shared", 600), ("own", 90), ("questions", 32), ("threads", 0), ("repetitions", 5),
                          ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--reference", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reference:
        print(json.dumps(reference(arguments)))
        return
    rounds = []
    for _ in range(arguments.rounds):
        theirs = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--reference"], check=True, stdout=subprocess.PIPE)
        rounds.append({"transformers": json.loads(theirs.stdout), "palimpsest": ours(arguments)})

    def ratio(above, below):
        return statistics.median(above(r) / below(r) for r in rounds)

    print(json.dumps({
        "prefill_over_transformers": ratio(lambda r: r["palimpsest"]["prefill_tokens_per_second"],
                                           lambda r: r["transformers"]["prefill_tokens_per_second"]),
        "prefill_processor_time_transformers_over_ours": ratio(lambda r: r["transformers"]["prefill_processor_ms"],
                                                               lambda r: r["palimpsest"]["prefill_processor_ms"]),
        "questions_over_transformers_unshared": ratio(lambda r: r["palimpsest"]["questions_per_second"],
                                                      lambda r: r["transformers"]["unshared_questions_per_second"]),
        "resident_over_weights": ratio(lambda r: r["palimpsest"]["resident_bytes"], lambda r: r["palimpsest"]["weight_bytes"]),
        "rounds": rounds,
    }, indent=1))


if __name__ == "__main__":
    main()
