#!/usr/bin/python3
"""Does the C reader see what numpy wrote, and numpy what the C writer wrote?

usage: io_numpy.py IO_DUMP, where IO_DUMP is the program made from io_dump.c. Exits with 77 if numpy is missing.
"""
import io
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
except ImportError:
    print("io_numpy: skipped, because numpy is not installed")
    sys.exit(77)

TYPES = {"F64": "f8", "F32": "f4", "F16": "f2"}
SHAPES = [(), (1,), (5,), (0,), (3, 4), (4, 0, 2), (2, 3, 4), (2, 1, 3, 2), (1, 2, 1, 3, 1, 2, 1, 2)]


def values(dtype, count):
    """Random bit patterns, all of them numbers of the format, behind its extremes and oddities."""
    info = np.finfo(dtype)
    odd = [0.0, -0.0, info.max, -info.tiny, np.nextafter(dtype(0), dtype(1)), np.inf, -np.inf, np.nan, 1 + info.eps]
    bits = np.random.default_rng(count).bytes(count * np.dtype(dtype).itemsize)
    return np.concatenate([np.array(odd, dtype), np.frombuffer(bits, dtype)])[:count]


def dump(program, path, *copy):
    """The tensors that the C reader finds: {name: (type, shape, values)}, and the metadata."""
    run = subprocess.run([program, path, *copy], capture_output=True, text=True, encoding="utf-8", check=False)
    if run.returncode != 0:
        sys.exit(f"{path}: {run.stderr}")
    tensors, metadata, lines = {}, {}, iter(run.stdout.split("\n")[:-1])
    for line in lines:
        if " = " in line:
            key, value = line.split(" = ")
            metadata[key] = value
            continue
        kind, ndim, rest = line.split(" ", 2)
        *shape, name = rest.split(" ", int(ndim))
        shape = tuple(map(int, shape))
        tensors[name] = kind, shape, [float.fromhex(next(lines)) for _ in range(int(np.prod(shape)))]
    return tensors, metadata


def same(kind, got, expected, what):
    """Fails unless type, shape and every bit (of NaNs only that they are) agree."""
    expected64 = np.ascontiguousarray(expected).astype(np.float64).ravel()
    got64 = np.array(got[2], np.float64)
    nan = np.isnan(expected64)
    bits = got64.view(np.uint64) == expected64.view(np.uint64)
    if got[:2] != (kind, expected.shape) or not np.all(np.where(nan, np.isnan(got64), bits)):
        sys.exit(f"{what}: {got[:2]} came instead of {kind} {expected.shape}, or other values")


def check_npy(program, folder):
    """Every dtype, byte order, memory order, shape and version."""
    count = 0
    for kind, order, fortran, shape, version in itertools.product(
            TYPES, "<>=|", (False, True), SHAPES, [(1, 0), (2, 0), (3, 0)]):
        dtype = np.dtype(order + TYPES[kind])  # of '=' and '|' numpy makes the machine's order
        array = values(np.dtype(TYPES[kind]).type, int(np.prod(shape))).reshape(shape)
        array = np.asarray(array.astype(dtype), order="F" if fortran else "C")
        path, copy = os.path.join(folder, "x.npy"), os.path.join(folder, "copy.npy")
        memory = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy says that versions 2.0 and 3.0 were not necessary
            np.lib.format.write_array(memory, array, version=version)
        with open(path, "wb") as file:
            file.write(memory.getvalue().replace(dtype.str.encode(), (order + TYPES[kind]).encode(), 1))
        what = f"{order}{TYPES[kind]} fortran={fortran} shape={shape} version={version}"
        same(kind, dump(program, path, copy)[0][""], array, what)
        again = np.load(copy)
        if again.dtype.str != "<" + TYPES[kind] or again.shape != shape:
            sys.exit(f"{what}: the copy is {again.dtype.str} {again.shape}")
        same(kind, (kind, again.shape, again.ravel().tolist()), array, what + ", copy")
        count += 1
    return count


def write_safetensors(path, tensors, metadata):
    """The format in ten lines: {name: (dtype, shape, bytes)}."""
    header, data = {"__metadata__": metadata}, io.BytesIO()
    for name, (dtype, shape, content) in tensors.items():
        begin = data.tell()
        data.write(content)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, data.tell()]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data.getvalue())


def read_safetensors(path):
    """And back: {name: (dtype, shape, bytes)}, metadata."""
    with open(path, "rb") as file:
        content = file.read()
    size, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    metadata = header.pop("__metadata__")
    return {name: (x["dtype"], tuple(x["shape"]), content[8 + size:][slice(*x["data_offsets"])])
            for name, x in header.items()}, metadata


def check_safetensors(program, folder):
    """One file with every dtype and shape; its copy holds the same."""
    tensors, expected = {}, {}
    for kind, shape in itertools.product([*TYPES, "BF16"], SHAPES):
        name = f"{kind} caf\u00e9/{shape}"
        array = values(np.dtype(TYPES.get(kind, "f4")).type, int(np.prod(shape)))
        content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        if kind == "BF16":  # the upper halves of binary32 patterns
            halves = array.view(np.uint32) >> 16
            array, content = (halves << 16).view(np.float32), halves.astype("<u2").tobytes()
        tensors[name], expected[name] = (kind, shape, content), array.reshape(shape)
    metadata = {"format": "pt", "caf\u00e9": "\u2713 \"x\""}
    path, copy = os.path.join(folder, "x.safetensors"), os.path.join(folder, "copy.safetensors")
    write_safetensors(path, tensors, metadata)
    found, found_metadata = dump(program, path, copy)
    if list(found) != list(tensors) or found_metadata != metadata:
        sys.exit("safetensors: names, their order, or the metadata differ")
    for name, array in expected.items():
        same(tensors[name][0], found[name], array, name)
    if read_safetensors(copy) != (tensors, metadata):
        sys.exit("safetensors: the copy differs")
    return len(tensors)


def main():
    """Both formats."""
    base = os.environ.get("ASSAY_TEST_TMP") or os.environ.get("TMPDIR") or "/tmp"
    with tempfile.TemporaryDirectory(dir=base) as folder:
        arrays, tensors = check_npy(sys.argv[1], folder), check_safetensors(sys.argv[1], folder)
    print(f"io_numpy: {arrays} .npy files and {tensors} tensors in .safetensors arrived exactly, and came back")


if __name__ == "__main__":
    main()
