"""Counts the instructions of a kernel in its machine code: in all, and as executed by a thread that goes through it once.

    python3 count_instructions.py CUBIN [KERNEL] [--loops TIMES,...] [--per ELEMENTS] [--skip N]

CUBIN is what `nvcc -cubin` writes (of compute capability 7.0 or later: 16 bytes an instruction); KERNEL a part of a (mangled)
kernel's name. --loops says how often each loop is gone through, in the order of their places in the code as they are listed, or
once without it. A loop within another is multiplied by both. What lies behind a branch is taken to be executed, so the
count is one from above; with --skip N conditional branches forwards over at most N instructions are taken, and what they jump over
does not count: rare work on a single element, say. Functions that are called (a fallback, say) do not count, nor what lies behind the last exit (where warps go that have
diverged at a warp operation). --per divides by the elements of a thread.

Needs nothing but Python: branches are told by their opcodes, and which of two known forms their distances have by the branch to
itself, which ends every kernel and goes 16 bytes back.
"""

import argparse
import struct
import sys

BYTES = 16
OPCODE = {0x947: "BRA", 0x94D: "EXIT", 0x944: "CALL", 0x950: "RET", 0x918: "NOP"}


def sections(elf):
    """(name, type, link, info, content) of every section of a 64-bit ELF file."""
    if elf[:4] != b"\x7fELF" or elf[4] != 2:
        sys.exit("not a 64-bit ELF file; expected what `nvcc -cubin` writes")
    (offset,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", elf, offset + i * size) for i in range(count)]
    content = [b"" if h[1] == 8 else elf[h[4] : h[4] + h[5]] for h in headers]

    def name(at):
        return content[names][at : content[names].index(b"\0", at)].decode()

    return [(name(h[0]), h[1], h[6], h[7], c) for h, c in zip(headers, content)]


def functions(elf_sections):
    """{section number: [(first byte, end, name)]} of the functions within each section of code."""
    found = {}
    for _, kind, link, _, content in elf_sections:
        if kind != 2:
            continue
        strings = elf_sections[link][4]
        for at in range(0, len(content), 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", content, at)
            if info & 15 == 2 and size > 0:
                text = strings[name : strings.index(b"\0", name)].decode()
                found.setdefault(section, []).append((value, value + size, text))
    return found


class Kernel:
    def __init__(self, name, code, called):
        self.name = name
        self.code = code
        words = [struct.unpack_from("<QQ", code, at) for at in range(0, len(code), BYTES)]
        self.opcodes = [low & 0xFFF for low, _ in words]
        branches = [i for i, opcode in enumerate(self.opcodes) if OPCODE.get(opcode) == "BRA"]
        forms = [form for form in (self.whole, self.split) if branches and form(*words[branches[-1]]) == -BYTES]
        if not forms:
            sys.exit(f"{name}: does not end with a branch to itself, from which the form of branches is told")
        distances = [forms[0](low, high) for low, high in words]
        self.counts = [
            OPCODE.get(opcode) != "NOP" and not any(first <= i * BYTES < end for first, end in called)
            for i, opcode in enumerate(self.opcodes)
        ]
        called_first = min((first for first, _ in called), default=len(code)) // BYTES
        exits = [i for i in range(called_first) if OPCODE.get(self.opcodes[i]) == "EXIT" and words[i][0] >> 12 & 15 == 7]
        for i in range(exits[-1] + 1, len(self.counts)):
            self.counts[i] = False
        self.jumps = [] # over instructions first .. end - 1
        self.loops = []
        for i, opcode in enumerate(self.opcodes):
            if OPCODE.get(opcode) == "BRA" and self.counts[i]:
                target = i + 1 + distances[i] // BYTES
                if target == i:
                    self.counts[i] = False
                elif target < i:
                    self.loops.append((target, i))
                elif words[i][0] >> 12 & 15 != 7:
                    self.jumps.append((i + 1, target))
        # One loop may be closed by several branches.
        firsts = {}
        for first, last in self.loops:
            firsts[first] = max(last, firsts.get(first, last))
        self.loops = sorted(firsts.items())

    @staticmethod
    def signed(low, high):
        """Bits 34 to 81."""
        value = (low >> 34) | ((high & 0x3FFFF) << 30)
        return value - (1 << 48) if value >> 47 else value

    @classmethod
    def whole(cls, low, high):
        """The distance in bytes: a quarter of it in one field."""
        return cls.signed(low, high) * 4

    @classmethod
    def split(cls, low, high):
        """The same with its lowest eight bits in another."""
        return (cls.signed(low, high) * 256 + (low >> 16 & 0xFF)) * 4

    def size(self, first=0, last=None):
        return sum(self.counts[first : None if last is None else last + 1])

    def executed(self, times, skip):
        weights = [float(one) for one in self.counts]
        for first, end in self.jumps:
            if end - first <= skip:
                weights[first:end] = [0.0] * (end - first)
        for (first, last), often in zip(self.loops, times):
            for i in range(first, last + 1):
                weights[i] *= often
        return sum(weights)


def kernels(path):
    with open(path, "rb") as file:
        found = sections(file.read())
    inside = functions(found)
    for number, (name, _, _, _, content) in enumerate(found):
        if name.startswith(".text."):
            kernel = name[len(".text.") :]
            called = [(first, end) for first, end, text in inside.get(number, []) if text != kernel]
            yield Kernel(kernel, content, called)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cubin")
    parser.add_argument("kernel", nargs="?", default="")
    parser.add_argument("--loops", default="", help="how often each is gone through")
    parser.add_argument("--per", type=float, help="elements of a thread")
    parser.add_argument("--skip", type=int, default=0, help="instructions that a branch may jump over")
    options = parser.parse_args()
    times = [float(one) for one in options.loops.split(",") if one]
    chosen = [kernel for kernel in kernels(options.cubin) if options.kernel in kernel.name]
    if not chosen:
        sys.exit(f"{options.cubin}: no kernel whose name contains '{options.kernel}'")
    for kernel in chosen:
        if times and len(times) != len(kernel.loops):
            sys.exit(f"{kernel.name}: {len(kernel.loops)} loops, but --loops has {len(times)} numbers; list them without it")
        padded = times or [1.0] * len(kernel.loops)
        print(f"{kernel.name}: {kernel.size()} instructions")
        for (first, last), often in zip(kernel.loops, padded):
            print(f"  loop of {kernel.size(first, last):4d} at {first * BYTES:#06x} .. {last * BYTES:#06x}, {often:g} times")
        executed = kernel.executed(padded, options.skip)
        print(f"  executed: {executed:.0f}" + (f", {executed / options.per:.2f} an element" if options.per else ""))


if __name__ == "__main__":
    main()
