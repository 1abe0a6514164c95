"""The proof ledger on the command line: formats, exit codes, proofs/README.md, names of claims, explanations.

usage: proofs.py [build/assay], in the checkout
"""
import glob
import json
import os
import re
import shutil
import struct
import xml.etree.ElementTree as xml

from harness import check, run, run_tests

CHECKOUT = os.getcwd()


def read(path):
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as f:
        return f.read()


def claims():
    return re.findall(r"(?m)^([A-Z]{2}-\S+|LMO-\S+)", run("prove", "--list")[1])


def test_ledger():
    """proofs/README.md shows the ledger as it is printed; every claim holds; its text is a file beside its program."""
    code, out, err = run("prove", "--quick", "--format", "markdown")
    check(code == 0 and err == "", f"prove --quick: exit {code}: {err}")
    check(out in read("proofs/README.md"), "proofs/README.md is not what `assay prove --format markdown` prints:\n" + out)
    rows = re.findall(r"(?m)^\| \[(\S+)\]\((\S+)\.md\)", out)
    check([row[0] for row in rows] == claims() and len(rows) >= 50, f"{len(rows)} rows for {len(claims())} claims")
    for name, text in rows:
        check(os.path.exists(os.path.join(CHECKOUT, "proofs", text + ".c")), f"{name} has no program")
        check(read(f"proofs/{text}.md").startswith(f"# {name}: "), f"proofs/{text}.md is not about {name}")


def test_formats():
    """JSON holds every item; JUnit is well-formed; the text ends with the count."""
    code, out, _ = run("prove", "--quick", "--format", "json", "kv-d2", "LMO-u1v1")
    data = json.loads(out)
    check(code == 0 and list(data) == ["KV-D2", "LMO-u1v1"], f"json: {list(data)}")
    check(all(c["verdict"] == "holds" and c["items"] for c in data.values()), "json: verdicts")
    counters = [i for i in data["KV-D2"]["items"] if i["kind"] == "counter-check"]
    check({i["what"] for i in counters} >= {"1.49 for 3/2", "0.99 L", "L / 2"}, f"counter-checks of KV-D2: {counters}")
    check(data["LMO-u1v1"]["status"] == "refuted", "LMO-u1v1 is refuted")
    code, out, _ = run("prove", "--quick", "--format", "junit")
    suite = xml.fromstring(out)
    check(suite.get("tests") == str(len(claims())) and suite.get("failures") == suite.get("errors") == "0", "junit")
    check({case.get("classname") for case in suite} == {"proved", "checked", "measured", "refuted", "vacuous"}, "statuses")
    code, out, _ = run("prove", "--quick", "NS-cycle")
    check("1 claims: 1 hold, 0 fail, 0 undecided" in out, f"text: {out}")


def test_explain_claim():
    """--explain prints the text without needing a file, the numbers and the counter-checks."""
    code, out, _ = run("prove", "--quick", "--explain", "KE-budget")
    check(code == 0 and read("proofs/ke_budget.md") in out, "the text is missing")
    check("31/32" in out and re.search(r"counter-check 7/2 in place of 3/2: fails by", out), f"numbers: {out}")


def test_usage():
    """Unknown claims and formats; help; a plot of claims that measure nothing."""
    for args, word in ((["prove", "KV-D9"], "KV-D9"), (["prove", "--format", "xml"], "xml"), (["prove", "--jobs", "0"], "0"),
                       (["prove", "--explain", "--format", "json", "KE-budget"], "--format"),
                       (["prove", "--quick", "KE-budget", "--plot", "none.svg"], "measures"),
                       (["explain", "--example", "none"], "none"), (["explain", "absent.npy"], "absent.npy"),
                       (["explain", "a", "b"], "one matrix")):
        code, _, err = run(*args)
        check(code == 2 and err.startswith("assay: ") and word in err, f"{args}: exit {code}: {err}")
    check(not os.path.exists("none.svg"), "a plot is left")
    for command in ("prove", "explain"):
        code, out, err = run(command, "--help")
        check(code == 0 and out.startswith("usage: assay " + command) and err == "", f"{command} --help")


def test_explain():
    """The examples are explained, rank-one with the right numbers; so is a zero matrix."""
    code, out, _ = run("explain", "--example", "rank-one")
    for words in ("Only 1 of the 2 is not zero", "<G, D> = -15; the dual norm is 15 (certified",
                  ", the sum of the singular values.",
                  "They are the same here"):
        check(code == 0 and words in out, f"rank-one does not say '{words}': {out}")
    check(out.count("It is not the only one") == 3, "spectral, RMS and sum are not unique for (1, 2, 2) (3, 4)^T")
    for name in re.findall(r"(?m)^  (\S+)  +\S", run("explain", "--help")[1].split("examples:")[1]):
        code, out, err = run("explain", "--example", name)
        check(code == 0 and err == "" and "nan" not in out and "inf" not in out, f"{name}: {err}{out}")
    with open("zero.npy", "wb") as f:
        header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }".ljust(117) + "\n"
        f.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(48))
    code, out, err = run("explain", "zero.npy")
    check(code == 0 and "the gradient is zero" in out and "nan" not in out, f"zero: {err}{out}")
    with open("large.npy", "wb") as f:
        header = header.replace("(2, 3)", "(1, 2)")
        f.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + struct.pack("<2d", 1e-300, 1e300))
    code, out, err = run("explain", "large.npy")
    check(code == 0 and "inf" not in out and "nan" not in out, f"1e300: {err}{out}")


def test_plots():
    """SVG files, where gnuplot is installed; where it is not, one sentence and no file."""
    here = shutil.which("gnuplot") is not None
    for args in (["explain", "--example", "mixed"], ["prove", "--quick", "RT-drift"]):
        code, _, err = run(*args, "--plot", "it's a plot.svg")
        if here:
            check(code == 0 and xml.parse("it's a plot.svg").getroot().tag.endswith("svg"), f"{args}: {err}")
            os.remove("it's a plot.svg")
        code, _, err = run(*args, "--plot", "plot.svg", env={"PATH": ""})
        check(code == 2 and "gnuplot" in err and not os.path.exists("plot.svg"), f"{args} without gnuplot: {err}")
        code, _, err = run(*args, "--plot", "no/such/folder.svg")
        check(code == 2 and "no/such/folder.svg" in err, f"{args}: unwritable plot: {err}")


def gappa_mismatches(kernel):
    """What the Gappa scripts of the fast cosh and the text of its kernel do not agree in."""
    polynomials, reduction = read("proofs/cosh_polynomials.gappa"), read("proofs/cosh_reduction.gappa")
    body = kernel[kernel.index("INLINE void cosh_of("):kernel.index("static double cosh_squares(")]

    def find(pattern, text):
        found = re.search(pattern, text)
        return found.group(1) if found else f"no {pattern}"

    def plain(text):  # one space between tokens, no parentheses around a quotient, q for Q
        return re.sub(r"\((1 / \d+)\)", r"\1", " ".join(text.replace("1.0 / ", "1 / ").replace("Q", "q").split()))

    names = {name: f"1 / {k}" for name, k in re.findall(r"(\w+) = rnd\(1 / (\d+)\);", polynomials)}
    rounded = {v: re.sub(r"\b[cs]\d+\b", lambda m: names.get(m.group(), "?"), find(rf"\n{v} rnd= (.*);", polynomials))
               for v in "cs"}
    kernels = {"c": plain(find(r"doubles c = ([^;]*);", body)), "s": plain(find(r"doubles s =\s+r \* \(([^;]*)\);", body))}
    most, log2_e = find(r"most = \(doubles\)\{0\} \+ (\d+);", body), float.fromhex(find(r"log2_e = (0x[^,;]*)", body))
    pairs = {"c": (kernels["c"], plain(rounded["c"])), "C": (kernels["c"], plain(find(r"\nC = (.*);", polynomials))),
             "s": (kernels["s"], plain(rounded["s"])), "S": (kernels["s"], plain(find(r"\nS = (.*);", polynomials))),
             "ln2": (find(r"\bln2 = (0x[^,;]*)", body), find(r"\bln2 = (0x[^,;]*)", reduction)),
             "the largest x": (most, find(r"x in \[0, (\d+)\]", reduction)),
             "the largest n": (str(round(int(most) * log2_e)), find(r"n in \[0, (\d+)\]", reduction)),
             "r": ("r = size - n * ln2" in body, "r rnd= x - rnd(n * ln2);" in reduction),
             "the largest r": (find(r"\|r\| < (0\.\d+)", kernel), find(r"r in \[-(0\.\d+), ", polynomials))}
    return [name for name, (one, other) in pairs.items() if one != other]


def test_gappa_proves_the_kernel_that_there_is():
    """The scripts have the constants and the formulas of fast/kernels.inc; a changed kernel is noticed, whatever changed."""
    kernel = read("fast/kernels.inc")
    check(gappa_mismatches(kernel) == [], f"Gappa proves another cosh: {gappa_mismatches(kernel)}")
    for old, new, names in (("1.0 / 720)", "1.0 / 721)", ["c", "C"]), ("1.0 / 5040", "1.0 / 5041", ["s", "S"]),
                            ("+ 0.5) * q", "+ 0.5) + q", ["c", "C"]), ("0x1.62e42fefa39efp-1", "0x1.62e42fefa39eep-1", ["ln2"]),
                            ("(doubles){0} + 96", "(doubles){0} + 97", ["the largest x", "the largest n"]),
                            ("size - n * ln2", "n * ln2 - size", ["r"]), ("|r| < 0.3466", "|r| < 0.3477", ["the largest r"])):
        changed = kernel.replace(old, new)
        check(changed != kernel and gappa_mismatches(changed) == names, f"{new}: {gappa_mismatches(changed)}")


def test_no_name_dangles():
    """Wherever the sources name a claim, there is one of that name: `claim XX-...`, and in proofs/ any such name; every proof
    that a bound of the judge can have is a claim."""
    known = set(claims())
    bounds = re.search(r"proof_names\[PROOFS\] = \{([^}]*)\}", read("golden/case.c")).group(1)
    names = set(re.findall(r'"([a-z-]+)"', bounds)) - {"none"}
    check(len(names) >= 7, f"proof_names of golden/case.c: {names}")
    for name in names:
        check("BD-" + name in known, f"bounds are said to have the proof '{name}', but there is no claim BD-{name}")
    name = "(?:%s)-[A-Za-z0-9-]+" % "|".join(sorted({name.split("-")[0] for name in known}))
    for path in [f for kind in ("*/*.[ch]", "tools/train/*.[ch]", "*/*.md", "golden/*.json", "golden/vectors/*.json")
                 for f in glob.glob(os.path.join(CHECKOUT, kind))]:
        path = os.path.relpath(path, CHECKOUT)
        text = read(path)
        named = [n for names in re.findall(rf"\b[Cc]laims? ({name}(?:, {name})*)", text) for n in names.split(", ")]
        if path.startswith("proofs/"):
            named += re.findall(r"\b((?:KV|KE|OS|WD|RT|AU|NS|PE|CT|BD)-[A-Za-z0-9-]+)", text)
        for n in named:
            check(n in known, f"{path} names {n}, which is no claim")


run_tests("proofs", globals())
