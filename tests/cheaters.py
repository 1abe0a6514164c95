"""Ports that cheat, or only look like one: every one is refused, with the right exit code.

Run as `python3 tests/cheaters.py ASSAY [SET]`; exit 0 if all is well, 1 if not. Needs numpy. Without a set it makes one.
"""
import functools
import os
import subprocess
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    import numpy as np
except ImportError:
    print("cheaters: skipped, because numpy is not installed")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "adapters"))
import golden
from harness import ASSAY, check, run, run_tests

SET = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
OPERATIONS = ("newton-schulz", "momentum", "step")
random = np.random.default_rng(1)


def golden_set():
    global SET
    if not SET:
        subprocess.run([ASSAY, "generate", "--set", "set"], check=True, stdout=subprocess.DEVNULL)
        SET = os.path.abspath("set")
    return SET + "/vectors"


@functools.cache
def of_set(operation):
    """Its tensors and cases: read once."""
    return golden.load(f"{golden_set()}/{operation}.safetensors"), list(golden.cases(golden_set(), operation))


@functools.cache
def answers(dialect):
    """The exact answers of a dialect, correctly rounded to binary32, by name of the result."""
    found = {}
    for operation in OPERATIONS:
        tensors, cases = of_set(operation)
        for case in cases:
            for answer in case["answers"]:
                if dialect in answer["dialects"] and "f32" in case["formats"]:
                    for output in answer["outputs"]:
                        x = tensors[f"{case['id']}/{answer['dialects'][0]}/{output}"]
                        found[f"{case['id']}/{output}"] = x.astype("f4")
    return found


def inputs():
    """What a port that does nothing would hand back: the input in the shape of each result."""
    found = {}
    for operation in OPERATIONS:
        for case in golden.cases(golden_set(), operation):
            for name, like in (("Y", "G"), ("momentum", "grad"), ("u", "grad"), ("params", "grads"), ("updates", "grads"),
                               ("momentum", "grads"), ("params.2", "grads.2"), ("updates.2", "grads.2"),
                               ("momentum.2", "grads.2")):
                if like in case["inputs"]:
                    found[f"{case['id']}/{name}"] = case[like].astype("f4")
    return found


def verdict(results, *args, bf16=()):
    golden.save("results.safetensors", results, bf16)
    return run("check", "--set", os.path.dirname(golden_set()), "--dialect", "jordan", *args, "results.safetensors")


def refused(what, results, code=1, word="", dtypes=("f32", "bf16")):
    for dtype in dtypes:
        got, out, err = verdict(results, "--dtype", dtype, "--format", "tap")
        check(got == code, f"{what} as {dtype}: exit {got}, not {code}: {out[-300:]}{err}")
        check(word in out + err, f"{what} as {dtype}: {word!r} is not in {out[:300]}{err}")


def changed(f):
    return {name: f(x) for name, x in answers("jordan").items()}


def test_the_truth_passes():
    """The control: exact answers, correctly rounded."""
    for dtype in ("f32", "bf16"):
        code, out, err = verdict(answers("jordan"), "--dtype", dtype)
        check(code == 0, f"the truth as {dtype}: exit {code}: {out[-500:]}{err}")


def test_numbers():
    """NaN, infinity, zeros, noise, what was given, what was before, another sign, another size."""
    refused("NaN", changed(lambda x: np.full_like(x, np.nan)))
    refused("infinity", changed(lambda x: np.full_like(x, np.inf)))
    refused("zeros", changed(np.zeros_like))
    refused("echo", {name: x for name, x in inputs().items() if name in answers("jordan")})
    refused("negated", changed(lambda x: -x))
    refused("1e-3 noise", changed(lambda x: x * (1 + 1e-3 * random.standard_normal(x.shape)).astype("f4")), dtypes=("f32",))

    def one_nan(x):
        x = x.copy()
        x.flat[x.size // 2] = np.nan
        return x

    def zero_row(x):
        x = x.copy()
        x[..., -1, :] = 0
        return x

    def other_direction(x):
        y = random.standard_normal(x.shape)
        return (y * np.linalg.norm(x) / np.linalg.norm(y)).astype("f4")
    refused("one NaN", changed(one_nan))
    refused("the last row is zero", changed(zero_row))
    refused("the right norm in a random direction", changed(other_direction))
    true = answers("jordan")
    by_shape = {}
    stale = {name: by_shape.setdefault((x.shape, name.split("/")[1]), x) for name, x in true.items()}
    refused("the first answer of each shape", stale)


def test_places():
    """Transposed, in another order, under other names."""
    refused("transposed", changed(lambda x: np.ascontiguousarray(x.swapaxes(-2, -1).reshape(x.shape))))
    true = answers("jordan")
    names = sorted(true)
    refused("ids shuffled", dict(zip(names, (true[n] for n in names[1:] + names[:1]))))
    refused("params and updates swapped",
            {n: true[n.replace("params", "?").replace("updates", "params").replace("?", "updates")] for n in names})


def test_conventions():
    """The exact polar factor instead of the iteration; answers of other dialects."""
    polar = dict(answers("jordan"))
    for case in golden.cases(golden_set(), "newton-schulz"):
        if case["id"] + "/Y" in polar and case["G"].ndim == 2:
            u, _, vt = np.linalg.svd(case["G"].astype("f8"), full_matrices=False)
            polar[case["id"] + "/Y"] = (u @ vt).astype("f4")
    refused("the exact polar factor", polar)
    others = ("moonlight", "timm", "dion", "optax", "normuon", "nsgdm", "sgdm", "torch-match-rms", "levanter")
    for k, dialect in enumerate(others):
        theirs = {name: x for name, x in answers(dialect).items() if name in answers("jordan")}
        for dtype in ("f32", "bf16"):
            named = dtype == ("f32", "bf16")[k % 2]  # the text names dialects, and takes a second to find them
            code, out, _ = verdict(theirs, "--dtype", dtype, "--partial", "--format", "text" if named else "tap")
            check(code == 1, f"{dialect} as jordan in {dtype}: exit {code}")
            check(not named or dialect in out, f"{dialect} as jordan in {dtype}: check does not name it")


def test_files():
    """Missing, unknown, duplicate and misshapen tensors; wrong dtypes; truncated files."""
    true = answers("jordan")
    some = dict(list(true.items())[:-1])
    refused("one result missing", some, code=4)
    code, out, _ = verdict(some, "--dtype", "f32", "--partial")
    check(code == 0, f"--partial: exit {code}")
    refused("nothing", {}, code=4)
    refused("an unknown tensor", {**true, "what/is/this": np.zeros((1,), "f4")}, code=2, word="what/is/this")
    refused("an unknown output", {**true, next(iter(true)).split("/")[0] + "/Z": np.zeros((1,), "f4")}, code=2)
    name, x = next(iter((n, x) for n, x in true.items() if x.ndim == 2 and x.shape[0] != x.shape[1]))
    refused("a wrong shape", {**true, name: np.ascontiguousarray(x.T)}, word="shape")
    refused("flat results", {n: x.reshape(-1) for n, x in true.items()}, word="shape")
    refused("padding", changed(lambda x: np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 1)])), word="shape")
    refused("wrong dtype: integers' bits", changed(lambda x: x.view("<f2").astype("f4")[..., ::2]))
    golden.save("results.safetensors", true)
    with open("results.safetensors", "rb") as f:
        whole = f.read()
    for what, data in (("truncated", whole[:-5]), ("header alone", whole[:200]), ("empty", b""), ("junk", b"x" * 4096),
                       ("duplicate names", whole.replace(b'/Y"', b'/Y"', 1)[:8] + whole[8:])):
        if what == "duplicate names":  # two entries of one name: the second renamed to the first, which is as long
            names = sorted(n for n in true if n.startswith("newton-schulz-gaussian-8x") and len(n) == 28)[:2]
            data = whole.replace(f'"{names[1]}"'.encode(), f'"{names[0]}"'.encode(), 1) if len(names) == 2 else b""
        with open("bad.safetensors", "wb") as f:
            f.write(data)
        code, out, err = run("check", "--set", os.path.dirname(golden_set()), "--dialect", "jordan", "bad.safetensors")
        check(code == 2 and err.startswith("assay: ") and out == "", f"{what}: exit {code}: {out[:200]}{err}")


def test_complete():
    """Operations without any result: the verdict and the exit code say the same. Steps show momentum."""
    true = answers("jordan")
    def of(*operations):
        return {name: x for name, x in true.items() if name.startswith(operations)}
    for kept, args, code, word in ((("step", "newton-schulz"), (), 0, "PASS"), (("step",), (), 4, "INCOMPLETE"),
                                   (("newton-schulz",), (), 4, "INCOMPLETE"), (("step",), ("--partial",), 0, "PASS")):
        for format in ("text", "json", "markdown", "github"):
            got, out, err = verdict(of(*kept), "--dtype", "f32", "--format", format, *args)
            told = "ot tried" in out or "not_tried" in out
            check(got == code and word in out and told == (len(kept) == 1),
                  f"{kept} {args} as {format}: exit {got}: {out[-300:]}{err}")


def test_finer():
    """Directions in binary32, judged by the bounds of the dialect's bfloat16, are warned of; rounded ones are not."""
    true = answers("jordan")
    cut = {name: (x.view("u4") & 0xFFFF0000).view("f4") if name.endswith("/Y") else x for name, x in true.items()}
    for results, args, warned in ((true, (), True), (true, ("--dtype", "f32"), False), (cut, (), False)):
        check(("finer than bf16" in verdict(results, *args)[1]) == warned, f"{args}: a warning of finer directions")


def test_mutated():
    """A port that writes into its input passes, with a warning."""
    def newton_schulz(g):
        y = exact[g.shape, g.tobytes()]
        g *= scale
        return y

    exact = {}
    for case in golden.cases(golden_set(), "newton-schulz"):
        y = answers("jordan").get(case["id"] + "/Y")
        exact[case["G"].shape, case["G"].astype("f4").tobytes()] = y
    for scale, warns in ((1, False), (2, True)):
        golden.run(golden_set(), "results.safetensors", newton_schulz)
        code, out, err = run("check", "--set", SET, "--dialect", "jordan", "--dtype", "f32", "--partial", "results.safetensors")
        check(code == 0 and ("writes into its inputs (newton-schulz-" in out) == warns, f"exit {code}: {out}{err}")


def test_meaning():
    """What nothing explains is said so: no dialect is named that takes few of the results, hence contradicts few."""
    code, out, _ = verdict(changed(lambda x: np.float32(np.nan) * x if x.ndim == 2 else 1.5 * x), "--dtype", "f32")
    check([line.split()[-1] for line in out.splitlines() if line.startswith("newton-schulz ")] == ["nan"], "the worst is NaN")
    check(code == 1 and "assay identify results.safetensors looks further" in out and " as signsgdm" not in out,
          f"exit {code}: {out[-300:]}")


def test_narrow_results():
    """Answers that are right to eight bits are no binary32 results."""
    rounded = changed(lambda x: (x.view("u4") & 0xFFFF0000).view("f4"))
    refused("cut off to bfloat16", rounded, dtypes=("f32",))


run_tests("cheaters", globals())
