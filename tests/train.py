"""assay train: its table and files, what they depend on, an interrupt, what it records and what it refuses.

Run as `python3 tests/train.py [path of assay]`; exit 0 if all is well, 1 if not. Needs Python alone.
"""
import json
import os
import re
import signal
import subprocess
import time

from files import read, safetensors
from harness import ASSAY, check, run, run_tests

QUICK = ["--steps", "50", "--seeds", "2"]


def without_times(text):
    """The JSON without what a clock said."""
    found = json.loads(text)
    for row in found["rows"]:
        del row["seconds"], row["optimizer_seconds"]
    return found


def test_all():
    """A row for every optimizer; processes change nothing but times; the files say the same; the theory agrees, and names
    claims of the ledger."""
    code, text, err = run("train", *QUICK, "-o", "run")
    check(code == 0, f"train: exit {code}: {err}")
    with open("run/train.json") as f:
        found = json.load(f)
    check(len(found["rows"]) == 14 and all(row["metric"] > 0.5 for row in found["rows"]), "14 rows that have learnt")
    check(len(found["theory"]["spectra"]) == 6, "spectra")
    check(all(0 < x["distance"] <= x["bound"] for x in found["theory"]["auon"]), "AuON near normalised momentum")
    check(found["theory"]["decay"]["norm_with"] <= found["theory"]["decay"]["radius"] * (1 + 2**-20), "ball of the decay")
    check(all(any(line.startswith(row["optimizer"] + " ") for line in text.splitlines()) for row in found["rows"]), "table")
    named = {name for names in re.findall(r"claims? ([\w-]+(?:, [\w-]+)*)", text) for name in names.split(", ")}
    ledger = {line.split()[0] for line in run("prove", "--list")[1].splitlines() if line}
    check(len(named) >= 5 and named <= ledger, f"claims that are not in the ledger: {named - ledger} of {named}")
    code, again, err = run("train", *QUICK, "-o", "again", "--format", "json", "--jobs", "1")
    check(code == 0 and without_times(again) == without_times(json.dumps(found)), "one process, the same numbers")
    with open("again/train.json") as f:
        check(json.load(f) == json.loads(again), "train.json is what is printed")
    with open("run/curves.csv") as f:
        lines = f.read().splitlines()
    check(len(lines) == 51 and lines[0].count(",") == 14, "curves.csv: 50 points of 14 curves")
    first = [sum(curve[0] for curve in row["curves"]) / 2 for row in found["rows"]]
    check(all(abs(float(x) - y) <= 1e-5 * y for x, y in zip(lines[1].split(",")[1:], first)), "curves.csv: the means")


def test_seeds():
    """Another seed gives other numbers; --lr is what is run; the text has the row too."""
    outputs = [run("train", "--optimizer", "nsgdm", *QUICK, "--lr", "0.25", "--seed", seed, "--format", "json")[1]
               for seed in ("1", "1", "7")]
    check(without_times(outputs[0]) == without_times(outputs[1]), "the same seed twice")
    check(without_times(outputs[0])["rows"] != without_times(outputs[2])["rows"], "another seed")
    check(json.loads(outputs[0])["rows"][0]["rate"] == 0.25 and not json.loads(outputs[0])["rows"][0]["rates"], "--lr")
    code, out, _ = run("train", "--optimizer", "nsgdm", *QUICK, "--lr", "0.25")
    check(code == 0 and any(line.startswith("nsgdm") for line in out.splitlines()), "the row as text")
    code, out, _ = run("train", "--optimizer", "sgdm", *QUICK, "--lr", "1e6")
    check(code == 0 and "sgdm" in out, "a rate that is far too large is no failure")


def test_char_lm():
    """The character model has about a million parameters and learns: a perplexity well below its 75 characters."""
    code, out, err = run("train", "--model", "char-lm", "--optimizer", "nsgdm", "--steps", "50", "--seeds", "1", "--lr",
                         "0.05", "--format", "json")
    check(code == 0, f"char-lm: exit {code}: {err}")
    row = json.loads(out)["rows"][0]
    check(900000 < row["numbers"] < 1100000 and 1 < row["metric"] < 25, f"char-lm: {row['numbers']}, {row['metric']}")


def test_interrupt():
    """An interrupt leaves the finished rows, on the screen and in the files, and exit 4."""
    args = [ASSAY, "train", *QUICK, "--jobs", "1", "-o", "cut", "--format", "json"]
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for _ in range(600):
        if os.path.exists("cut/curves.csv"):
            break
        time.sleep(0.05)
    os.killpg(p.pid, signal.SIGINT)
    out, err = p.communicate(timeout=60)
    check(p.returncode == 4, f"interrupted: exit {p.returncode}: {err}")
    rows = json.loads(out)["rows"]
    check(0 < len(rows) < 14, f"interrupted: {len(rows)} rows")
    with open("cut/train.json") as f:
        check(0 < len(json.load(f)["rows"]) <= len(rows), "interrupted: the rows in the file")


def test_reference():
    """The first steps beside the reference: two matrices, near it; fp32 nearer than bf16."""
    worst = {}
    for optimizer in ("sgdm", "jordan"):
        code, out, err = run("train", "--optimizer", optimizer, "--reference", "--format", "json")
        check(code == 0, f"--reference: exit {code}: {err}")
        matrices = json.loads(out)["matrices"]
        check([m["shape"] for m in matrices] == [[64, 64], [32, 64]], "--reference: matrices")
        worst[optimizer] = max(x for m in matrices for x in m["divergence"])
        check(run("train", "--optimizer", optimizer, "--reference")[1].count("layer") == 2, "--reference: text")
    check(0 < worst["sgdm"] <= 1e-4 < worst["jordan"] <= 0.25, f"--reference: {worst}")


def test_record():
    """Gradients and momenta of three steps; cases whose answers the calculator gives too."""
    code, _, err = run("train", "--optimizer", "sgdm", "--steps", "60", "--lr", "0.1", "--record", "rec")
    check(code == 0, f"--record: exit {code}: {err}")
    found, cases = read("rec/gradients.safetensors"), read("rec/step.safetensors")
    names = {f"mlp-step{t}-layer{k}-{w}" for t in (10, 30, 60) for k in (1, 2) for w in ("grad", "momentum")}
    check(set(found) == names, f"--record: {sorted(found)}")
    with open("rec/step.json") as f:
        listed = json.load(f)["cases"]
    check({c["id"] for c in listed} == {n[:-5] for n in names if n.endswith("-grad")}, "--record: cases")
    check(all(c["family"] == "real" and "f32" not in c["formats"] or c["inputs"] == ["param", "grads", "lr"]
              for c in listed), "--record: inputs")
    name = "mlp-step60-layer2"
    shape, grads = cases[name + "/grads"]
    check(shape == [2, 32, 32], f"--record: {shape}")
    whole = found[name + "-grad"][1]
    check(grads[1024:] == [whole[64 * i + j] for i in range(32) for j in range(32)], "--record: the leading block")
    lr = cases[name + "/lr"][1]
    check(len(lr) == 2 and abs(lr[1] - 0.1 * 2 / 60) <= 1e-12 and lr[0] > lr[1], f"--record: rates {lr}")
    safetensors("RUN.safetensors", {n: cases[f"{name}/{n}"] for n in ("param", "grads", "lr")})
    code, _, err = run("ref", "step", "--dialect", "sgdm", "--momentum", "0.9", "RUN.safetensors", "-o",
                       "out.safetensors")
    check(code == 0, f"ref step: exit {code}: {err}")
    check(read("out.safetensors")["params"] == cases[name + "/sgdm/params"], "--record: the answer")


def test_gradients():
    """--check-gradients passes, and says so for each parameter."""
    code, out, err = run("train", "--check-gradients")
    check(code == 0 and out.count("layer") >= 14 and "largest relative error" in out, f"gradients: exit {code}: {err}")


def refuses(args, *words):
    """Exit 2, one sentence on stderr with these words in it, nothing on stdout."""
    code, out, err = run("train", *args)
    check(code == 2 and out == "" and err.startswith("assay: ") and err.count("\n") == 1, f"{args}: {code} {out} {err}")
    check(all(word in err for word in words), f"{args}: {err}")


def test_refusals():
    """Bad options get one sentence."""
    refuses(["--optimizer", "lion"], "lion")
    refuses(["--model", "resnet"], "resnet")
    for option, values in {"--steps": ["0", "49", "1e9", "x"], "--seeds": ["0", "33"], "--seed": ["-1", "0.5"],
                           "--lr": ["0", "-1", "nan", "x"], "--jobs": ["0"], "--format": ["xml"]}.items():
        for value in values:
            refuses(["--optimizer", "sgdm", option, value], option, value)
    refuses(["--reference"], "one optimizer")
    refuses(["--record", "rec"], "one optimizer")
    refuses(["--optimizer", "sgdm", "--reference", "-o", "run"], "-o")
    refuses(["word"], "options")
    refuses(["--unknown"], "--unknown")
    with open("file", "w"):
        pass
    refuses(["--optimizer", "sgdm", "--lr", "0.1", "--steps", "50", "--record", "file/rec"], "file/rec")
    check(run("train", "--help")[0] == 0, "--help")
    code, out, err = run("train", "--optimizer", "sgdm", "--lr", "0.1", *QUICK, "-o", "file/run")
    check(code == 2 and "file/run" in err, f"-o: {code} {err}")


run_tests("train", globals())
