"""Does `assay identify` name what results come from? Honest ports and known bugs, emulated by tests/kill_matrix.c.

Run as `python3 tests/identify.py ASSAY KILL_MATRIX SET [all]`; exit 0 if all is well, 1 if not. A sample of dialects and bugs,
or all dialects, and all bugs of jordan; then it prints the rates.
"""
import json
import os
import re
import struct
import subprocess
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
from harness import check, run, run_tests

KILL_MATRIX, SET = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
ALL = len(sys.argv) > 4
SAMPLE = ["jordan", "dion", "timm", "optax", "msign"]
BUGS = ["shard-local", "fp16-before-norm", "stale-buffer", "decay-missing"]


def identify(dialect, bug, dtype, seed=1, *changes):
    """What identify says of such a port; None if the dialect cannot have the bug."""
    p = subprocess.run([KILL_MATRIX, SET, dialect, bug, dtype, str(seed), "results.safetensors", *changes])
    if p.returncode != 0:
        return None
    code, out, err = run("identify", "--set", SET, "--dtype", dtype, "--format", "json", "results.safetensors",
                         timeout=600)
    check(code in (0, 1), f"{dialect} {bug} {dtype}: exit {code}: {err}")
    return json.loads(out)


def names(found):
    return [found["name"], *found["same"]]


def rate(what, dtype, right, least):
    good = sum(right.values())
    print(f"identify: {what} in {dtype}: {good} of {len(right)}"
          + "".join(f"; not {name}" for name, ok in right.items() if not ok))
    check(good >= least * len(right), f"{what} in {dtype}: {good} of {len(right)}")


def test_dialects():
    """The right dialect, or one of the same answers, comes first: always in f32, nearly always in bf16."""
    every = list(json.loads(run("dialects", "--format", "json")[1]))
    for dtype, least in (("f32", 1), ("bf16", 0.95)):
        right = {}
        for dialect in every if ALL else SAMPLE:
            right[dialect] = dialect in names(identify(dialect, "none", dtype))
        rate("dialects", dtype, right, least)


def test_bugs():
    """A known bug of jordan is named."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "bugs.c")) as f:
        every = [line.split('"')[1] for line in f if line.startswith('    {"')]
    for dtype, least in (("f32", 1), ("bf16", 0.95)):
        right = {}
        for bug in every if ALL else BUGS:
            found = identify("jordan", bug, dtype)
            if found and found["ranking"][0]["contradicted"] <= 0.05 * found["ranking"][0]["predicted"]:
                right[bug] = any(name.endswith(", " + bug) for name in names(found))
            elif found:
                right[bug] = False
        rate("bugs of jordan", dtype, right, least)


def estimates(dtype, seed=1, *changes):
    """The numbers of a port of jordan with such changes."""
    return identify("jordan", "none", dtype, seed, *changes)["effective"]


def bf16(x):
    """The nearest bfloat16 number."""
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return struct.unpack("<f", struct.pack("<I", (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000))[0]


def test_numbers():
    """The numbers of honest ports, from results alone: within 4 standard errors, and within 1e-4 in f32, 1e-2 in bf16.

    A port that rounds its coefficients to bfloat16 (seed 1; seed 0 does not) has those: its errors count against them."""
    printed = {"a": 3.4445, "b": -4.775, "c": 2.0315}
    others = {"norm-factor": 1, "scale-factor": 1, "beta": 0.9375, "weight-decay": 0.25}
    for dtype, most in (("f32", 1e-4), ("bf16", 1e-2)):
        for seed in (0, 1):
            found = estimates(dtype, seed)
            rounds = dtype == "bf16" and seed == 1
            for name, x in {**printed, **others}.items():
                x = bf16(x) if rounds and name in printed else x
                off, error = abs(found[name]["value"] - x), found[name]["error"]
                check(off <= most and off <= 4 * error, f"{name} in {dtype}, seed {seed}: off by {off} +- {error}")
            eps = found["eps"]
            check(abs(eps["value"] - 1e-7) <= min(4 * eps["error"], most * 1e-7), f"eps in {dtype}, seed {seed}: {eps}")


def test_other_numbers():
    """A port with numbers of which no convention is known: named with them, within 4 standard errors, and its own excluded."""
    for dtype, seed, others in (("f32", 1, {"eps": 3e-7}), ("f32", 1, {"beta": 0.9}), ("f32", 3, {"weight-decay": 0.1}),
                                ("f32", 3, {"scale-factor": 0.93, "eps": 3e-6}), ("bf16", 3, {"scale-factor": 1.07})):
        found = identify("jordan", "none", dtype, seed, *(f"{name}={value}" for name, value in others.items()))
        check(found["ranking"][0]["contradicted"] == 0, f"{others} in {dtype}: contradicted: {found['name']}")
        for name, value in others.items():
            x = found["effective"][name]
            check(x["value"] is not None and abs(x["value"] - value) <= 4 * x["error"] and
                  (abs(x["nominal"] - value) < 1e-9 or abs(x["value"] - x["nominal"]) > 4 * x["error"]),
                  f"{name}={value} in {dtype}: {x}")


def test_own_coefficients():
    """A triple that is in no table, taken six times: found, and told beside the dialect's."""
    found = identify("jordan", "none", "f32", 1, "coefficients=3,-3.2,1.2", "steps=6")
    check(found["ranking"][0]["contradicted"] == 0 and "jordan" == found["ranking"][0]["dialect"], found["name"])
    for name, value, nominal in (("a", 3, 3.4445), ("b", -3.2, -4.775), ("c", 1.2, 2.0315)):
        x = found["effective"].get(name, {"value": 0, "error": 0, "nominal": 0})
        check(abs(x["value"] - value) <= 4 * x["error"] and x["nominal"] == nominal, f"{name}: {x}")


def test_names_are_true():
    """In bf16, where a factor on the norm does nearly the same as a triple, and ten other steps explain most of what six far ones
    make: each is named if it is what the port has, with the numbers that are told."""
    for changes, names in ((["coefficients=3.4,-4.7,2", "steps=5"], ["coefficients 3.4"]), (["norm-factor=1.01"], ["norm-factor=1.0"]),
                           (["coefficients=3.4,-4.7,2", "steps=5", "norm-factor=1.01"], ["coefficients 3.4", "norm-factor=1.0"]),
                           (["coefficients=3,-3.2,1.2", "steps=6"], ["coefficients 3.0", "steps=6"])):
        found = identify("jordan", "none", "bf16", 1, *changes)
        check(found["name"].startswith("jordan, ") and found["name"].count("=") == len(names) - ("coefficients" in names[0]) and
              all(f", {name}" in found["name"] for name in names), f"{changes}: {found['name']}")
        told = re.search(r"coefficients (\S+),", found["name"])
        a = found["effective"]["a"]
        check(not told or abs(float(told[1]) - a["value"]) <= a["error"], f"{found['name']}: a is told as {a}")


def test_nothing_explains():
    """Of results that nothing explains (every number times 1 to 7, in turn; times 0) none of the numbers is told."""
    subprocess.run([KILL_MATRIX, SET, "jordan", "none", "f32", "1", "results.safetensors"], check=True)
    with open("results.safetensors", "rb") as f:
        data = f.read()
    size, = struct.unpack("<Q", data[:8])
    floats = struct.unpack(f"<{(len(data) - 8 - size) // 4}f", data[8 + size:])
    for factor in (lambda k: 1 + k % 7, lambda k: 0):
        spoiled = struct.pack(f"<{len(floats)}f", *(x * factor(k) for k, x in enumerate(floats)))
        with open("results.safetensors", "wb") as f:
            f.write(data[:8 + size] + spoiled)
        code, out, err = run("identify", "--set", SET, "--dtype", "f32", "--format", "json", "results.safetensors",
                             timeout=600)
        found = json.loads(out)
        check(code == 1 and found["verdict"] == "no known convention" and found["effective"] == {},
              f"exit {code}: {out[:300]}")


run_tests("identify", globals())
