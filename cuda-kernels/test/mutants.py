"""Plants faults in the kernels' sources, one at a time, and expects the emulated test to find each: how good the cases are.

    check.sh --mutants [WORD...]      all, or those whose file or line contains a word; half a minute each, so not part of --host-only
    mutants.py --check                every line that a fault is planted in is there, once (part of --host-only)

A fault is a line changed as a slip of the hand would. It counts as found where the test with it fails, crashes or hangs: a case's check,
the emulation or the detector (host/detector.h) may tell. Exit 0 where all are found, 1 otherwise.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = HERE.parent

# file, what stands there, what it becomes, words of the cases that are to find it
MUTANTS = [
    # ---- an alignment that is not tested for, array by array
    ("operands.cu", "width == stride && is_aligned(from, 16)", "width == stride", "unaligned"),
    ("decode.cu", "coder.width, coder.decoder_bias, out, residual.y)", "coder.width, out, residual.y)", "unaligned"),
    ("decode.cu", "coder.width, coder.decoder_bias, out, residual.y)", "coder.width, coder.decoder_bias, residual.y)", "unaligned"),
    ("decode.cu", "coder.width, coder.decoder_bias, out, residual.y)", "coder.width, coder.decoder_bias, out)", "unaligned"),
    ("decode.cu", "rows_are_vectors(d, coder.decoder)", "rows_are_vectors(d)", "unaligned"),
    ("fvu.cu", " && pal::is_aligned(y_hat, 16)", "", "unaligned"),
    ("fvu.cu", " && pal::is_aligned(y, 16)", "", "unaligned"),
    ("fvu.cu", " && pal::is_aligned(grad, 16)", "", "unaligned"),
    ("step.cu", "rows_are_vectors(d, x, grad, coder->encoder,", "rows_are_vectors(d, grad, coder->encoder,", "unaligned"),
    ("step.cu", "rows_are_vectors(d, x, grad, coder->encoder,", "rows_are_vectors(d, x, coder->encoder,", "unaligned"),
    ("step.cu", "rows_are_vectors(d, x, grad, coder->encoder,", "rows_are_vectors(d, x, grad,", "unaligned"),
    ("step.cu", "coder->encoder, coder->decoder, coder->decoder_bias, used.first", "coder->encoder, coder->decoder_bias, used.first", "unaligned"),
    ("step.cu", "coder->decoder, coder->decoder_bias, used.first", "coder->decoder, used.first", "unaligned"),
    ("step.cu", "coder->decoder_bias, used.first.encoder,", "coder->decoder_bias,", "unaligned"),
    ("step.cu", "used.first.decoder, used.second.encoder, used.second.decoder)", "used.second.encoder, used.second.decoder)", "unaligned"),
    ("step.cu", "used.first.decoder, used.second.encoder, used.second.decoder)", "used.first.decoder, used.second.decoder)", "unaligned"),
    ("step.cu", "used.first.decoder, used.second.encoder, used.second.decoder)", "used.first.decoder, used.second.encoder)", "unaligned"),
    ("hits.cu", "rows_are_vectors(d, b.grad)", "rows_are_vectors(d)", "unaligned"),
    ("backward.cu", "coder->width, x, grad, coder->decoder,", "coder->width, grad, coder->decoder,", "unaligned"),
    ("backward.cu", "coder->width, x, grad, coder->decoder,", "coder->width, x, coder->decoder,", "unaligned"),
    ("backward.cu", "coder->width, x, grad, coder->decoder,", "coder->width, x, grad,", "unaligned"),
    ("backward.cu", "coder->decoder_bias, gradients->encoder,", "gradients->encoder,", "unaligned"),
    ("backward.cu", "coder->decoder_bias, gradients->encoder,", "coder->decoder_bias,", "unaligned"),
    ("backward.cu", "gradients->encoder,\n                                             gradients->decoder)", "gradients->encoder)", "unaligned"),
    ("update.cu", " && is_aligned(p, 16)", "", "unaligned"),
    ("update.cu", " && is_aligned(g, 16)", "", "unaligned"),
    ("update.cu", " && is_aligned(first, 16)", "", "unaligned"),
    ("update.cu", " && is_aligned(second, 16)", "", "unaligned"),
    ("rows.cu", "rows_are_vectors(width, w, g)", "rows_are_vectors(width, g)", "unaligned"),
    ("rows.cu", "rows_are_vectors(width, w, g)", "rows_are_vectors(width, w)", "unaligned"),
    ("rows.cu", "rows_are_vectors(width, w);", "rows_are_vectors(width);", "unaligned"),
    ("product_mma.cu", " && is_aligned(a, 16)", " && is_aligned(a, 2)", "unaligned"),
    ("product_mma.cu", " && is_aligned(b, 16)", " && is_aligned(b, 2)", "unaligned"),
    ("product_mma.cu", " && is_aligned(d, 4)", " && is_aligned(d, 2)", "unaligned"),
    # ---- a size that vectors do not fit, not tested for
    ("operands.cu", "width == stride && is_aligned(from, 16)", "is_aligned(from, 16)", "kernels"),
    ("rows.cuh", "return width % kRowVector == 0 && (", "return width > 0 && (", "decode update"),
    ("fvu.cu", "elements % 4 == 0 && pal::", "pal::", "fvu"),
    ("update.cu", "n % 4 == 0 && ", "", "update"),
    ("product_mma.cu", "s.d_stride % 2 == 0 && ", "", "product"),
    ("groupmax.cu", "group_size % kElements == 0 ? &groupmax<T, kElements> : &groupmax<T, 1>", "&groupmax<T, kElements>", "groupmax kernels"),
    # ---- an alignment that callers promise, not refused where they do not keep to it
    ("operands.cu", "PAL_REQUIRE(is_aligned(coder->operands, kAlignment)", "PAL_REQUIRE(true", "unaligned"),
    ("decode.cu", "PAL_REQUIRE(is_aligned(workspace, kAlignment)", "PAL_REQUIRE(true", "unaligned"),
    ("fvu.cu", "PAL_REQUIRE(pal::is_aligned(workspace, pal::kAlignment)", "PAL_REQUIRE(true", "unaligned"),
    ("encode.cu", "PAL_REQUIRE(pal::is_aligned(workspace, pal::kAlignment)", "PAL_REQUIRE(true", "unaligned"),
    ("backward.cu", "PAL_REQUIRE(pal::is_aligned(workspace, pal::kAlignment)", "PAL_REQUIRE(true", "unaligned"),
    ("step.cu", "PAL_REQUIRE(is_aligned(workspace, kAlignment)", "PAL_REQUIRE(true", "unaligned"),
    # ---- arrays of a workspace that are too small
    ("hits.cu", "arena.take<float>(ceil_divide(rows * k, kPiece) * 2 * 2 * width)", "arena.take<float>(rows * k / kPiece * 2 * 2 * width)", "backward kernels"),
    ("hits.cu", "(chunks_of(rows).count + chunks_of(latents).count) * width", "chunks_of(rows).count * width", "backward"),
    ("hits.cu", "hits = arena.take<Hit>(rows * k);", "hits = arena.take<Hit>(rows * k - 1);", "backward"),
    ("sort.cu", "tiles(ceil_divide<int64_t>(n, kTile))", "tiles(n / kTile + (n < kTile ? 1 : 0))", "sort"),
    ("sort.cu", "offsets = arena.take<int32_t>(latents + 1);", "offsets = arena.take<int32_t>(latents);", "sort backward"),
    ("operands.h", "arena.take<bf16>(bf16_stride(latents))", "arena.take<bf16>(latents)", "encode"),
    ("encode.cu", "activations[i] = arena.take<T>(rows * activation_stride)", "activations[i] = arena.take<T>(rows * latents)", "encode"),
    ("fvu.cu", "chunks(ceil_divide(rows, chunk_rows))", "chunks(std::max<int64_t>(1, rows / chunk_rows))", "fvu"),
    # ---- shared memory that is stale or that nobody wrote
    ("select.cu", "  if (threadIdx.x == 0) found[0] = 0;\n", "", "encode"),
    ("select.cu", "keys[kThreads + threadIdx.x] = Largest<T>::keys(odd, even);", ";", "encode"),
    ("fused.cu", "if (threadIdx.x < 2) found[threadIdx.x] = 0;", "if (threadIdx.x < 1) found[threadIdx.x] = 0;", "fused"),
    ("decode.cu", "s < round_up(count, kInFlight); s +=", "s < count; s +=", "decode"),
    ("sort.cu", "  histogram[threadIdx.x] = 0;\n", "", "sort"),
    ("record.cu", "    to.firings[2 * next + i] = 0;\n", "", "record"),
    ("encode.cu", "    const int64_t elements = rows * (activation_stride - latents);", "    const int64_t elements = 0 * rows * latents;", "encode"),
    # ---- lanes and masks
    ("block.cuh", "for (int lanes = 16; lanes > 0; lanes /= 2) value +=", "for (int lanes = 8; lanes > 0; lanes /= 2) value +=", "fvu update"),
    ("block.cuh", "if (lane_of_thread() >= lanes) inclusive += before;", "if (lane_of_thread() > lanes) inclusive += before;", "sort"),
    ("block.cuh", "if (warp < warp_of_thread()) before", "if (warp <= warp_of_thread()) before", "sort"),
    ("fused.cu", "for (int lanes = 1; lanes < 4; lanes *= 2)", "for (int lanes = 1; lanes < 2; lanes *= 2)", "fused"),
    ("fused.cu", "a[2] = pair(x, c + 8 + 2 * p);", "a[2] = pair(x, c + 8 + p);", "fused"),
    ("groupmax.cu", "for (int lanes = 16; lanes > 0; lanes /= 2)", "for (int lanes = 16; lanes > 1; lanes /= 2)", "groupmax"),
    ("sort.cu", "__popc(peers & ((1u << lane) - 1u))", "__popc(peers & ((2u << lane) - 1u))", "sort"),
    ("sort.cu", "__match_any_sync(kFullMask, digit)", "__match_any_sync(kFullMask, digit & 0x7fu)", "sort"),
    ("search.cuh", "count = __reduce_add_sync(kFullMask, count);", "count = __reduce_add_sync(0x7fffffffu, count);", "encode"),
    ("tile.cuh", "warp_of_thread() / 2 * kWarpRows", "warp_of_thread() % 2 * kWarpRows", "product"),
    ("hyper.cu", "if (threadIdx.x == 0) *to = u;", "*to = u;", "step"),
    ("select.cu", ">> (15 - i);", ">> (14 - i);", "encode"),
    # ---- ends: one too many, one too few
    ("select.cu", "if (place < kCandidates) list", "if (place <= kCandidates) list", "encode"),
    ("select.cu", "(latents - own + kStep - 1) / kStep : 0", "(latents - own) / kStep + 1 : 0", "encode"),
    ("select.cu", "key == threshold && index < trial", "key == threshold && index <= trial", "encode"),
    ("firings.cu", "if (at >= slots ||", "if (at > slots ||", "firings record kernels"),
    ("firings.cu", "index >= 0 && index < latents", "index >= 0 && index <= latents", "firings record kernels"),
    ("update.cu", "if (at >= n) return;", "if (at > n) return;", "update"),
    ("sort.cu", "if (first + i < slots) atomicAdd", "if (first + i <= slots) atomicAdd", "sort"),
    ("sort.cu", "latents >> shift > 0; shift += 8", "latents >> shift > 1; shift += 8", "sort"),
    ("decode.cu", "const bool inside = index >= 0 && index < latents;", "const bool inside = index >= 0 && index <= latents;", "decode"),
    ("hits.cu", "latent < 0 || latent >= latents) continue;", "latent < 0 || latent > latents) continue;", "backward step"),
    ("hits.cu", "for (int64_t column = own + kHeld * kSpan;", "for (int64_t column = own + (kHeld + 1) * kSpan;", "backward"),
    ("hits.h", "if (end - first <= HitList::kPiece) {", "if (end - first < HitList::kPiece) {", "backward step"),
    ("hits.cu", "end < latent_end ? end : latent_end,", "end,", "backward"),
    ("record.cu", "place + 1 == to.length ? 0", "place == to.length ? 0", "record"),
    ("record.cu", "to.last[latent] <= horizon ? 1", "to.last[latent] < horizon ? 1", "record"),
    ("fused.cu", "if (lane_of_thread() % 4 == 0 && row < rows) {", "if (lane_of_thread() % 4 == 0) {", "fused"),
    ("fused.cu", "if (column < latents) visitor(column,", "visitor(column,", "fused"),
    ("product.cu", "if (row >= shape.rows || col >= shape.cols) continue;", "if (row >= shape.rows) continue;", "product"),
    ("tile.cuh", "operand.first + row < operand.rows && column < inner;", "operand.first + row < operand.rows && column <= inner;", "product"),
    # ---- strides and places
    ("encode.cu", "values + first * k, indices + first * k, selecting)", "values + first * k, indices + first, selecting)", "encode"),
    ("fvu.cu", "const double y0 = y[column];", "const double y0 = y[first * width + column];", "fvu"),
    ("fvu.cu", "chunk += kLanes) {", "chunk += kLanes + 1) {", "fvu"),
    ("hits.cu", "double* minus = columns + plus_chunks * d;", "double* minus = columns + (plus_chunks - 1) * d;", "backward"),
    ("hits.h", "(tile * 2 + side) * 2 * view.width;", "(tile + side) * 2 * view.width;", "backward"),
    ("sort.cu", "carried += total;", "carried = total;", "sort"),
    ("step.cu", "copy + latent * operands.stride}", "copy + latent * d}", "step"),
    ("optimizer.cuh", "second = u.keep2 * second + u.add2 * (g * g);", "second = u.keep2 * second + u.add1 * (g * g);", "update"),
    # ---- barriers and copies
    ("tile.cuh", "wait_copies<kStages - 2>();", "wait_copies<kStages - 1>();", "product"),
    ("tile.cuh", "      __syncthreads(); /* the stage", "      /* the stage", "product"),
    ("fvu.cu", "  error[thread] = sums[2];\n  __syncthreads();", "  error[thread] = sums[2];", "fvu"),
    ("product.cu", "      b_tile[depth * (kTile + 1) + line] = b_value;\n    }\n    __syncthreads();", "      b_tile[depth * (kTile + 1) + line] = b_value;\n    }", "product"),
    ("decode.cu", "(k - slot0 < kSlots ? k - slot0 : kSlots);\n      __syncthreads();", "(k - slot0 < kSlots ? k - slot0 : kSlots);", "decode"),
    # ---- the order of streams
    ("encode.cu", "if (number >= 2 && side != nullptr)", "if (number >= 3 && side != nullptr)", "overlap"),
    ("encode.cu", "if (side != nullptr) PAL_TRY(queue_after(stream, side->filled[buffer], selecting));", "", "overlap stream"),
    ("encode.cu", "side->free[(number - 1) % 2], 0)", "side->free[number % 2], 0)", "overlap stream"),
    ("side_stream.cu", "cudaEventRecord(event, first)", "cudaEventRecord(event, first == nullptr ? first : waiting)", "overlap stream"),
    ("side_stream.cu", "made[{device, beside}]", "made[{device, beside == nullptr ? beside : nullptr}]", "beside"),
    # ---- indices of 32 bits
    ("decode.cu", "decoder + slot_index[s + i] * stride + column", "decoder + static_cast<unsigned>(slot_index[s + i] * stride) + column", "large"),
    ("decode.cu", "float* out_row = out + r * width;", "float* out_row = out + static_cast<unsigned>(r * width);", "large"),
    ("hits.cu", "const float* row = grad + r * width;", "const float* row = grad + static_cast<unsigned>(r * width);", "large"),
    ("hits.cu", "const W* weights = decoder + latent * stride;", "const W* weights = decoder + static_cast<unsigned>(latent * stride);", "large"),
    ("hits.cu", "static_cast<double>(matrix[r * width + column])", "static_cast<double>(matrix[static_cast<unsigned>(r * width + column)])", "large"),
    ("hits.h", "load_floats<V>(view.x + next[i] * view.stride + column)", "load_floats<V>(view.x + static_cast<unsigned>(next[i] * view.stride + column))", "large"),
    ("hits.h", "load_floats<V>(view.grad + next[i] * view.stride + column)", "load_floats<V>(view.grad + static_cast<unsigned>(next[i] * view.stride + column))", "large"),
    ("step.cu", "RowState{weights + latent * d, first + latent * d,", "RowState{weights + latent * d, first + static_cast<unsigned>(latent * d),", "large"),
    ("step.cu", "copy + latent * operands.stride}", "copy + static_cast<unsigned>(latent * operands.stride)}", "large"),
    ("backward.cu", "to.encoder + latent * view.width;", "to.encoder + static_cast<unsigned>(latent * view.width);", "large"),
    ("operands.cu", "out.store(to + r * stride + column);", "out.store(to + static_cast<unsigned>(r * stride + column));", "large"),
    ("operands.cu", "Pack<float, 4>::load(from + r * width + column + half * 4)", "Pack<float, 4>::load(from + static_cast<unsigned>(r * width + column + half * 4))", "large"),
    ("update.cu", "(static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * V;", "static_cast<int64_t>((blockIdx.x * kThreads + threadIdx.x) * V);", "large"),
    ("rows.cu", "float* weights = w + static_cast<int64_t>(blockIdx.x) * width;\n  const auto own", "float* weights = w + blockIdx.x * static_cast<unsigned>(width);\n  const auto own", "large"),
    ("fvu.cu", "const double value = y[r * width + column];", "const double value = y[static_cast<unsigned>(r * width + column)];", "large"),
    ("fvu.cu", "(static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * V;", "static_cast<int64_t>((blockIdx.x * kThreads + threadIdx.x) * V);", "large"),
    ("product.cu", "b[col * shape.b_stride + inner] : b[inner", "b[static_cast<unsigned>(col * shape.b_stride + inner)] : b[inner", "large"),
    ("product.cu", "T* to = d + row * shape.d_stride + col;", "T* to = d + static_cast<unsigned>(row * shape.d_stride + col);", "large"),
    ("product.cu", "d + row * shape.d_stride, accumulate));", "d, accumulate));", "large"),
    ("tile.cuh", "operand.from + (operand.first + row) * operand.stride + column", "operand.from + static_cast<unsigned>((operand.first + row) * operand.stride + column)", "large"),
]


def places(mutant):
    file, old, _, _ = mutant
    return (KERNELS / "src" / file).read_text().count(old)


def dependents(header):
    """Sources that are compiled anew for a changed header."""
    sources = {path: path.read_text() for path in (KERNELS / "src").iterdir()}
    changed = {header}
    while True:
        more = {path.name for path, text in sources.items() if any(re.search(f'#include "{one}"', text) for one in changed)} | changed
        if more == changed:
            return [name for name in changed if name.endswith(".cu")]
        changed = more


def found(mutant, build, compiler, limit):
    """Whether and how the test finds it."""
    file, old, new, words = mutant
    with tempfile.TemporaryDirectory(dir=build) as folder:
        tree = pathlib.Path(folder) / "cuda-kernels"
        for part in ("src", "host", "test", "bench"):
            shutil.copytree(KERNELS / part, tree / part)
        path = tree / "src" / file
        path.write_text(path.read_text().replace(old, new))
        objects = {one.name: one for one in (build / "watched").glob("*.o")}
        for name in [file] if file.endswith(".cu") else dependents(file):
            made = pathlib.Path(folder) / f"{name}.o"
            command = [*shlex.split(compiler.replace(str(KERNELS), str(tree))), "-x", "c++", "-c", str(tree / "src" / name), "-o", str(made)]
            compiled = subprocess.run(command, capture_output=True, text=True)
            if compiled.returncode != 0:
                return f"does not compile: {compiled.stderr.strip().splitlines()[0]}"
            objects[f"{name}.o"] = made
        test = pathlib.Path(folder) / "test"
        # The kernels first, as check.sh links them.
        order = sorted(objects, key=lambda name: not (KERNELS / "src" / name[:-2]).exists())
        linked = [shlex.split(compiler)[0], "-Wl,--export-dynamic", "-o", str(test), *[str(objects[name]) for name in order], "-ldl"]
        subprocess.run(linked, check=True)
        try:
            ran = subprocess.run([str(test), *words.split()], capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return "found: hangs"
        if ran.returncode == 0:
            return "NOT FOUND"
        if ran.returncode == 2:
            return f"no such case: {ran.stderr.strip()}"
        told = [line for line in ran.stderr.splitlines() if line.startswith("FAULT")]
        return f"found: {told[0][6:150] if told else 'ends with ' + str(ran.returncode)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--compiler")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    stale = [mutant for mutant in MUTANTS if places(mutant) != 1]
    for file, old, _, _ in stale:
        print(f"mutants: {file} does not have '{old}' once")
    if stale or options.check:
        sys.exit(1 if stale else 0)
    wanted = [one for one in MUTANTS if not options.words or any(word in one[0] + one[1] + one[2] for word in options.words)]
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        results = pool.map(lambda one: found(one, options.build, options.compiler, 300), wanted)
        for (file, old, new, _), result in zip(wanted, results):
            missed += not result.startswith("found")
            print(f"{file}: '{old}' -> '{new}': {result}", flush=True)
    print(f"mutants: {len(wanted) - missed} of {len(wanted)} found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
