"""Runs a port over the cases of a golden set and writes its results. Needs numpy alone. From Python:

    golden.run("golden/vectors", "results.safetensors", newton_schulz, step)

with newton_schulz(G) -> Y and step(param, grad, momentum, lr, beta, weight_decay) -> (param, momentum), arrays of one shape; None
for a tensor that the port does not take. What else a port keeps from step to step (second moments, a count), begin(param)
resets, which is called before each run. In the place of the folder a file of your own cases, mine.json. Whether the port writes
into G or grad, which are not its own, is seen, and told by check.
In any other language, as a program that answers on standard output what it is asked on standard input:

    python3 golden.py golden/vectors results.safetensors ./my_port

A question is 6 int32 (0 for newton_schulz, 1 for step; the number of dimensions; the shape, filled up to four with 1), 3
float32 (lr, beta, weight decay) and the arrays in float32, row by row: G, or param, grad, momentum. The answer: Y, or param,
momentum. All little-endian.

By hand: cases() are dicts of what the .json says (id, flags, formats, parameters, ..., and the version of the set) and the input
arrays by name.
"""
import json
import os
import struct
import subprocess
import sys

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def load(path):
    """The tensors of a .safetensors file; those of bfloat16 as float32."""
    with open(path, "rb") as file:
        data = file.read()
    size, = struct.unpack("<Q", data[:8])
    body, tensors = memoryview(data)[8 + size:], {}
    for name, t in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            x = np.frombuffer(body[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
            tensors[name] = (x.astype("u4") << 16).view("f4") if t["dtype"] == "BF16" else x
    return tensors


def save(path, tensors, bf16=(), metadata=None):
    """Writes a .safetensors file."""
    names = {np.dtype(d): n for n, d in DTYPES.items() if n != "BF16"}
    header, parts, end = {"__metadata__": metadata} if metadata else {}, [], 0
    for name, x in tensors.items():
        x = np.ascontiguousarray(x)
        kind = "BF16" if name in bf16 else names[x.dtype]
        parts.append(x.astype(DTYPES[kind], copy=False).tobytes())
        header[name] = {"dtype": kind, "shape": x.shape, "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def cases(where, operation):
    """The cases of an operation (newton-schulz, step, ...), `where` being the folder of the .json files, or one of these."""
    stem = where[:-len(".json")] if where.endswith(".json") else f"{where}/{operation}"
    if stem + ".json" != where and not os.path.exists(stem + ".json"):
        return
    with open(stem + ".json") as file:
        manifest = json.load(file)
    tensors = load(stem + ".safetensors")
    for case in manifest["cases"] if manifest["operation"] == operation else ():
        yield {**case, **{name: tensors[case["id"] + "/" + name] for name in case["inputs"]}, "version": manifest["version"]}


def runs(case):
    """The parameters of a case of `step`: (suffix, param, grads, lr of each step, whether it has a gradient)."""
    steps = len(case["grads"])
    lr = case["lr"] if "lr" in case["inputs"] else np.full(steps, case["parameters"]["lr"])
    present = case["present"] if "present" in case["inputs"] else np.ones(steps)
    for suffix in ("", ".2"):
        if "param" + suffix in case["inputs"]:
            yield suffix, case["param" + suffix], case["grads" + suffix], lr, present != 0


def save_cases(stem, operation, cases):
    """Cases of your own, STEM.json and STEM.safetensors, for check --cases: id (lower case, digits, - and .) -> (parameters,
    {input: array})."""
    save(stem + ".safetensors", {f"{id}/{name}": x for id, (_, inputs) in cases.items() for name, x in inputs.items()})
    listed = [{"id": id, "family": "own", "flags": ["Own"], "why": "a case of the user's own", "formats": [],
               "parameters": {name: x if isinstance(x, str) else float(x) for name, x in parameters.items()},
               "inputs": list(inputs), "answers": []}
              for id, (parameters, inputs) in cases.items()]
    with open(stem + ".json", "w") as file:
        json.dump({"schema": 1, "version": "own", "licence": "CC0-1.0", "operation": operation, "cases": listed}, file)


def run(where, output, newton_schulz=None, step=None, absent="zero", bf16=(), begin=None):
    """Results of the cases of newton-schulz and step. A step without gradient gets zeros, or with absent="skip" is none."""
    results, mutated, version = {}, [], ""
    for case in cases(where, "newton-schulz") if newton_schulz else ():
        version = case["version"]
        g = case["G"].astype("f4")
        kept = g.tobytes()
        y = newton_schulz(g)
        if y is not None:
            results[case["id"] + "/Y"] = y
            mutated += [case["id"]] if g.tobytes() != kept else []
    for case in cases(where, "step") if step else ():
        version = case["version"]
        beta, decay = case["parameters"]["momentum"], case["parameters"]["weight_decay"]
        for suffix, param, grads, lr, present in runs(case):
            g = grads.astype("f4")
            kept = g.tobytes()
            trace = run_steps(step, param.astype("f4"), zip(g, lr, present), beta, decay, absent, begin)
            mutated += [case["id"]] if g.tobytes() != kept else []
            for name, values in zip(("params", "updates", "momentum"), zip(*trace)):
                results[f"{case['id']}/{name}{suffix}"] = np.array(values, "f4")
    if not results:
        raise ValueError(f"{where} has no case that the port takes")
    save(output, results, bf16, {"version": version, **({"mutated": " ".join(mutated)} if mutated else {})})


def run_steps(step, p, steps, beta, decay, absent, begin):
    """(parameter, update, momentum) after each of the steps (gradient, lr, whether it is there); none if the port takes none."""
    m, trace = np.zeros_like(p), []
    if begin:
        begin(p)
    for g, rate, here in steps:
        before = p
        if here or absent == "zero":
            after = step(p.copy(), g if here else 0 * g, m.copy(), rate, beta, decay)
            if after is None:
                return []
            p, m = after
        trace.append((p, p - before, m))
    return trace


class Program:
    """A port that is a program of its own."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind, numbers, *arrays, answers):
        shape = arrays[0].shape
        question = struct.pack("<6i3f", kind, len(shape), *(shape + (1, 1, 1, 1))[:4], *numbers)
        self.process.stdin.write(question + b"".join(np.ascontiguousarray(x, "<f4").tobytes() for x in arrays))
        self.process.stdin.flush()
        data = self.process.stdout.read(answers * arrays[0].size * 4)
        return np.frombuffer(data, "<f4").reshape((answers,) + shape)

    def newton_schulz(self, g):
        return self.ask(0, (0, 0, 0), g, answers=1)[0]

    def step(self, p, g, m, lr, beta, decay):
        return tuple(self.ask(1, (lr, beta, decay), p, g, m, answers=2))


if __name__ == "__main__":
    program = Program(sys.argv[3:])
    run(sys.argv[1], sys.argv[2], program.newton_schulz, program.step)
