"""The adapters of tools/adapters: an honest Muon in each language passes as jordan; those of numpy and C are identified as it.

Run as `python3 tests/adapters.py ASSAY [SET]`; exit 0 if all is well, 1 if not. What is not installed is skipped. Without a
set it makes one.
"""
import importlib.util
import json
import os
import shutil
import subprocess
import sys

from harness import check, run, run_tests

ADAPTERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "adapters")
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
os.environ.pop("MAKEFLAGS", None)  # rustc would look for the jobs of make
SET = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None


def golden_set():
    global SET
    if not SET:
        subprocess.run([os.path.abspath(sys.argv[1]), "generate", "--set", "set"], check=True, stdout=subprocess.DEVNULL)
        SET = os.path.abspath("set")
    return SET


def has(*modules):
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if missing:
        print(f"adapters: skipped, {', '.join(missing)} is not installed")
    return not missing


def python(script, *args):
    subprocess.run([sys.executable, os.path.join(ADAPTERS, script), *args], check=True, stderr=subprocess.DEVNULL)


def judged(dtype, what):
    """Whether results.safetensors pass as jordan."""
    code, out, err = run("check", "--set", golden_set(), "--dialect", "jordan", "--dtype", dtype, "results.safetensors")
    check(code == 0, f"{what}: check: exit {code}: {out[-2000:]}{err}")


def identified(dtype, what):
    """Whether identify says that results.safetensors are jordan's: some ten seconds. Of all dialects: identify.py."""
    code, out, err = run("identify", "--set", golden_set(), "--format", "json", "results.safetensors")
    found = json.loads(out) if out else {}
    check(code == 0 and "jordan" in [found.get("name"), *found.get("same", [])] and found["format"] == dtype,
          f"{what}: identify: exit {code}: {found.get('verdict')} {found.get('name')} {err}")


def in_python(script, *needs):
    for dtype in ("f32", "bf16") if has("numpy", *needs) else ():
        python(script, os.path.join(golden_set(), "vectors"), "results.safetensors", dtype)
        judged(dtype, f"{script} {dtype}")
        if (script, dtype) == ("numpy_muon.py", "bf16"):  # in f32 C's is
            identified(dtype, f"{script} {dtype}")


def test_numpy():
    in_python("numpy_muon.py")


def test_torch():
    in_python("torch_muon.py", "torch")


def test_jax():
    in_python("jax_muon.py", "jax")


def in_another(compiler, source, *compile):
    """A program of its own, asked through golden.py."""
    if not shutil.which(compiler):
        print(f"adapters: skipped, {compiler} is not installed")
    elif has("numpy"):
        path = os.path.join(ADAPTERS, source)
        command = ["./my_port"] if compile else [compiler, path]
        if compile:
            subprocess.run([compiler, path, "-o", "my_port", *compile], check=True)
        python("golden.py", os.path.join(golden_set(), "vectors"), "results.safetensors", *command)
        judged("f32", source)
        if source == "muon.c":
            identified("f32", source)


def test_c():
    in_another("gcc", "muon.c", "-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-lm")


def test_cpp():
    in_another("g++", "muon.cpp", "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror")


def test_javascript():
    in_another("node", "muon.js")


def test_rust():
    in_another("rustc", "muon.rs", "-O", "--edition", "2021")


def test_julia():
    in_another("julia", "muon.jl")


run_tests("adapters", globals())
