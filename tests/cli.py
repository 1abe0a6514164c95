"""The command line: what it writes, what it refuses, and that nothing but the input changes a bit of an answer.

Run as `python3 tests/cli.py [path of assay]`; exit 0 if all is well, 1 if not. Needs Python alone.
"""
import json
import os

from files import npy, read, safetensors, values
from harness import check, run, run_tests


# ---- what it writes ------------------------------------------------------------------------------------------------


def test_outputs():
    """Every operation writes X, X.lo and X.radius for each of its answers, of the right shapes."""
    npy("G.npy", (6, 4), values(24))
    safetensors("STATE.safetensors", {"momentum": ((6, 4), values(24, 2)), "grad": ((6, 4), values(24, 3))})
    run_tensors = {"param": ((6, 4), values(24, 4)), "grads": ((3, 6, 4), values(72, 5))}
    safetensors("RUN.safetensors", run_tensors)
    step = ["step", "--lr", "0.05", "--momentum", "0.9", "--weight-decay", "0.1"]
    expected = [
        (["polar", "G.npy", "--bits", "200"], {"Q": [6, 4]}),
        (["svd", "G.npy"], {"U": [6, 4], "S": [4], "V": [4, 4]}),
        (["lmo", "--norm", "spectral", "--radius", "0.02", "G.npy"], {"D": [6, 4]}),
        (["lmo", "--norm=max", "--l1", "0.5", "G.npy"], {"X": [6, 4]}),
        (["newton-schulz", "--dialect", "jordan", "G.npy"], {"Y": [6, 4]}),
        (["newton-schulz", "--coeffs", "1.5,-0.5,0", "--steps", "3", "--eps", "0", "G.npy"], {"Y": [6, 4]}),
        (["cosh-rms", "--dialect", "auon-paper", "G.npy"], {"Y": [6, 4]}),
        (["momentum", "--dialect", "jordan", "STATE.safetensors"], {"momentum": [6, 4], "u": [6, 4]}),
        (step + ["--dialect", "moonlight", "RUN.safetensors"],
         {"params": [3, 6, 4], "updates": [3, 6, 4], "momentum": [3, 6, 4]}),
        (step + ["--dialect", "adamw", "RUN.safetensors"],
         {"params": [3, 6, 4], "updates": [3, 6, 4], "momentum": [3, 6, 4], "second_moment": [3, 24]}),
        (step + ["--dialect", "trust-region", "--norm", "nuclear", "--extrapolate", "RUN.safetensors"],
         {"params": [3, 6, 4], "updates": [3, 6, 4], "momentum": [3, 6, 4], "queries": [3, 6, 4]}),
        (step + ["--dialect", "trust-region", "--ridge", "0.3", "RUN.safetensors"],
         {"params": [3, 6, 4], "updates": [3, 6, 4], "momentum": [3, 6, 4]}),
    ]
    for args, shapes in expected:
        code, out, err = run("ref", *args, "-o", "out.safetensors")
        check(code == 0, f"{args}: exit {code}: {err}")
        tensors = read("out.safetensors") if code == 0 else {}
        names = {x + suffix for x in shapes for suffix in ("", ".lo", ".radius")}
        check(set(tensors) == names, f"{args}: tensors {sorted(tensors)}")
        for name, shape in shapes.items():
            if name in tensors:
                check(tensors[name][0] == shape and tensors[name + ".lo"][0] == shape, f"{args}: shape of {name}")
                check(tensors[name + ".radius"][0] == [1], f"{args}: shape of {name}.radius")
        code, out, err = run("ref", *args, "--format", "json")
        check(code == 0 and json.loads(out)["operation"] == args[0], f"{args}: JSON")


def test_known_answer():
    """polar([[3, 0], [0, -5]]) = [[1, 0], [0, -1]] exactly; of a vector v, v / |v|; shapes are kept."""
    npy("D.npy", (2, 2), [3, 0, 0, -5])
    check(run("ref", "polar", "D.npy", "-o", "out.safetensors")[0] == 0, "polar of a diagonal matrix")
    tensors = read("out.safetensors")
    check(tensors["Q"][1] == [1, 0, 0, -1] and tensors["Q.radius"][1] == [0], "polar of a diagonal matrix is exact")
    check(all(str(x) != "-0.0" for x in tensors["Q"][1] + tensors["Q.lo"][1]), "zeros are +0")
    npy("v.npy", (2,), [3, 4])
    check(run("ref", "polar", "v.npy", "-o", "out.safetensors")[0] == 0, "polar of a vector")
    check(read("out.safetensors")["Q"] == ([2], [0.6, 0.8]), "polar of a vector")
    npy("x.npy", (), [-7])
    check(run("ref", "polar", "x.npy", "-o", "out.safetensors")[0] == 0, "polar of a number")
    check(read("out.safetensors")["Q"] == ([], [-1]), "polar of a number")


def test_file_names():
    """JSON names a file in UTF-8 as it is called, another escaped."""
    for name, shown in (("Größe.npy", "Größe.npy"), (os.fsdecode(b"G\xff.npy"), "G\\xff.npy")):
        npy(name, (2, 2), values(4))
        code, out, err = run("ref", "svd", name, "--format", "json")
        check(code == 0 and json.loads(out)["input"] == shown, f"{shown}: exit {code}: {out}{err}")


def test_input_formats():
    """The same matrix in every dtype, byte order and storage order gives the same answer."""
    rows = [1, 2, -0.5, 4, 0.25, -3]
    columns = [1, 4, 2, 0.25, -0.5, -3]
    answers = set()
    for descr in ("<f8", ">f8", "<f4", ">f4", "<f2", ">f2", "=f8"):
        for fortran in (False, True):
            for version in (1, 2, 3):
                npy("G.npy", (2, 3), columns if fortran else rows, descr, fortran, version)
                code, _, err = run("ref", "polar", "G.npy", "-o", "out.safetensors")
                check(code == 0, f"{descr} {fortran} {version}: {err}")
                answers.add(str(read("out.safetensors")))
    check(len(answers) == 1, f"{len(answers)} answers for one matrix")


def test_every_dialect():
    """assay dialects lists them; each steps, and prints its axes; names in coincides-with exist."""
    safetensors("RUN.safetensors", {"param": ((4, 5), values(20, 4)), "grads": ((2, 4, 5), values(40, 5))})
    table = json.loads(run("dialects", "--format", "json")[1])
    check(len(table) >= 38, f"{len(table)} dialects")
    for name, d in table.items():
        check(all(other in table for other in d["coincides-with"]), f"{name}: coincides with an unknown dialect")
        code, out, err = run("ref", "step", "--dialect", name, "--lr", "0.1", "--momentum", "0.9", "RUN.safetensors")
        check(code == 0, f"{name}: exit {code}: {err}")
        code, out, err = run("dialects", name)
        check(code == 0 and all(axis in out for axis in ("momentum", "nesterov", "scale", "decay")), f"dialects {name}")


def test_determinism():
    """Threads, BLAS threads, BLAS cores and precision change no bit of an answer."""
    npy("G.npy", (24, 20), values(480))
    outputs = set()
    variants = [({}, []), ({}, ["--threads", "1"]), ({}, ["--threads", "3"]), ({"OPENBLAS_NUM_THREADS": "1"}, []),
                ({"OPENBLAS_CORETYPE": "Prescott"}, []), ({"OPENBLAS_CORETYPE": "Haswell"}, []), ({}, ["--bits", "300"])]
    for env, args in variants:
        for op in (["polar"], ["lmo", "--norm", "rms"], ["newton-schulz", "--dialect", "nanochat"]):
            code, _, err = run("ref", *op, "G.npy", *args, "-o", "out.safetensors", env=env)
            check(code == 0, f"{op} {env} {args}: {err}")
            with open("out.safetensors", "rb") as f:
                outputs.add((op[0], f.read()))
    check(len(outputs) == 3, f"{len(outputs)} different outputs of 3 operations")


# ---- what it refuses -------------------------------------------------------------------------------------------------


def refuses(args, *words):
    """Exit 2, one sentence on stderr with these words in it, nothing on stdout, and no output file."""
    if os.path.exists("none.safetensors"):
        os.remove("none.safetensors")
    if args[0] == "ref" and len(args) > 2 and "-o" not in args:
        args = args + ["-o", "none.safetensors"]
    code, out, err = run(*args)
    check(code == 2, f"{args}: exit {code}, not 2: {out} {err}")
    check(err.startswith("assay: ") and err.count("\n") == 1, f"{args}: not one sentence: {err!r}")
    check(out == "", f"{args}: wrote to stdout: {out!r}")
    check(not os.path.exists("none.safetensors"), f"{args}: left an output file")
    for word in words:
        check(word in err, f"{args}: {word!r} is not in {err!r}")


def test_refusals():
    """Bad input: exit 2, and a sentence that names the file, the tensor and the place or value."""
    nan, inf = float("nan"), float("inf")
    npy("G.npy", (2, 2), [1, 2, 3, 4])
    npy("nan.npy", (2, 3), [1, 2, 3, 4, nan, 6])
    npy("inf.npy", (2, 2), [1, -inf, 3, 4])
    npy("empty.npy", (0, 3), [])
    npy("five.npy", (1, 1, 1, 1, 1), [1])
    npy("three.npy", (1, 2, 2), [1, 2, 3, 4])
    npy("ints.npy", (2,), [1, 2], "<i8")
    with open("G.npy", "rb") as f:
        whole = f.read()
    with open("short.npy", "wb") as f:
        f.write(whole[:-3])
    with open("junk.npy", "wb") as f:
        f.write(b"what is this?")
    open("nothing.npy", "wb").close()
    for op in (["polar"], ["svd"], ["lmo", "--norm", "spectral"], ["newton-schulz", "--dialect", "jordan"],
               ["cosh-rms", "--dialect", "auon"]):
        refuses(["ref", *op, "nan.npy"], "nan.npy", "1, 1", "NaN")
        refuses(["ref", *op, "inf.npy"], "inf.npy", "0, 1", "infinite")
        refuses(["ref", *op, "empty.npy"], "empty.npy", "empty")
        refuses(["ref", *op, "five.npy"], "five.npy", "5 dimensions")
        refuses(["ref", *op, "ints.npy"], "ints.npy", "i8")
        refuses(["ref", *op, "short.npy"], "short.npy")
        refuses(["ref", *op, "junk.npy"], "junk.npy")
        refuses(["ref", *op, "nothing.npy"], "nothing.npy")
        refuses(["ref", *op, "absent.npy"], "absent.npy")
        refuses(["ref", *op, "."], ".")
    refuses(["ref", "polar", "three.npy"], "three.npy", "3 dimensions")
    refuses(["ref", "newton-schulz", "--dialect", "torch", "three.npy"], "torch", "3 dimensions")
    for bits in ("0", "-1", "1.5", "65537", "many", ""):
        refuses(["ref", "polar", "G.npy", "--bits", bits], "--bits")
    refuses(["ref", "lmo", "G.npy"], "--norm")
    refuses(["ref", "lmo", "--norm", "taxi", "G.npy"], "taxi")
    for radius in ("0", "-1", "nan", "inf", "x"):
        refuses(["ref", "lmo", "--norm", "max", "--radius", radius, "G.npy"], "radius")
    refuses(["ref", "lmo", "--norm", "nuclear", "--ridge", "1", "G.npy"], "closed form")
    refuses(["ref", "lmo", "--norm", "max", "--box", "1", "--l1", "1", "G.npy"], "exclude")
    refuses(["ref", "lmo", "--norm", "max", "--centre", "G.npy", "G.npy"], "--centre")
    refuses(["ref", "newton-schulz", "G.npy"], "--dialect")
    refuses(["ref", "newton-schulz", "--dialect", "mooon", "G.npy"], "mooon")
    refuses(["ref", "newton-schulz", "--dialect", "adamw", "G.npy"], "adamw")
    refuses(["ref", "newton-schulz", "--coeffs", "1,2", "G.npy"], "triples")
    refuses(["ref", "newton-schulz", "--coeffs", "1,2,x", "G.npy"], "x")
    refuses(["ref", "newton-schulz", "--dialect", "jordan", "--steps", "-3", "G.npy"], "-3")
    refuses(["ref", "newton-schulz", "--dialect", "jordan", "--set", "scale=huge", "G.npy"], "scale", "huge")
    refuses(["ref", "newton-schulz", "--dialect", "jordan", "--set", "scale", "G.npy"], "AXIS=VALUE")
    npy("zero.npy", (2, 2), [0, 0, 0, 0])
    refuses(["ref", "newton-schulz", "--dialect", "jordan", "--eps", "0", "zero.npy"], "0 / 0")
    refuses(["ref", "polar", "G.npy", "--norm", "max"], "--norm", "polar")
    refuses(["ref", "polar", "G.npy", "--bits", "100", "--bits", "200"], "twice")
    refuses(["ref", "polar", "G.npy", "--colour"], "--colour")
    refuses(["ref", "polar", "G.npy", "G.npy"], "OP IN")
    refuses(["ref", "cook", "G.npy"], "cook")
    refuses(["ref"], "OP IN")
    refuses(["dialects", "mooon"], "mooon")
    refuses(["dialects", "jordan", "torch"], "one name")
    refuses(["dialects", "--format", "xml"], "xml")
    refuses(["brew"], "brew")
    refuses(["bench", "tea"], "ref")


def test_refused_runs():
    """The tensors of momentum and step: missing, of wrong shapes, not finite; hyperparameters out of range."""
    p, g = ((2, 3), values(6)), ((2, 2, 3), values(12))

    def attempt(tensors, *words, args=("--dialect", "jordan", "--lr", "0.1")):
        safetensors("RUN.safetensors", tensors)
        refuses(["ref", "step", *args, "RUN.safetensors"], *words)

    attempt({"grads": g}, "param")
    attempt({"param": p}, "grads")
    attempt({"param": p, "grads": ((2, 3, 2), values(12))}, "grads", "shape")
    attempt({"param": p, "grads": ((2, 3), values(6))}, "grads", "shape")
    attempt({"param": p, "grads": ((0, 2, 3), [])}, "grads", "empty")
    attempt({"param": p, "grads": ((2, 2, 3), values(11) + [float("nan")])}, "grads[1, 1, 2]", "NaN")
    attempt({"param": p, "grads": g, "momentum": ((3, 2), values(6))}, "momentum", "shape")
    attempt({"param": p, "grads": g, "lr": ((3,), [1, 1, 1])}, "lr", args=("--dialect", "jordan"))
    attempt({"param": p, "grads": g, "lr": ((2,), [1, -1])}, "lr[1]", args=("--dialect", "jordan"))
    attempt({"param": p, "grads": g, "lr": ((2,), [1, 1])}, "--lr")
    attempt({"param": p, "grads": g, "present": ((1,), [1])}, "present")
    attempt({"param": ((3,), [1, 2, 3]), "grads": ((1, 3), [1, 2, 3])}, "1 dimensions")
    both = {"param": p, "grads": g}
    attempt(both, "-0.1", args=("--dialect", "jordan", "--lr", "-0.1"))
    attempt(both, "nan", args=("--dialect", "jordan", "--lr", "nan"))
    attempt(both, "1", args=("--dialect", "jordan", "--momentum", "1"))
    attempt(both, "-1", args=("--dialect", "jordan", "--weight-decay", "-1"))
    attempt(both, "learning rate", args=("--dialect", "mlx",))
    attempt(both, "--dialect", args=())
    attempt(both, "composite", args=("--dialect", "jordan", "--ridge", "1"))
    attempt(both, "'case/param'", args=("--dialect", "jordan", "--lr", "1", "--tensor", "case/"))
    safetensors("STATE.safetensors", {"momentum": p})
    refuses(["ref", "momentum", "--dialect", "jordan", "STATE.safetensors"], "grad")
    safetensors("STATE.safetensors", {"momentum": p, "grad": ((3, 2), values(6))})
    refuses(["ref", "momentum", "--dialect", "jordan", "STATE.safetensors"], "shape")
    safetensors("STATE.safetensors", {"momentum": p, "grad": p})
    refuses(["ref", "momentum", "--dialect", "mlx", "STATE.safetensors"], "parameter")
    refuses(["ref", "polar", "STATE.safetensors"], "2 tensors", "--tensor")
    refuses(["ref", "polar", "STATE.safetensors", "--tensor", "grads"], "grads")


def test_absent_gradients():
    """What a step without gradient has in grads is not looked at."""
    p, nan = ((1, 2), [1, 2]), float("nan")
    answers = set()
    for junk in (0, nan):
        safetensors("RUN.safetensors", {"param": p, "grads": ((2, 1, 2), [3, 4, junk, junk]), "present": ((2,), [1, 0])})
        code, out, err = run("ref", "step", "--dialect", "jordan", "--lr", "0.1", "RUN.safetensors", "--format", "json",
                             "-o", "out.safetensors")
        check(code == 0, f"an absent gradient of {junk}: exit {code}: {err}")
        answers.add(str(read("out.safetensors")))
    check(len(answers) == 1, "an absent gradient plays a part")


def test_parameters():
    """--parameter 2 takes param.2, grads.2 and momentum.2 with the lr that all share: as if they were alone."""
    shape, both = (2, 2, 3), {"param": ((1, 2), [1, 2]), "grads": ((2, 1, 2), [3, 4, 5, 6]), "lr": ((2,), [0.1, 0.05])}
    own = {"param": ((2, 3), values(6)), "grads": (shape, values(12)), "momentum": ((2, 3), values(6))}
    safetensors("RUN.safetensors", both | {name + ".2": x for name, x in own.items()})
    safetensors("ALONE.safetensors", {"lr": both["lr"]} | own)
    command = ["ref", "step", "--dialect", "jordan"]
    for file, option, out in (("RUN", ["--parameter", "2"], "two"), ("ALONE", ["--parameter", "1"], "alone")):
        code, _, err = run(*command, file + ".safetensors", *option, "-o", out + ".safetensors")
        check(code == 0, f"{option}: exit {code}: {err}")
    check(read("two.safetensors") == read("alone.safetensors"), "--parameter 2 is not the second parameter alone")
    refuses([*command, "RUN.safetensors", "--parameter", "3"], "param.3")
    refuses([*command, "RUN.safetensors", "--parameter", "0"], "--parameter")


def test_certificate():
    """The report says what the command line changed of a dialect."""
    npy("G.npy", (2, 2), [1, 2, 3, 4])
    out = json.loads(run("ref", "newton-schulz", "--coeffs", "1.5,-0.5,0", "--eps", "0.25", "G.npy", "--format", "json")[1])
    check(out["dialect"] == "jordan" and out["triples"] == "1.5,-0.5,0" and float(out["eps"]) == 0.25, f"changes: {out}")


def test_unwritable_output():
    """Nothing is half-written: a failed write leaves what was there, and no temporary file."""
    npy("G.npy", (2, 2), [1, 2, 3, 4])
    for target in ("no/such/folder/out.safetensors", ".", "/dev/full", "/proc/out.safetensors"):
        code, _, err = run("ref", "polar", "G.npy", "-o", target)
        check(code == 2 and err.startswith("assay: "), f"-o {target}: exit {code}: {err}")
    for target in ("G.npy", "other.npy", "./G.npy"):
        refuses(["ref", "polar", "G.npy", "-o", target], target)
    with open("G.npy", "rb") as f:
        check(f.read(6) == b"\x93NUMPY", "the input was overwritten")
    safetensors("G.safetensors", {"G": ((2, 2), [1, 2, 3, 4])})
    refuses(["ref", "polar", "G.safetensors", "-o", "./G.safetensors"], "input")
    npy("nan.npy", (1, 1), [float("nan")])
    with open("kept.safetensors", "w") as f:
        f.write("old")
    run("ref", "polar", "nan.npy", "-o", "kept.safetensors")
    with open("kept.safetensors") as f:
        check(f.read() == "old", "a failed run touched an existing file")
    check(not [name for name in os.listdir(".") if name.startswith(".assay-")], "a temporary file is left")


def test_out_of_memory():
    """With too little memory: a sentence and an exit code, not a crash."""
    npy("large.npy", (400, 400), values(160000))
    code, out, err = run("ref", "polar", "large.npy", "-o", "none.safetensors", limit=400 << 20,
                         env={"OPENBLAS_NUM_THREADS": "1"})
    check(code == 2 and "out of memory" in err, f"out of memory: exit {code}: {err}")
    check(not os.path.exists("none.safetensors"), "out of memory left a file")


def test_words():
    """--version, --help; no command at all."""
    code, out, _ = run("--version")
    check(code == 0 and out.startswith("assay "), "--version")
    for args in (["--help"], ["ref", "--help"], ["dialects", "--help"], ["bench", "--help"]):
        code, out, err = run(*args)
        check(code == 0 and out.startswith("usage: assay") and err == "", f"{args}")
    check(run()[0] == 2, "no command")


run_tests("cli", globals())
