"""Does `assay identify` name what results come from? Honest ports and known bugs, emulated by tests/kill_matrix.c.

Run as `python3 tests/identify.py ASSAY KILL_MATRIX SET [all]`; exit 0 if all is well, 1 if not. A sample of dialects and bugs,
or all dialects, and all bugs of jordan; then it prints the rates.
"""
import json
import os
import subprocess
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
from harness import check, run, run_tests

KILL_MATRIX, SET = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
ALL = len(sys.argv) > 4
SAMPLE = ["jordan", "dion", "timm", "optax"]
BUGS = ["shard-local", "fp16-before-norm", "stale-buffer", "decay-missing"]


def identify(dialect, bug, dtype, seed=1):
    """What identify says of such a port; None if the dialect cannot have the bug."""
    p = subprocess.run([KILL_MATRIX, SET, dialect, bug, dtype, str(seed), "results.safetensors"])
    if p.returncode != 0:
        return None
    code, out, err = run("identify", "--set", SET, "--dtype", dtype, "--format", "json", "results.safetensors")
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
    for dtype, least in (("f32", 1), ("bf16", 0.95)) if not ALL else (("f32", 0.9), ("bf16", 0.8)):
        right = {}
        for bug in every if ALL else BUGS:
            found = identify("jordan", bug, dtype)
            if found and found["ranking"][0]["contradicted"] <= 0.05 * found["ranking"][0]["predicted"]:
                right[bug] = any(name.endswith(", " + bug) for name in names(found))
            elif found:
                right[bug] = False
        rate("bugs of jordan", dtype, right, least)


def test_coefficients():
    """The triple of a port, from its results alone: within 1e-4 in f32, 2e-2 in bf16, and within 5 standard errors."""
    true = {"a": 3.4445, "b": -4.775, "c": 2.0315}
    for dtype, most in (("f32", 1e-4), ("bf16", 2e-2)):
        effective = identify("jordan", "none", dtype)["effective"]
        for name, value in true.items():
            off = abs(effective[name]["value"] - value)
            check(off <= most, f"{name} in {dtype} is off by {off}")
            check(off <= max(5 * effective[name]["error"], 2 ** -8 * abs(value)), f"{name} in {dtype}: its standard error")
        check(effective["steps"]["value"] == 5, f"steps in {dtype}: {effective['steps']}")


run_tests("identify", globals())
