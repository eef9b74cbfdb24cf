"""Drives libpalimpsest_cuda.so from Python, within the process and the context of PyTorch: whole training steps on the null stream, on
another, and replayed from a captured graph, which must all give the same bits, and the loss must fall.

    python3 drive.py LIBRARY            arrays by torch on the GPU
    python3 drive.py LIBRARY --time     then our encode and step at full size beside PyTorch's product and torch.topk, in turns
    python3 drive.py LIBRARY --host     arrays in ordinary memory, for the emulated library: no streams, no graph, few rows

Needs ctypes and torch alone, with --host not even that. What Java does through JavaCPP and libtorch happens here the same way: one
runtime, one primary context, memory of PyTorch's allocator, its current stream. Exit 0 where all is well, 1 otherwise.
"""

import argparse
import ctypes
import random
import statistics
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint8, c_void_p

STEPS = 6
TOPK, ADAM = 0, 0


class Shape:
    """B rows, d, M, k."""

    def __init__(self, rows, width, latents, k):
        self.rows, self.width, self.latents, self.k = rows, width, latents, k

    def __str__(self):
        return f"B {self.rows} d {self.width} M {self.latents} k {self.k}"


SMALL = Shape(1024, 96, 1030, 12)
SMALLEST = Shape(40, 36, 130, 6)
FULL = [Shape(rows, 768, 32768, 32) for rows in (8192, 65536)]


class Coder(Structure):
    _fields_ = [("width", c_int64), ("latents", c_int64)]
    _fields_ += [(name, c_void_p) for name in ("encoder", "encoder_bias", "decoder", "decoder_bias", "skip")]
    _fields_ += [("subtract_decoder_bias", c_int32), ("operands", c_void_p)]


class Gradients(Structure):
    _fields_ = [(name, c_void_p) for name in ("encoder", "encoder_bias", "decoder", "decoder_bias", "skip")]


class State(Structure):
    _fields_ = [("first", Gradients), ("second", Gradients)]


class Hyper(Structure):
    _fields_ = [("optimizer", c_int32), ("lr", c_float), ("beta1", c_float), ("beta2", c_float), ("epsilon", c_float), ("step", c_int64)]


SIZES = {
    "pal_operands_bytes": [c_int64] * 2,
    "pal_encode_workspace_bytes": [c_int64] * 4 + [c_int32],
    "pal_cuda_decode_loss_workspace_bytes": [c_int64] * 4,
    "pal_step_workspace_bytes": [c_int64] * 4,
    "pal_cuda_hyper_bytes": [],
}
CALLS = {
    "pal_refresh_operands": [POINTER(Coder), c_void_p],
    "pal_encode": [POINTER(Coder), c_void_p, c_int64, c_int64, c_int32, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p],
    "pal_cuda_decode_loss": [POINTER(Coder), c_void_p, c_void_p, c_int64, c_int64] + [c_void_p] * 5 + [c_size_t, c_void_p],
    "pal_cuda_write_hyper": [POINTER(Hyper), c_void_p, c_void_p],
    "pal_cuda_step": [POINTER(Coder), POINTER(State), c_void_p, c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_void_p]
    + [c_int32] * 3
    + [c_void_p, c_size_t, c_void_p],
}


def load(path):
    library = ctypes.CDLL(path)
    library.pal_last_error.restype = c_char_p
    library.pal_describe.restype = c_char_p
    for name, arguments in SIZES.items():
        getattr(library, name).restype, getattr(library, name).argtypes = c_size_t, arguments
    for name, arguments in CALLS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = c_int32, arguments
    return library


class Host:
    """Arrays in ordinary memory, as ctypes has them."""

    KINDS = {"float32": c_float, "float64": c_double, "int32": c_int32, "uint8": c_uint8}

    def normal(self, seed, scale, *shape):
        numbers = random.Random(seed)
        count = 1
        for extent in shape:
            count *= extent
        array = self.zeros(count, "float32")
        array[:] = [scale * numbers.gauss(0, 1) for _ in range(count)]
        return array

    def zeros(self, count, kind):
        of = self.KINDS[kind] * count
        room = (c_uint8 * (ctypes.sizeof(of) + 256))()  # aligned to 256 bytes
        return of.from_buffer(room, -ctypes.addressof(room) % 256)

    def pointer(self, array):
        return ctypes.addressof(array)

    def size(self, array):
        return ctypes.sizeof(array)

    def numbers(self, array):
        return list(array)

    def values(self, array):
        return bytes(array)

    def wait(self):
        pass


class Torch:
    """Arrays of PyTorch's allocator on the GPU."""

    def __init__(self):
        import torch

        self.torch = torch

    def normal(self, seed, scale, *shape):
        generator = self.torch.Generator("cuda").manual_seed(seed)
        return scale * self.torch.randn(*shape, generator=generator, device="cuda")

    def zeros(self, count, kind):
        return self.torch.zeros(count, dtype=getattr(self.torch, kind), device="cuda")

    def pointer(self, array):
        return array.data_ptr()

    def size(self, array):
        return array.nbytes

    def numbers(self, array):
        return array.tolist()

    def values(self, array):
        return array.cpu().numpy().tobytes()

    def wait(self):
        self.torch.cuda.synchronize()


class Training:
    """A coder of bf16 operands, its optimiser and one batch."""

    def __init__(self, library, arrays, shape):
        self.library, self.arrays, self.shape = library, arrays, shape
        d, m, b, k = shape.width, shape.latents, shape.rows, shape.k
        p = arrays.pointer
        scale = d**-0.5
        self.parameters = [arrays.normal(1, scale, m, d), arrays.normal(2, 0.1, m), arrays.normal(3, scale, m, d), arrays.normal(4, 0.1, d)]
        self.moments = [[arrays.zeros(count, "float32") for count in (m * d, m, m * d, d)] for _ in range(2)]
        self.operands = arrays.zeros(library.pal_operands_bytes(d, m), "uint8")
        self.coder = Coder(d, m, *[p(one) for one in self.parameters], None, 0, p(self.operands))
        self.state = State(*[Gradients(*[p(one) for one in of], None) for of in self.moments])
        self.x, self.y = arrays.normal(5, 1.0, b, d), arrays.normal(6, 1.0, b, d)
        self.selected = arrays.zeros(b * k, "float32")
        self.indices = arrays.zeros(b * k, "int32")
        self.grad = arrays.zeros(b * d, "float32")
        self.sums = arrays.zeros(2, "float64")
        self.hyper = arrays.zeros(library.pal_cuda_hyper_bytes(), "uint8")
        sizes = [library.pal_encode_workspace_bytes(d, m, b, k, TOPK)]
        sizes += [library.pal_cuda_decode_loss_workspace_bytes(d, m, b, k)]
        sizes += [library.pal_step_workspace_bytes(d, m, b, k)]
        self.space = arrays.zeros(max(sizes), "uint8")
        arrays.wait()
        self.call("pal_refresh_operands", byref(self.coder), None)
        arrays.wait()

    def call(self, name, *arguments):
        if getattr(self.library, name)(*arguments) != 0:
            sys.exit(f"{name}: {self.library.pal_last_error().decode()}")

    def write_hyper(self, t, stream):
        self.call("pal_cuda_write_hyper", byref(Hyper(ADAM, 3e-3, 0.9, 0.999, 1e-8, t)), self.arrays.pointer(self.hyper), stream)

    def scratch(self, stream):
        return self.arrays.pointer(self.space), self.arrays.size(self.space), stream

    def encode(self, stream):
        p = self.arrays.pointer
        batch = (self.shape.rows, self.shape.k, TOPK, p(self.selected), p(self.indices))
        self.call("pal_encode", byref(self.coder), p(self.x), *batch, *self.scratch(stream))

    def step(self, stream):
        self.encode(stream)
        p = self.arrays.pointer
        batch = (self.shape.rows, self.shape.k, p(self.selected), p(self.indices))
        loss = (*batch, p(self.grad), p(self.sums), *self.scratch(stream))
        self.call("pal_cuda_decode_loss", byref(self.coder), p(self.x), p(self.y), *loss)
        update = (*batch, p(self.hyper), ADAM, 0, 0, *self.scratch(stream))
        self.call("pal_cuda_step", byref(self.coder), byref(self.state), p(self.x), p(self.grad), *update)

    def fvu(self):
        self.arrays.wait()
        error, variance = self.arrays.numbers(self.sums)
        return error / variance

    def bits(self):
        self.arrays.wait()
        made = [*self.parameters, *self.moments[0], *self.moments[1], self.selected, self.indices, self.grad, self.sums]
        return b"".join(self.arrays.values(one) for one in made)


def train(library, arrays, shape, stream):
    """All steps one after the other; the FVU of each, and all bits."""
    training = Training(library, arrays, shape)
    losses = []
    for t in range(1, STEPS + 1):
        training.write_hyper(t, stream)
        training.step(stream)
        losses.append(training.fvu())
    return losses, training.bits()


def replayed(library, arrays, shape):
    """The same from a graph that PyTorch captures."""
    torch = arrays.torch
    training = Training(library, arrays, shape)
    stream = torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        training.step(stream.cuda_stream)
    with torch.cuda.stream(stream):
        for t in range(1, STEPS + 1):
            training.write_hyper(t, stream.cuda_stream)
            graph.replay()
    return training.bits()


def times(torch, works, repeats=15, warm_up=3):
    """{name: median milliseconds} of works that are run in turns."""
    found = {name: [] for name in works}
    for repeat in range(warm_up + repeats):
        for name, work in works.items():
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            work()
            stop.record()
            stop.synchronize()
            if repeat >= warm_up:
                found[name].append(start.elapsed_time(stop))
    return {name: statistics.median(of) for name, of in found.items()}


def beside_torch(library, arrays, shape):
    """Our encode and step beside PyTorch's product and torch.topk, on its current stream; both must select alike."""
    torch = arrays.torch
    training = Training(library, arrays, shape)
    stream = torch.cuda.current_stream().cuda_stream
    training.write_hyper(1, stream)
    x, weight, bias = (one.bfloat16() for one in (training.x, *training.parameters[:2]))
    product = torch.nn.functional.linear(x, weight, bias)
    training.encode(stream)
    theirs = torch.topk(product, shape.k, dim=1).values.float().clamp_(min=0)
    ours = training.selected.view(shape.rows, shape.k)
    apart = ((ours - theirs).abs() > 2**-7 * theirs.abs()).float().mean().item()  # bf16 may round to the neighbour
    if apart > 1e-3:
        sys.exit(f"{shape}: {apart:.2%} of what is selected is not as torch.topk has it")
    works = {
        "our encode": lambda: training.encode(stream),
        "torch linear": lambda: torch.nn.functional.linear(x, weight, bias),
        "torch.topk": lambda: torch.topk(product, shape.k, dim=1, sorted=False),
        "our step": lambda: training.step(stream),
    }
    found = times(torch, works)
    for name, milliseconds in found.items():
        print(f"{shape}: {name:<12} {milliseconds:9.3f} ms")
    print(f"{shape}: encode {found['our encode'] / found['torch linear']:.2f} of the product, linear and topk "
          f"{(found['torch linear'] + found['torch.topk']) / found['our encode']:.2f} times encode, "
          f"{shape.rows / found['our step'] / 1000:.2f} M tokens/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--host", action="store_true")
    parser.add_argument("--time", action="store_true")
    options = parser.parse_args()
    arrays = Host() if options.host else Torch()
    shape = SMALLEST if options.host else SMALL
    if not options.host:
        arrays.zeros(1, "float32")  # the primary context is PyTorch's before our library is loaded
    library = load(options.library)
    print(library.pal_describe().decode())
    losses, expected = train(library, arrays, shape, None)
    print("FVU " + " ".join(f"{one:.4f}" for one in losses))
    if not losses[-1] < losses[0]:
        sys.exit("the loss does not fall")
    runs = {"again": lambda: train(library, arrays, shape, None)[1]}
    if not options.host:
        runs["another stream"] = lambda: train(library, arrays, shape, arrays.torch.cuda.Stream().cuda_stream)[1]
        runs["a captured graph"] = lambda: replayed(library, arrays, shape)
    for name, run in runs.items():
        if run() != expected:
            sys.exit(f"{name}: other bits than on the null stream")
        print(f"{name}: the same bits")
    if options.time and not options.host:
        for full in FULL:
            beside_torch(library, arrays, full)


if __name__ == "__main__":
    main()
