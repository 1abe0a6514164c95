"""Ports that cheat, or only look like one: every one is refused, with the right exit code.

Run as `python3 tests/cheaters.py ASSAY [SET]`; exit 0 if all is well, 1 if not. Needs numpy. Without a set it makes one.
"""
import functools
import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

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


def refused(what, results, code=1, word="", dtype="bf16"):
    """By the wider bounds, unless told otherwise: see test_bounds()."""
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


def test_bounds():
    """A direction that bf16 refuses binary32 refuses: no bound of binary32 is wider."""
    tensors, cases = of_set("newton-schulz")
    both = [case for case in cases if {"f32", "bf16"} <= set(case["formats"])]
    check(len(both) > 50, f"{len(both)} cases have both formats")
    for case in both:
        for answer in case["answers"]:
            for output in answer["outputs"]:
                name = f"{case['id']}/{answer['dialects'][0]}/{output}.bounds"
                f32, bf16 = (tensors[name][case["formats"].index(f)] for f in ("f32", "bf16"))
                check((f32 <= bf16).all(), f"{name}: {f32}, {bf16}")


def test_parts_of_the_truth_pass():
    """Results of one kind of inputs alone pass; of huge inputs, which are not judged, neither the exact ones fail nor zeros, which
    squares that overflow make."""
    true = answers("jordan")
    for kind in ("-huge", "-tiny", "-eps", "zero"):
        some = {name: x for name, x in true.items() if kind + "/" in name or kind == "zero" in name}
        for results in (some, {name: np.zeros_like(x) for name, x in some.items()}) if kind == "-huge" else (some,):
            code, out, err = verdict(results, "--dtype", "bf16", "--partial")
            check(some and code == (4 if kind == "-huge" else 0), f"{kind} alone: exit {code}: {out[-500:]}{err}")


def test_numbers():
    """NaN, infinity, zeros, noise, what was given, what was before, another sign, another size."""
    refused("NaN", changed(lambda x: np.full_like(x, np.nan)))
    refused("infinity", changed(lambda x: np.full_like(x, np.inf)))
    refused("zeros", changed(np.zeros_like))
    refused("echo", {name: x for name, x in inputs().items() if name in answers("jordan")})
    refused("negated", changed(lambda x: -x))
    refused("1e-3 noise", changed(lambda x: x * (1 + 1e-3 * random.standard_normal(x.shape)).astype("f4")), dtype="f32")

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
        dtype = ("f32", "bf16")[k % 2]
        code, out, _ = verdict(theirs, "--dtype", dtype, "--partial")
        check(code == 1, f"{dialect} as jordan in {dtype}: exit {code}")
        check(dialect in out, f"{dialect} as jordan in {dtype}: check does not name it")


def test_files():
    """Missing, unknown, duplicate and misshapen tensors; wrong dtypes; truncated files."""
    true = answers("jordan")
    some = dict(list(true.items())[:-1])
    refused("one result missing", some, code=4)
    code, out, _ = verdict(some, "--dtype", "f32", "--partial")
    check(code == 0, f"--partial: exit {code}")
    refused("nothing", {}, code=4)
    refused("an unknown tensor", {**true, "what/is/this": np.zeros((1,), "f4")}, code=2, word="what/is/this")
    refused("a name with an escape", {**true, "\x1b[31m/Y": np.zeros((1,), "f4")}, code=2, word="'\\x1b[31m/Y'")
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
        for format in ("text", "json", "markdown", "github", "junit", "tap"):
            got, out, err = verdict(of(*kept), "--dtype", "f32", "--format", format, *args)
            told = "ot tried" in out or "not_tried" in out
            says = {"junit": ("<error" in out) == (code == 4), "tap": ("\nnot ok" in out) == (code == 4)}.get(format, word in out)
            silent = format == "junit" and "--partial" in args
            check(got == code and says and told == (len(kept) == 1 and not silent),
                  f"{kept} {args} as {format}: exit {got}: {out[-300:]}{err}")
            if format == "junit":
                suite = ElementTree.fromstring(out)
                check(len(suite.findall("testcase")) == int(suite.get("tests")), f"{kept} {args}: junit counts {suite.get('tests')}")


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


def test_other_versions():
    """Results say which version of the golden set they are of: another is warned of, and named where a case is not known."""
    with open(golden_set() + "/svd.json") as file:
        ours = json.load(file)["version"]
    golden.run(golden_set(), "mine.safetensors", lambda g: g)
    true = answers("jordan")
    for version, results, code, words in ((ours, true, 0, None), ("1999.1", true, 0, "warning: these are results of golden set 1999.1"),
                                          ("1999.1", {**true, "retired/Y": true["newton-schulz-gaussian-1x1/Y"]}, 2,
                                           f"'retired/Y' is the output of no case of golden set {ours}: these are results of golden set 1999.1")):
        golden.save("results.safetensors", results, metadata={"version": version})
        got, out, err = run("check", "--set", os.path.dirname(golden_set()), "--dialect", "jordan", "--dtype", "f32", "results.safetensors")
        check(got == code and (words in out + err if words else "these are results" not in out), f"{version}: exit {got}: {out[-300:]}{err}")
    with open("mine.safetensors", "rb") as file:
        check(f'"version": "{ours}"'.encode() in file.read(4096), "golden.run() does not say the version")


def test_meaning():
    """What nothing explains is said so: no dialect is named that takes few of the results, hence contradicts few."""
    code, out, _ = verdict(changed(lambda x: np.float32(np.nan) * x if x.ndim == 2 else 1.5 * x), "--dtype", "f32")
    check([line.split()[-1] for line in out.splitlines() if line.startswith("newton-schulz ")] == ["nan"], "the worst is NaN")
    check(code == 1 and "assay identify results.safetensors looks further" in out and " as signsgdm" not in out,
          f"exit {code}: {out[-300:]}")


def test_misshapen():
    """Results of another shape are no evidence for a bug, but said to be that, by check and by identify; the worst is no number."""
    true = answers("jordan")
    for what, results in (("all", {n: x.reshape(-1) for n, x in true.items()}),
                          ("some", {n: x.reshape(-1) if n.endswith("/Y") else -x for n, x in true.items()})):
        code, out, err = verdict(results, "--dtype", "f32", "--format", "json")
        meaning = " ".join(json.loads(out)["meaning"])
        flat = sum(x.ndim > 1 for n, x in true.items() if what == "all" or n.endswith("/Y"))
        check(code == 1 and f"{flat} of the outputs that fail have another shape" in meaning, f"{what} flat: {meaning}{err}")
        check("looks like a known bug" not in meaning, f"{what} flat: {meaning}")
        check({f["err_over_bound"] for f in json.loads(out)["findings"] if "the shape is" in f.get("what", "")} == {"nan"},
              f"{what} flat: an error over bound")
        few = {n: x for n, x in results.items() if n.startswith(("step-gaussian-5x5/", "newton-schulz-gaussian-3x5/"))}
        golden.save("few.safetensors", few)
        code, out, err = run("identify", "--set", os.path.dirname(golden_set()), "few.safetensors")
        check("another shape" in err if what == "all" else "their shape is another" in out, f"identify, {what}: {out[:300]}{err}")
        check(code == (4 if what == "all" else 1), f"identify, {what}: exit {code}")


def test_formats():
    """Every format says what the failures mean and warns, and is well-formed, though the names of the files are not: of a port
    that is moonlight, as jordan, and writes into its inputs."""
    odd = os.fsdecode(b"a|b`c` %0A<d>&\"\n::error::\x1b*_\xff]]>")
    theirs = {n: x for n, x in answers("moonlight").items() if n in answers("jordan") and n.startswith("step-")}
    golden.save(odd, theirs, metadata={"mutated": "step-gaussian-4x6"})
    os.symlink(os.path.dirname(golden_set()), "set" + odd)

    def well_formed(form, text):
        if form == "json":
            found = json.loads(text)
            return found["meaning"] + found["warnings"], [f["what"] for f in found["findings"] if f["verdict"] == "fail"]
        if form == "junit":
            suite = ElementTree.fromstring(text)
            return suite.find("system-out").text.splitlines(), [f.get("message") for f in suite.iter("failure")]
        lines = text.splitlines()
        shape = {"tap": r"TAP version 13|1\.\.\d+|(not )?ok \d+ - \S[^#]*( # SKIP .*)?|# .*",
                 "github": r"::(error|warning|notice) title=assay[ a-z0-9.-]*::([^%]|%25)*",
                 "markdown": r"## .*|(\|([^|]|\\\|)*){7}\||(?!\|)([^|`<]|\\[|`<])*|  (`+)[^`].*[^`]\4|"}[form]
        check(all(re.fullmatch(shape, line) for line in lines),
              f"{form}: {[line for line in lines if not re.fullmatch(shape, line)][:3]}")
        failures = [line for line in lines if line.startswith(("not ok", "::error", "* **"))]
        return [line for line in lines if line not in failures and not line.startswith("ok")], failures

    counts = set()
    for form in ("json", "junit", "tap", "github", "markdown"):
        p = subprocess.run([ASSAY, "check", "--set", "set" + odd, "--dialect", "jordan", "--partial", "--dtype", "f32",
                            "--format", form, odd], capture_output=True)
        check(p.returncode == 1, f"--format {form}: exit {p.returncode}: {p.stderr}")
        remarks, failures = well_formed(form, p.stdout.decode())
        for words in ("Everything passes as .*moonlight", "the port writes into its inputs"):
            check(any(re.search(words, line) for line in remarks), f"--format {form} does not say {words!r}")
        counts.add(len(failures))
    check(len(counts) == 1 and counts != {0}, f"the formats count {counts} failures")


def test_narrow_results():
    """Answers that are right to eight bits are no binary32 results."""
    rounded = changed(lambda x: (x.view("u4") & 0xFFFF0000).view("f4"))
    refused("cut off to bfloat16", rounded, dtype="f32")


run_tests("cheaters", globals())
