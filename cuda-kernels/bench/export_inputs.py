"""Writes a coder and real activations as the bench's raw file (format: bench/inputs.h). Needs Python alone.

    palimpsest activations MODEL --input TOKENS.safetensors --hookpoint layers.1.mlp --out ACTIVATIONS.safetensors
    python export_inputs.py CODER_FOLDER ACTIVATIONS.safetensors layers.1.mlp OUT.palraw
    bench --real OUT.palraw --rows 65536

CODER_FOLDER holds cfg.json and sae.safetensors; the activations hold <hookpoint>.input and <hookpoint>.output, of which an
SAE reads the output alone. Tensors must be float32.
"""

import json
import math
import pathlib
import struct
import sys


def read_safetensors(path):
    """A function that gives (shape, bytes) of a float32 tensor by its name."""
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])

    def tensor(name):
        if name not in header:
            sys.exit(f"{path}: no tensor {name}; there are {', '.join(sorted(header))}")
        entry = header[name]
        if entry["dtype"] != "F32":
            sys.exit(f"{path}: {name} is {entry['dtype']}, expected F32")
        begin, end = entry["data_offsets"]
        return entry["shape"], content[8 + length + begin : 8 + length + end]

    return tensor


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    coder_folder, activations_path, hookpoint, out = sys.argv[1:]
    config = json.loads((pathlib.Path(coder_folder) / "cfg.json").read_text())
    coder = read_safetensors(pathlib.Path(coder_folder) / "sae.safetensors")
    activations = read_safetensors(activations_path)

    (latents, width), encoder = coder("encoder.weight")
    y_shape, y = activations(f"{hookpoint}.output")
    _, x = activations(f"{hookpoint}.input") if config.get("transcode") else (y_shape, y)
    rows = math.prod(y_shape[:-1])
    if y_shape[-1] != width:
        sys.exit(f"{activations_path}: {hookpoint}.output has width {y_shape[-1]}, the coder {width}")
    with open(out, "wb") as file:
        file.write(b"PALRAW1\n" + struct.pack("<4q", rows, width, latents, config["k"]))
        for part in (x, y, encoder, coder("encoder.bias")[1], coder("W_dec")[1], coder("b_dec")[1]):
            file.write(part)
    print(f"{out}: {rows} rows, width {width}, {latents} latents, k {config['k']}")


if __name__ == "__main__":
    main()
