"""Reads the cases of a golden set and writes a port's results. Needs numpy alone.

    for case in cases("golden/vectors", "step"):
        results[case["id"] + "/params"] = ...
    save("results.safetensors", results)

Every case is a dict: what the .json says (id, flags, formats, parameters, ...) and its input arrays by name. An array of
uint16 is saved as the bits of bfloat16 if its name is in `bf16`.
"""
import json
import struct

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def load(path):
    """The tensors of a .safetensors file; those of bfloat16 as float32."""
    with open(path, "rb") as file:
        data = file.read()
    size, = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, t in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            x = np.frombuffer(data[8 + size:][slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
            tensors[name] = (x.astype("u4") << 16).view("f4") if t["dtype"] == "BF16" else x
    return tensors


def save(path, tensors, bf16=()):
    """Writes a .safetensors file."""
    names = {np.dtype(d): n for n, d in DTYPES.items() if n != "BF16"}
    header, parts, end = {}, [], 0
    for name, x in tensors.items():
        x = np.ascontiguousarray(x)
        kind = "BF16" if name in bf16 else names[x.dtype]
        parts.append(x.astype(DTYPES[kind], copy=False).tobytes())
        header[name] = {"dtype": kind, "shape": x.shape, "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def cases(folder, operation):
    """The cases of an operation (newton-schulz, step, ...), `folder` being that of the .json files."""
    with open(f"{folder}/{operation}.json") as file:
        manifest = json.load(file)
    tensors = load(f"{folder}/{operation}.safetensors")
    for case in manifest["cases"]:
        yield {**case, **{name: tensors[case["id"] + "/" + name] for name in case["inputs"]}}


def runs(case):
    """The parameters of a case of `step`: (suffix, param, grads, lr of each step, whether it has a gradient)."""
    steps = len(case["grads"])
    lr = case["lr"] if "lr" in case["inputs"] else np.full(steps, case["parameters"]["lr"])
    present = case["present"] if "present" in case["inputs"] else np.ones(steps)
    for suffix in ("", ".2"):
        if "param" + suffix in case["inputs"]:
            yield suffix, case["param" + suffix], case["grads" + suffix], lr, present != 0
