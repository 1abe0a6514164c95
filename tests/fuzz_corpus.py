"""Writes the files that fuzzing the readers starts from: fuzz_corpus.py FOLDER. Needs Python alone."""
import json
import os
import struct
import sys

from files import npy, values


def raw_safetensors(path, header, data):
    """A .safetensors file with any text as its header."""
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    kinds = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "F8_E5M2": 1}
    for k, (descr, fortran, version) in enumerate((d, f, v) for d in ("<f8", ">f4", "<f2") for f in (0, 1) for v in (1, 2)):
        for shape, count in (((), 1), ((3,), 3), ((2, 3), 6), ((2, 0), 0), ((1, 2, 1, 2), 4)):
            npy(os.path.join(folder, f"{k}-{len(shape)}.npy"), shape, values(count), descr, bool(fortran), version)
    for kind, size in kinds.items():
        one = {"a": {"dtype": kind, "shape": [2, 3], "data_offsets": [0, 6 * size]}}
        two = {**one, "b": {"dtype": kind, "shape": [], "data_offsets": [6 * size, 7 * size]}, "__metadata__": {"k": "v"}}
        for name, header in (("one", one), ("two", two)):
            text = json.dumps(header).encode()
            raw_safetensors(os.path.join(folder, f"{kind}-{name}.safetensors"), text, bytes(range(7 * size))[:len(header) // 2 * size + 6 * size])
    for name, text in {"twice": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
                       "huge": b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}',
                       "escapes": b'{"\\u00e9\\ud83d\\ude00\\n":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'}.items():
        raw_safetensors(os.path.join(folder, name + ".safetensors"), text, b"\0\0\x80\x3f")


main()
