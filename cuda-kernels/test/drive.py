"""Drives libpalimpsest_cuda.so from Python, within the process and the context of PyTorch: whole training steps on the null stream, on
another, and replayed from a captured graph, which must all give the same bits, and the loss must fall.

    python3 drive.py LIBRARY            arrays by torch on the GPU
    python3 drive.py LIBRARY --numpy    arrays by numpy, for the emulated library: no streams, no graph

Needs ctypes and torch (or numpy) alone. What Java does through JavaCPP and libtorch happens here the same way: one runtime, one
primary context, memory of PyTorch's allocator, its current stream. Exit 0 where all is well, 1 otherwise.
"""

import argparse
import ctypes
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_float, c_int32, c_int64, c_size_t, c_void_p

ROWS, WIDTH, LATENTS, K, STEPS = 1024, 96, 1030, 12, 6
TOPK, ADAM = 0, 0


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


class Numpy:
    """Arrays in ordinary memory."""

    def __init__(self):
        import numpy

        self.numpy = numpy

    def normal(self, seed, *shape):
        return self.numpy.random.default_rng(seed).standard_normal(shape).astype("float32")

    def zeros(self, count, kind):
        room = self.numpy.zeros(count * self.numpy.dtype(kind).itemsize + 256, "uint8")  # aligned to 256 bytes
        start = -room.ctypes.data % 256
        return room[start : start + count * self.numpy.dtype(kind).itemsize].view(kind)

    def pointer(self, array):
        return array.ctypes.data

    def values(self, array):
        return array.tobytes()

    def wait(self):
        pass


class Torch:
    """Arrays of PyTorch's allocator on the GPU."""

    def __init__(self):
        import torch

        self.torch = torch

    def normal(self, seed, *shape):
        return self.torch.randn(*shape, generator=self.torch.Generator().manual_seed(seed)).cuda()

    def zeros(self, count, kind):
        return self.torch.zeros(count, dtype=getattr(self.torch, kind), device="cuda")

    def pointer(self, array):
        return array.data_ptr()

    def values(self, array):
        return array.cpu().numpy().tobytes()

    def wait(self):
        self.torch.cuda.synchronize()


class Training:
    """A coder of bf16 operands, its optimiser and one batch."""

    def __init__(self, library, arrays):
        self.library, self.arrays = library, arrays
        p = arrays.pointer
        scale = WIDTH**-0.5
        self.parameters = [arrays.normal(1, LATENTS, WIDTH) * scale, arrays.normal(2, LATENTS) * 0.1]
        self.parameters += [arrays.normal(3, LATENTS, WIDTH) * scale, arrays.normal(4, WIDTH) * 0.1]
        self.parameters = [one if hasattr(one, "data_ptr") else one.astype("float32") for one in self.parameters]
        counts = [LATENTS * WIDTH, LATENTS, LATENTS * WIDTH, WIDTH]
        self.moments = [[arrays.zeros(count, "float32") for count in counts] for _ in range(2)]
        self.operands = arrays.zeros(library.pal_operands_bytes(WIDTH, LATENTS), "uint8")
        self.coder = Coder(WIDTH, LATENTS, *[p(one) for one in self.parameters], None, 0, p(self.operands))
        self.state = State(*[Gradients(*[p(one) for one in of], None) for of in self.moments])
        self.x, self.y = arrays.normal(5, ROWS, WIDTH), arrays.normal(6, ROWS, WIDTH)
        self.selected = arrays.zeros(ROWS * K, "float32")
        self.indices = arrays.zeros(ROWS * K, "int32")
        self.grad = arrays.zeros(ROWS * WIDTH, "float32")
        self.sums = arrays.zeros(2, "float64")
        self.hyper = arrays.zeros(library.pal_cuda_hyper_bytes(), "uint8")
        sizes = [library.pal_encode_workspace_bytes(WIDTH, LATENTS, ROWS, K, TOPK)]
        sizes += [library.pal_cuda_decode_loss_workspace_bytes(WIDTH, LATENTS, ROWS, K)]
        sizes += [library.pal_step_workspace_bytes(WIDTH, LATENTS, ROWS, K)]
        self.space = arrays.zeros(max(sizes), "uint8")
        arrays.wait()
        self.call("pal_refresh_operands", byref(self.coder), None)
        arrays.wait()

    def call(self, name, *arguments):
        if getattr(self.library, name)(*arguments) != 0:
            sys.exit(f"{name}: {self.library.pal_last_error().decode()}")

    def write_hyper(self, t, stream):
        self.call("pal_cuda_write_hyper", byref(Hyper(ADAM, 3e-3, 0.9, 0.999, 1e-8, t)), self.arrays.pointer(self.hyper), stream)

    def step(self, stream):
        p = self.arrays.pointer
        space = (p(self.space), self.space.nbytes, stream)
        self.call("pal_encode", byref(self.coder), p(self.x), ROWS, K, TOPK, p(self.selected), p(self.indices), *space)
        batch = (ROWS, K, p(self.selected), p(self.indices))
        self.call("pal_cuda_decode_loss", byref(self.coder), p(self.x), p(self.y), *batch, p(self.grad), p(self.sums), *space)
        self.call("pal_cuda_step", byref(self.coder), byref(self.state), p(self.x), p(self.grad), *batch, p(self.hyper), ADAM, 0, 0, *space)

    def fvu(self):
        self.arrays.wait()
        error, variance = self.sums.tolist()
        return error / variance

    def bits(self):
        self.arrays.wait()
        made = [*self.parameters, *self.moments[0], *self.moments[1], self.selected, self.indices, self.grad, self.sums]
        return b"".join(self.arrays.values(one) for one in made)


def train(library, arrays, stream):
    """All steps one after the other; the FVU of the first and of the last, and all bits."""
    training = Training(library, arrays)
    losses = []
    for t in range(1, STEPS + 1):
        training.write_hyper(t, stream)
        training.step(stream)
        losses.append(training.fvu())
    return losses, training.bits()


def replayed(library, arrays):
    """The same from a graph that PyTorch captures."""
    torch = arrays.torch
    training = Training(library, arrays)
    stream = torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        training.step(stream.cuda_stream)
    with torch.cuda.stream(stream):
        for t in range(1, STEPS + 1):
            training.write_hyper(t, stream.cuda_stream)
            graph.replay()
    return training.bits()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--numpy", action="store_true")
    options = parser.parse_args()
    arrays = Numpy() if options.numpy else Torch()
    if not options.numpy:
        arrays.zeros(1, "float32")  # the primary context is PyTorch's before our library is loaded
    library = load(options.library)
    print(library.pal_describe().decode())
    losses, expected = train(library, arrays, None)
    print("FVU " + " ".join(f"{one:.4f}" for one in losses))
    if not losses[-1] < losses[0]:
        sys.exit("the loss does not fall")
    runs = {"again": lambda: train(library, arrays, None)[1]}
    if not options.numpy:
        runs["another stream"] = lambda: train(library, arrays, arrays.torch.cuda.Stream().cuda_stream)[1]
        runs["a captured graph"] = lambda: replayed(library, arrays)
    for name, run in runs.items():
        if run() != expected:
            sys.exit(f"{name}: other bits than on the null stream")
        print(f"{name}: the same bits")


if __name__ == "__main__":
    main()
