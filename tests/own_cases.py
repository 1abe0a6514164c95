"""Cases of the user's own: check --cases answers them by the reference, keeps the answers, and judges; JUnit is XML.

Run as `python3 tests/own_cases.py ASSAY`; exit 0 if all is well, 1 if not. Needs numpy.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree

os.environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    import numpy as np
except ImportError:
    print("own_cases: skipped, because numpy is not installed")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "adapters"))
import golden
import numpy_muon
from harness import check, run, run_tests

random = np.random.default_rng(7)


def gradients(*shape):
    return random.standard_normal(shape).astype("f4")


def bf16(x):
    """Cut off to bfloat16."""
    return (x.view("u4") & 0xFFFF0000).view("f4")


def make():
    golden.save_cases("newton-schulz", "newton-schulz", {f"mine-{k}": ({}, {"G": gradients(6 + k, 8)}) for k in range(4)})
    golden.save_cases("step", "step", {"run": ({"lr": 0.1, "momentum": 0.9, "weight_decay": 0.5},
                                               {"param": gradients(6, 4), "grads": gradients(3, 6, 4)})})


def judge(cases, dialect, *args):
    return run("check", "--cases", cases, "--dialect", dialect, "--dtype", "f32", "results.safetensors", *args)


def test_honest():
    """An honest port passes, from fresh answers and from kept ones; the same bytes are kept; another dialect is added."""
    make()
    for cases, functions in (("newton-schulz", (numpy_muon.newton_schulz, None)), ("step.json", (None, numpy_muon.my_port))):
        stem = cases.removesuffix(".json")
        golden.run(".", "results.safetensors", *functions)
        code, out, err = judge(cases, "jordan", "--partial")
        check(code == 0 and "PASS" in out, f"{cases}: exit {code}: {out}{err}")
        with open(stem + ".answers.safetensors", "rb") as f:
            kept = f.read()
        check(judge(cases, "jordan", "--partial")[0] == 0, f"{cases}: kept answers")
        with open(stem + ".answers.safetensors", "rb") as f:
            check(f.read() == kept, f"{cases}: kept answers are written again otherwise")
        code, out, err = judge(cases, "timm", "--partial")
        check(code == 1, f"{cases} as timm: exit {code}: {out}{err}")
        check(judge(cases, "jordan", "--partial")[0] == 0, f"{cases}: after another dialect")


def test_changed_questions():
    """Answers are those of the inputs as they are now, whatever is kept."""
    make()
    golden.run(".", "results.safetensors", numpy_muon.newton_schulz)
    check(judge("newton-schulz", "jordan", "--partial")[0] == 0, "before")
    make()
    check(judge("newton-schulz", "jordan", "--partial")[0] == 1, "results of other inputs pass")
    golden.run(".", "results.safetensors", numpy_muon.newton_schulz)
    check(judge("newton-schulz", "jordan", "--partial")[0] == 0, "after")
    with open("newton-schulz.answers.json") as file:
        kept = file.read()
    with open("newton-schulz.answers.json", "w") as file:
        file.write(kept.replace('"version": "', '"version": "1999.'))
    check(judge("newton-schulz", "jordan", "--partial")[0] == 0, "with answers of another version")
    check(open("newton-schulz.answers.json").read() == kept, "answers of another version are taken")


def test_names():
    """The file may be named by its stem or by either of the two; none that is not there is named with two endings."""
    make()
    golden.run(".", "results.safetensors", lambda g: 0 * g)
    for cases in ("newton-schulz", "newton-schulz.json", "newton-schulz.safetensors"):
        code, out, err = judge(cases, "jordan", "--partial")
        check(code == 1 and "assay ref newton-schulz newton-schulz.safetensors " in out, f"{cases}: exit {code}: {out}{err}")
        code, out, err = judge("absent-" + cases, "jordan")
        check(code == 2 and "absent-newton-schulz.safetensors: " in err, f"absent {cases}: exit {code}: {out}{err}")
    odd = [name for name in os.listdir() if ".safetensors." in name or ".json." in name]
    check(not odd, f"files of two endings: {odd}")


def test_formats():
    """Inputs that the format does not hold are refused, not passed over; rounded to it they are judged."""
    g = gradients(6, 8)
    for dtype, x, code in (("bf16", g, 2), ("f32", g, 0), ("f32", g.astype("f8") / 3, 2), ("bf16", bf16(g), 0)):
        golden.save_cases("mine", "newton-schulz", {"layer": ({}, {"G": x})})
        golden.run("mine.json", "results.safetensors", numpy_muon.newton_schulz)
        got, out, err = run("check", "--cases", "mine.json", "--dialect", "jordan", "--dtype", dtype, "results.safetensors")
        check(got == code and (code == 0 or "'layer'" in err), f"{dtype} {x.dtype}: exit {got}: {out}{err}")


def test_run():
    """golden.run() by file; a port that takes no such tensor, and one that keeps more than its buffer."""
    count = []
    def step(p, g, m, lr, beta, decay):
        count.append(1)
        return (p - len(count) * g, m) if p.ndim == 2 else None
    golden.save_cases("mine", "step", {f"run-{k}": ({"lr": 0.1, "momentum": 0.9, "weight_decay": 0.5},
                                                    {"param": np.zeros(s, "f4"), "grads": np.ones((3, *s), "f4")})
                                       for k, s in enumerate(((2, 3), (2, 3, 1), (3, 2)))})
    golden.run("mine.json", "results.safetensors", step=step, begin=lambda p: count.clear())
    results = golden.load("results.safetensors")
    check({name: x[:, 0, 0].tolist() for name, x in results.items() if name.endswith("params")}
          == {"run-0/params": [-1, -3, -6], "run-2/params": [-1, -3, -6]}, f"golden.run: {results}")
    try:
        golden.run("mine.json", "nothing.safetensors", newton_schulz=lambda g: g)
        check(False, "golden.run writes results of nothing")
    except ValueError:
        pass


def test_command():
    """The command that a failure names computes the answer."""
    make()
    golden.run(".", "results.safetensors", lambda g: 0 * g)
    code, out, _ = judge("newton-schulz", "jordan", "--partial")
    commands = [line.split("the answer: assay ")[1].split() for line in out.splitlines() if "the answer: assay" in line]
    check(code == 1 and len(commands) == 4, f"exit {code}: {out}")
    for command in commands:
        code, out, err = run(*command, "-o", "answer.safetensors")
        check(code == 0, f"{command}: exit {code}: {err}")


def test_refused():
    """Malformed cases: exit 2 and a sentence."""
    make()
    golden.run(".", "results.safetensors", numpy_muon.newton_schulz)
    for stem, parameters, inputs in (("nan", {}, {"G": gradients(3, 3) * np.nan}), ("other", {}, {"H": gradients(3, 3)}),
                                     ("more", {"lr": 1}, {"G": gradients(3, 3)})):
        golden.save_cases(stem, "newton-schulz", {"bad": (parameters, inputs)})
        code, out, err = judge(stem, "jordan")
        check(code == 2 and err.startswith("assay: ") and out == "", f"{stem}: exit {code}: {out}{err}")
    check(judge("absent", "jordan")[0] == 2, "absent cases")


def test_junit():
    """JUnit output is XML whose counts are right, whatever the verdict."""
    make()
    for scale, failures in ((1, 0), (1.5, 4)):
        golden.run(".", "results.safetensors", lambda g: np.float32(scale) * numpy_muon.newton_schulz(g))
        code, out, _ = judge("newton-schulz", "jordan", "--partial", "--format", "junit")
        suite = ElementTree.fromstring(out)
        cases = suite.findall("testcase")
        check(code == (failures > 0) and suite.tag == "testsuite" and len(cases) == int(suite.get("tests")) == 4,
              f"junit: exit {code}")
        check(len(suite.findall("testcase/failure")) == int(suite.get("failures")) == failures, "junit: failures")


run_tests("own_cases", globals())
