"""Whether drive.py calls the library as its headers have it: every struct and every function it declares, type by type.

    python3 drive_test.py HEADER...

Needs nothing but Python. Exit 0 where they agree, 1 otherwise.
"""

import ctypes
import re
import sys

import drive

TYPES = {
    "int32_t": ctypes.c_int32,
    "pal_status": ctypes.c_int32,
    "pal_activation": ctypes.c_int32,
    "pal_optimizer": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "float": ctypes.c_float,
    "pal_stream": ctypes.c_void_p,
    "pal_gradients": drive.Gradients,
}
STRUCTS = {"pal_coder": drive.Coder, "pal_gradients": drive.Gradients, "pal_hyper": drive.Hyper, "pal_optimizer_state": drive.State}


def type_of(declaration):
    """The type of "const float* x" as ctypes has it; a pointer to a struct that drive.py knows is one to that."""
    words = declaration.replace("*", " * ").replace("const", " ").split()
    if "*" not in words:
        return TYPES[words[0]]
    return ctypes.POINTER(STRUCTS[words[0]]) if words[0] in STRUCTS else ctypes.c_void_p


def fields_of(body):
    """[(name, type)] of a struct's body."""
    found = []
    for line in body.split(";"):
        if line.strip():
            found.append((line.replace("*", " ").split()[-1], type_of(line)))
    return found


def main():
    text = ""
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text += re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    wrong = []

    def compare(what, found, expected):
        if found != expected:
            wrong.append(f"{what}: drive.py has {found}, the header {expected}")

    for name, struct in STRUCTS.items():
        body = re.search(rf"typedef struct {name} {{(.*?)}} {name};", text, re.DOTALL)
        compare(name, struct._fields_, fields_of(body.group(1)))
    for functions, result in ((drive.SIZES, ctypes.c_size_t), (drive.CALLS, ctypes.c_int32)):
        for name, arguments in functions.items():
            declared = re.search(rf"PAL_API\s+(\w+)\s+{name}\((.*?)\)", text, re.DOTALL)
            if declared is None:
                wrong.append(f"{name}: in no header")
                continue
            parameters = [one for one in declared.group(2).split(",") if one.strip() != "void"]
            compare(name, (result, arguments), (TYPES[declared.group(1)], [type_of(one) for one in parameters]))
    for problem in wrong:
        print(problem)
    print(f"drive.py: {len(STRUCTS)} structs and {len(drive.SIZES) + len(drive.CALLS)} functions compared, {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
