"""assay gate: exit codes, formats, random cases that come again, and reproducers of those that fail.

Run as `python3 tests/gate.py ASSAY MUTANT OF_AXES SET`: the command, and the command with a mistake in its kernels
(tests/mutants.py), once in what every dialect does and once in what no named one does; exit 0 if all is well, 1 if not. The golden set is one operation of it, cosh-RMS: quickly judged, and with Newton-Schulz
steps in it. Needs Python alone.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

from files import read
from harness import check, run, run_tests

MUTANT = os.path.abspath(sys.argv[2])
OF_AXES = os.path.abspath(sys.argv[3])
GOLDEN = os.path.abspath(sys.argv[4])
FORMATS = ["text", "json", "junit", "tap", "markdown", "github"]


def gate(*args):
    return run("gate", "--set", "set", *args)


def mutant(*args, program=MUTANT):
    """The same of the command whose kernels take a step too few, or of the other one."""
    p = subprocess.run([program, "gate", "--set", "set", *args], capture_output=True, text=True, timeout=120)
    return p.returncode, p.stdout, p.stderr


def copy_part(operation, folder):
    """The files of one operation, and their checksums."""
    os.makedirs(f"{folder}/vectors")
    for suffix in (".json", ".safetensors"):
        shutil.copy(os.path.join(GOLDEN, "vectors", operation + suffix), f"{folder}/vectors")
    with open(os.path.join(GOLDEN, "SHA256SUMS")) as whole, open(f"{folder}/SHA256SUMS", "w") as part:
        part.writelines(line for line in whole if f"/{operation}." in line)


def test_set():
    """The set of the other tests."""
    copy_part("cosh-rms", "set")
    check(gate("--small", "--fuzz", "0")[0] == 0, "the set is refused")


def counts(text, form):
    """(how many are judged, how many fail), as the report in that format has it; it must be well-formed."""
    if form == "json":
        verdicts = [f["verdict"] for f in json.loads(text)["findings"]]
        return len(verdicts), verdicts.count("fail")
    if form == "junit":
        suite = xml.etree.ElementTree.fromstring(text)
        cases = suite.findall("testcase")
        failed = sum(case.find("failure") is not None for case in cases)
        check(len(cases) == int(suite.get("tests")) and failed == int(suite.get("failures")), "junit: counts differ")
        check(all(case.get("name") and case.get("classname") for case in cases), "junit: a case has no name")
        return len(cases), failed
    if form == "tap":
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        results = lines[2:]
        check(lines[0] == "TAP version 13" and lines[1] == f"1..{len(results)}", f"tap: {lines[:2]}")
        check(all(re.match(rf"(not )?ok {k} - \S", line) for k, line in enumerate(results, 1)), "tap: a line is no result")
        return len(results), sum(line.startswith("not ok") for line in results)
    if form == "github":
        lines = text.splitlines()
        check(all(re.match(r"::(error|warning|notice) title=assay[^:]*::\S", line) for line in lines), "github: a line")
        return None, sum(line.startswith("::error ") for line in lines)
    rows = re.findall(r"^(?:\| )?([a-z-]+)[ |]+(f32|bf16)[ |]+(\d+)[ |]+(\d+)[ |]+(\d+)[ |]+(\d+)[ |]+\S+(?: \|)?$", text,
                      re.MULTILINE)
    return sum(int(x) for r in rows for x in r[2:]), sum(int(r[3]) for r in rows)


def test_formats():
    """Every format is well-formed and counts the same, of kernels that pass and of kernels that fail."""
    for program, code in ((lambda *a: gate(*a), 0), (mutant, 1)):
        found = {}
        for form in FORMATS:
            got, out, err = program("--small", "--fuzz", "0", "--format", form)
            check(got == code and err == "", f"--format {form}: exit {got}, not {code}: {err}")
            found[form] = counts(out, form)
        judged, failed = found["json"]
        check(judged > 1000 and (failed > 0) == (code == 1), f"{judged} judged, {failed} failed")
        for form, (others, other_failed) in found.items():
            check(others in (None, judged) and other_failed == failed, f"{form}: {others}, {other_failed}; json: {found['json']}")


def test_failure_is_named():
    """A failure names path, case, dialect, entry, both numbers and the command of the answer, which works."""
    code, out, _ = mutant("--small", "--fuzz", "0", "--format", "json")
    failures = [f for f in json.loads(out)["findings"] if f["verdict"] == "fail"]
    check(code == 1 and failures, f"exit {code}, {len(failures)} failures")
    f = next(f for f in failures if f["dialect"] == "hybrid-auon")
    for word in ("[portable]", f["case"], "hybrid-auon", "exact", "times"):
        check(word in f["what"], f"{word!r} is not in {f['what']!r}")
    check(f["err_over_bound"] is None or f["err_over_bound"] > 1, f"{f['err_over_bound']}")
    code, out, err = run(*f["command"].split()[1:], "-o", "answer.safetensors")
    check(code == 0 and "Y" in read("answer.safetensors"), f"{f['command']}: exit {code}: {err}")


def test_large_cases():
    """They are judged unless --small, those of whole tiles always; every path in both formats, bf16 in both forms."""
    code, out, err = gate("--fuzz", "0", "--format", "json")
    report = json.loads(out)
    large = [f for f in report["findings"] if f["case"].startswith("large-")]
    paths = report["title"].split("(")[1].split(")")[0].split(", ")
    check(code == 0 and len(large) == 6 * 3 * len(paths), f"exit {code}: {len(large)} large results: {err}")
    check(max(int(n) for f in large for n in re.findall(r"\d+", f["case"])) == 8192 and "2048x2048" not in out, "huge ones")
    check(all(f["verdict"] == "pass" and f["err_over_bound"] == 0 for f in large), "a large case is not exact")
    small = [f for f in json.loads(gate("--small", "--fuzz", "0", "--format", "json")[1])["findings"]
             if f["case"].startswith(("whole-tiles-", "large-"))]
    check(len(small) == 4 * 3 * len(paths) and all(f["err_over_bound"] == 0 for f in small), f"{len(small)} of whole tiles")


def test_what_is_not_judged_is_told():
    """A set without Newton-Schulz leaves matrices with tiles in part to random cases; without these, the gate fails."""
    copy_part("momentum", "momentum")
    code, out, err = run("gate", "--set", "momentum", "--small", "--fuzz", "0")
    wanted = "assay: no result of portable, fp32, one matrix, with tiles in part was judged\n"
    check(code == 1 and err == wanted and " fail" in out, f"exit {code}: {err!r}")


def test_random_cases_come_again():
    """--fuzz and --seed decide the cases; other seeds make others."""
    reports = {}
    for seed in ("3", "3", "4"):
        code, out, err = gate("--small", "--fuzz", "40", "--seed", seed, "--format", "json")
        check(code == 0, f"--seed {seed}: exit {code}: {err}")
        cases = {f["case"] for f in json.loads(out)["findings"] if f["case"].startswith("fuzz-")}
        check(len(cases) >= 10, f"--seed {seed}: {len(cases)} random cases")
        check(reports.setdefault(seed, out) == out, f"--seed {seed} is not reproducible")
    check(reports["3"] != reports["4"], "the seed changes nothing")


def test_reproducers():
    """A random case that fails leaves the smallest inputs found, and a command that computes the answer."""
    operations = set()
    for seed in range(1, 13):
        code, _, err = mutant("--small", "--fuzz", "40", "--seed", str(seed))
        check(code == 1 and err.startswith("assay: the smallest inputs") and err.count("\n") == 1, f"exit {code}: {err!r}")
        found = re.search(r" in (fuzz-\S+\.safetensors); their answer: assay (ref (\S+) .*)\n", err)
        if not found:
            continue
        path, command, operation = found.groups()
        operations.add(operation)
        check(max(map(int, re.search(r"(\d+)x(\d+)x(\d+)\.", path).groups())) <= 12, f"not shrunk: {path}")
        got, _, err = run(*command.split(), "-o", "answer.safetensors")
        check(got == 0, f"{command}: exit {got}: {err}")
        os.remove(path)
    check({"newton-schulz", "step"} <= operations, f"reproducers of {operations} alone")
    check(not glob.glob("fuzz-*"), "more reproducers than sentences")
    code, _, err = gate("--small", "--fuzz", "40")
    check(code == 0 and not glob.glob("fuzz-*"), f"kernels that pass: exit {code}: {err}, {glob.glob('fuzz-*')}")


def test_changed_axes():
    """Random cases see dialects that have no name: every other one, up to three axes changed; they pass, and say what was changed."""
    code, out, err = gate("--small", "--fuzz", "60", "--seed", "2", "--format", "json")
    check(code == 0, f"exit {code}: {err}")
    dialects = {f["case"]: f["dialect"] for f in json.loads(out)["findings"] if f["case"].startswith("fuzz-")}
    changes = [d.count(" --set ") for d in dialects.values()]
    check(20 <= sum(n > 0 for n in changes) <= 30 and max(changes) == 3, f"changes: {changes}")
    check(all(re.fullmatch(r"[a-z0-9-]*( --set [a-z0-9-]+=[a-z0-9.-]+)*", d) for d in dialects.values()), f"{dialects}")


def test_mistake_of_an_axis():
    """What AdaMuon's second moments do wrong, which no named dialect has, shows in random cases alone; the command that is told has
    that axis, and works."""
    check(mutant("--small", "--fuzz", "0", program=OF_AXES)[0] == 0, "the set sees it")
    code, out, err = mutant("--small", "--fuzz", "200", "--format", "json", program=OF_AXES)
    failures = [f for f in json.loads(out)["findings"] if f["verdict"] == "fail"]
    check(code == 1 and failures, f"exit {code}: {err}")
    check(all(" --set post=adamuon" in f["dialect"] and f["dialect"] in f["what"] for f in failures), f"{failures[0]}")
    path, command = re.search(r" in (fuzz-\S+\.safetensors); their answer: assay (ref .*)\n", err).groups()
    got, out, err = run(*command.split(), "-o", "answer.safetensors", "--format", "json")
    check(got == 0 and json.loads(out)["post"] == "adamuon", f"{command}: exit {got}: {err}")
    os.remove(path)


def test_unreadable_sets():
    """No set, half a set, an altered one: exit 3 and one sentence."""
    os.mkdir("empty")
    shutil.copytree("set", "altered")
    with open("altered/vectors/cosh-rms.safetensors", "r+b") as f:
        f.seek(-1, os.SEEK_END)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_END)
        f.write(bytes([byte ^ 1]))
    for folder in ("absent", "empty", "altered"):
        code, out, err = run("gate", "--set", folder, "--small", "--fuzz", "0")
        check(code == 3 and out == "" and err.startswith("assay: ") and err.count("\n") == 1, f"{folder}: exit {code}: {err}")


def test_bad_options():
    """Exit 2 and one sentence."""
    for args in (["--format", "xml"], ["--fuzz", "-1"], ["--fuzz", "many"], ["--seed", "1.5"], ["--seed"], ["jordan"],
                 ["--dtype", "f32"], ["--fuzz", "1", "--fuzz", "2"], ["--small", "--huge"]):
        code, out, err = gate(*args)
        check(code == 2 and out == "" and err.startswith("assay: ") and err.count("\n") == 1, f"{args}: exit {code}: {err}")


def test_help():
    """--help names every option."""
    code, out, err = run("gate", "--help")
    check(code == 0 and err == "", f"--help: exit {code}: {err}")
    for option in ("--set", "--fuzz", "--seed", "--small", "--huge", "--format"):
        check(option in out, f"--help without {option}")


run_tests("gate", globals())
