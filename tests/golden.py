"""The golden set as a whole: the same bytes however it is made, and not a bit of it can be changed unseen.

Run as `python3 tests/golden.py [path of assay]`; exit 0 if all is well, 1 if not. Needs Python alone.
"""
import collections
import ctypes
import functools
import hashlib
import json
import math
import os
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import time

from harness import ASSAY, check, run, run_tests

os.environ["OPENBLAS_NUM_THREADS"] = "1"
PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")


def generate(folder, *args):
    code, out, err = run("generate", "--set", folder, *args)
    check(code == 0 and err == "", f"generate --set {folder} {args}: exit {code}: {err}")
    return out


def tree(folder):
    """Every file below a folder, and its bytes; folders as None."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(at, name), folder)] = None
        for name in files:
            with open(os.path.join(at, name), "rb") as f:
                found[os.path.relpath(os.path.join(at, name), folder)] = f.read()
    return found


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def repair(folder):
    """SHA256SUMS as if what is there were right."""
    with open(f"{folder}/SHA256SUMS") as f:
        names = [line.split("  ")[1].rstrip("\n") for line in f]
    with open(f"{folder}/SHA256SUMS", "w") as f:
        for name in names:
            with open(f"{folder}/{name}", "rb") as data:
                f.write(f"{hashlib.sha256(data.read()).hexdigest()}  {name}\n")


def refused(folder, *words):
    """Whether verify exits with 3 and says so in sentences of which one has all these words."""
    code, out, err = run("verify", "--set", folder, "--jobs", "2")
    lines = err.splitlines()
    return (code == 3 and "every stored bit" not in out and all(line.startswith("assay: ") for line in lines)
            and any(all(word in line for word in words) for line in lines)), f"exit {code}: {err.strip()[:200]}"


# ---- the same bytes --------------------------------------------------------------------------------------------------


def test_any_way_the_same_bytes():
    """Alone, by two processes, by shards in any order: the same tree, with nothing besides the set."""
    out = generate("svd", "--only", "svd", "--jobs", "1")
    expected = tree("svd")
    check(sorted(expected) == ["SHA256SUMS", "vectors", "vectors/svd.json", "vectors/svd.safetensors"],
          f"the set holds {sorted(expected)}")
    check("106 cases are in svd" in out, out)
    generate("jobs", "--only", "svd", "--jobs", "2")
    check(tree("jobs") == expected, "--jobs 2 makes other bytes")
    generate("many", "--only=svd", "-j", "7")
    check(tree("many") == expected, "-j 7 makes other bytes")
    out = generate("shards", "--only", "svd", "--shard", "2/2")
    check("53 of 106 cases" in out, out)
    check(refused("shards", "SHA256SUMS")[0], "half a set passes")
    generate("shards", "--only", "svd", "--shard", "1/2")
    check(tree("shards") == expected, "two shards make other bytes")
    for k in (3, 1, 5, 2, 4):
        generate("five", "--only", "svd", "--shard", f"{k}/5")
    check(tree("five") == expected, "five shards make other bytes")
    generate("five", "--only", "svd")
    check(tree("five") == expected, "a second run makes other bytes")


def test_sums_are_sha256():
    """SHA256SUMS is what sha256sum writes."""
    for line in open("svd/SHA256SUMS"):
        digest, name = line.rstrip("\n").split("  ")
        with open(f"svd/{name}", "rb") as f:
            check(hashlib.sha256(f.read()).hexdigest() == digest, f"checksum of {name}")


def test_verify_passes():
    code, out, err = run("verify", "--set", "svd")
    check(code == 0 and out == "106 cases: every stored bit is proved\n" and err == "", f"exit {code}: {out}{err}")
    code, out, err = run("verify", "--set", "./svd/", "--jobs", "3")
    check(code == 0 and err == "", f"exit {code}: {err}")


def parts(folder):
    try:
        return sum(name.endswith(".json") for name in os.listdir(f"{folder}/parts"))
    except FileNotFoundError:
        return 0


def interrupt(folder, enough, group):
    """Starts to generate and kills it after so many parts: the parent alone, or its processes too. Returns whether it was
    in time."""
    p = subprocess.Popen([ASSAY, "generate", "--set", folder, "--only", "lmo", "--jobs", "2"], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    while p.poll() is None and parts(folder) < enough:
        time.sleep(0.0005)
    if group and p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
    p.kill()
    return p.wait() == -signal.SIGKILL


def test_interrupted():
    """Killed at any time, it leaves no set that passes; started again, it makes the same bytes and leaves nothing else,
    not even what a killed process had begun to write, nor what it wrote in part."""
    generate("lmo", "--only", "lmo")
    expected, in_time = tree("lmo"), 0
    for k, enough in enumerate((1, 20, 60, 120)):
        shutil.rmtree("killed", ignore_errors=True)
        killed = interrupt("killed", enough, k % 2 == 0)
        if killed and not os.path.exists("killed/SHA256SUMS"):
            in_time += 1
            check(refused("killed", "SHA256SUMS")[0], "an interrupted set passes")
            begun = [name for name in os.listdir("killed/parts") if name.endswith(".json")] if k < 3 else []
            if begun:
                write("killed/parts/.assay-999999-0", b"begun")
                path = os.path.join("killed/parts", begun[0])
                write(path, open(path, "rb").read()[:-20])
        generate("killed", "--only", "lmo")
        check(tree("killed") == expected, f"interrupted after {enough} parts and resumed: other bytes")
    check(in_time >= 2, f"only {in_time} runs were interrupted in time")


def test_foreign_parts():
    """A part that asks something else than the case of its name is made again."""
    generate("foreign", "--only", "svd", "--shard", "1/2")
    names = sorted(name[:-5] for name in os.listdir("foreign/parts") if name.endswith(".json"))
    for suffix in (".json", ".safetensors"):
        shutil.copy(f"foreign/parts/{names[0]}{suffix}", f"foreign/parts/{names[1]}{suffix}")
    generate("foreign", "--only", "svd")
    check(tree("foreign") == tree("svd"), "a foreign part got into the set")


def test_operations_share_a_folder():
    """What there is of another operation is left alone: its parts, and later its files and their sums."""
    generate("shared", "--only", "momentum", "--shard", "1/2")
    generate("shared", "--only", "svd")
    check(parts("shared") == 17, f"{parts('shared')} parts of another operation are left, not 17")
    check(run("verify", "--set", "shared")[0] == 0, "a set beside parts of others")
    generate("momentum", "--only", "momentum")
    generate("shared", "--only", "momentum")
    code, out, err = run("verify", "--set", "shared", "--jobs", "2")
    check(code == 0 and out.startswith("140 cases: "), f"svd, and momentum made later: exit {code}: {out}{err}")


def test_operations_at_once():
    """Several processes in one folder, with an operation each: the same bytes as one by one, and nothing is left of any."""
    operations = ("svd", "lmo", "momentum")
    started = [subprocess.Popen([ASSAY, "generate", "--set", "at-once", "--only", operation, "--jobs", "2"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for operation in operations]
    for operation, process in zip(operations, started):
        err = process.communicate()[1]
        check(process.returncode == 0 and err == "", f"{operation}, beside others: exit {process.returncode}: {err}")
    expected, sums = {}, b""
    for operation in operations:
        expected.update(tree(operation))
        sums += expected["SHA256SUMS"]
    expected["SHA256SUMS"] = sums
    check(tree("at-once") == expected, f"operations made at once: {sorted(tree('at-once'))}")


KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
RULES = {  # of JSON Schema, those that ours has: whether x keeps to the value v of the keyword
    "const": lambda x, v: x == v, "enum": lambda x, v: x in v, "pattern": lambda x, v: re.search(v, x),
    "type": lambda x, v: isinstance(x, KINDS[v]) and (v == "boolean" or not isinstance(x, bool)),
    "required": lambda x, v: set(v) <= set(x), "minimum": lambda x, v: x >= v,
    "exclusiveMinimum": lambda x, v: x > v, "exclusiveMaximum": lambda x, v: x < v,
    "minItems": lambda x, v: len(x) >= v, "maxItems": lambda x, v: len(x) <= v,
    "minLength": lambda x, v: len(x) >= v, "maxLength": lambda x, v: len(x) <= v}
SAY_NOTHING = {"$schema", "$defs", "title", "description", "properties", "additionalProperties", "items"}


def breaks(x, schema, defs, at=""):
    """The places where x does not keep to the schema."""
    if "$ref" in schema:
        return breaks(x, defs[schema["$ref"].rsplit("/")[-1]], defs, at)
    found = [f"{at}: {key}" for key in schema if key not in SAY_NOTHING and not RULES[key](x, schema[key])]
    for key in x if isinstance(x, dict) else ():
        rule = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
        found += breaks(x[key], rule, defs, f"{at}/{key}") if isinstance(rule, dict) else [f"{at}/{key}: unknown"]
    for k, item in enumerate(x if isinstance(x, list) else ()):
        found += breaks(item, schema["items"], defs, f"{at}/{k}")
    return found


def test_schema_describes_the_set():
    """The published JSON keeps to golden/schema.json; what has a key more, one fewer or another value does not."""
    with open(os.path.join(PUBLISHED, "schema.json")) as f:
        schema = json.load(f)
    for operation in ("polar", "svd", "lmo", "newton-schulz", "cosh-rms", "momentum", "step"):
        with open(os.path.join(PUBLISHED, "vectors", operation + ".json")) as f:
            manifest = json.load(f)
        check(breaks(manifest, schema, schema["$defs"]) == [], f"{operation}: {breaks(manifest, schema, schema['$defs'])[:3]}")
        case = manifest["cases"][0]
        for other in ({**case, "more": 1}, {**case, "formats": ["f8"]}, {**case, "id": "A"}, {**case, "answers": []},
                      {key: case[key] for key in case if key != "why"}):
            check(len(breaks({**manifest, "cases": [other]}, schema, schema["$defs"])) == 1, f"the schema allows {other}")


# ---- not a bit changed unseen ------------------------------------------------------------------------------------------


def flip(data, place):
    return data[: place // 8] + bytes([data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :]


def test_flips():
    """Single bits at 120 random places, the checksums left as they are."""
    draw = random.Random(1)
    for folder in ("svd", "momentum"):
        files = {name: data for name, data in tree(folder).items() if data is not None}
        for _ in range(60):
            name = draw.choice(sorted(files))
            place = draw.randrange(8 * len(files[name]))
            write(f"{folder}/{name}", flip(files[name], place))
            code, out, err = run("verify", "--set", folder)
            says = name if name != "SHA256SUMS" else folder
            check(code == 3 and out == "" and err.startswith("assay: ") and err.count("\n") == 1 and says in err,
                  f"{folder}/{name}, bit {place}: exit {code}: {err}")
            write(f"{folder}/{name}", files[name])
        check(run("verify", "--set", folder)[0] == 0, "restored, but refused")


def regions(data):
    """Where the data begins, and (first byte, byte behind the last, name) of the tensors in it."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    return 8 + size, [(*t["data_offsets"], name) for name, t in header.items() if name != "__metadata__"]


def test_flips_with_repaired_sums():
    """Single bits of the numbers at 60 random places, in some cases at a time, and the checksums made to fit: each of these
    cases is named, and no other. Where a file with such a number is not read, that case alone is, and then the others."""
    draw = random.Random(2)
    for folder, times, flips in (("svd", 4, 5), ("momentum", 4, 10)):
        path = f"{folder}/vectors/{folder}.safetensors"
        with open(path, "rb") as f:
            data = f.read()
        start, tensors = regions(data)
        for _ in range(times):
            places = {}
            while len(places) < flips:
                place = draw.randrange(8 * start, 8 * len(data))
                byte = place // 8 - start
                name = next(name for first, end, name in tensors if first <= byte < end)
                places.setdefault(name.split("/")[0], place)
            while places:
                write(path, functools.reduce(flip, places.values(), data))
                repair(folder)
                code, out, err = run("verify", "--set", folder, "--jobs", "2")
                named = re.findall(r"^assay: .*?\bcase (\S+): ", err, re.MULTILINE)
                read = out.startswith(f"{len(places)} of ")
                check(code == 3 and (set(named) == set(places) if read else len(named) == 1 and named[0] in places),
                      f"{folder}, {places}: exit {code}: {out}{err}")
                places = {case: place for case, place in places.items() if named and not read and case != named[0]}
        write(path, data)
        repair(folder)
        check(run("verify", "--set", folder)[0] == 0, f"{folder} restored, but refused")


def test_changed_bounds_with_repaired_sums():
    """A bit of a bound, or of a certificate (the sign of a zero too): the case is named, and which it is."""
    draw = random.Random(3)
    for folder, suffix, words in (("svd", ".bounds", ".bounds has "), ("momentum", ".bounds", ".bounds has "),
                                  ("lmo", ".bounds", ".bounds has "), ("lmo", ".certificate", "the certificate for ")):
        path = f"{folder}/vectors/{folder}.safetensors"
        with open(path, "rb") as f:
            data = f.read()
        start, tensors = regions(data)
        chosen = draw.sample([t for t in tensors if t[2].endswith(suffix)], 4)
        if suffix == ".certificate":
            chosen.append(next(t for t in tensors if t[2] == "lmo-fine-8x8-max/D.certificate"))
        for first, end, name in chosen:
            exact = name.startswith("lmo-fine-8x8-max/")
            place = 8 * (start + end) - 1 if exact else draw.randrange(8 * (start + first), 8 * (start + end) - 8)
            write(path, flip(data, place))
            repair(folder)
            code, _, err = run("verify", "--set", folder)
            named = f"case {name.split('/')[0]}: " in err and (words in err or "negative, or no number" in err)
            check(code == 3 and named, f"{name}, bit {place}: {err.strip()[:200]}")
        write(path, data)
        repair(folder)


def test_changed_facts_with_repaired_sums():
    """What the JSON says is proved too."""
    for folder, before, after, words in (
        ("svd", '"rank": 2', '"rank": 1', ("case svd-gaussian-2x2: ", "rank")),
        ("svd", '"unique": true', '"unique": false', ("case svd-gaussian-1x1: ", "unique")),
        ("momentum", '"momentum": 0.9375', '"momentum": 0.875', ("case momentum-gaussian-8x600-0: ", "parameters")),
        ("momentum", '"step": 2', '"step": 3', ("case momentum-gaussian-3x5-1: ", "parameters")),
        ("momentum", '"undefined": false', '"undefined": true', ("case momentum-gaussian-8x600-0: ",)),
        ("momentum", '"adamw",', "", ("case momentum-gaussian-8x600-0: ",)),
        ("momentum", '"f16",', "", ("case momentum-gaussian-8x600-0: ", "formats")),
        ("svd", '"id": "svd-gaussian-2x2"', '"id": "svd-gaussian-2x3"', ("case svd-gaussian-2x3: ", "tensor")),
        ("svd", '"family": "gaussian"', '"family": "gausian"', ("case svd-gaussian-1x1: ", "family")),
        ("svd", '"GaussianLike"', '"Gaussian"', ("case svd-gaussian-1x1: ", "flags")),
        ("svd", '"schema": 1', '"schema": 2', ("newer",)),
        ("svd", '"version": "', '"version": "1999.', ("svd/vectors/svd.json: ", "is of version 1999.", "takes version ")),
    ):
        path = f"{folder}/vectors/{folder}.json"
        with open(path, "rb") as f:
            data = f.read()
        check(before.encode() in data, f"there is no {before} in {path}")
        write(path, data.replace(before.encode(), after.encode(), 1))
        repair(folder)
        ok, said = refused(folder, *words)
        check(ok, f"{before} -> {after}: {said}")
        write(path, data)
        repair(folder)
    for folder in ("svd", "momentum"):
        check(run("verify", "--set", folder)[0] == 0, f"{folder} restored, but refused")


def test_all_altered_cases_are_named():
    """One sentence for each, and how many there are."""
    path = "svd/vectors/svd.safetensors"
    with open(path, "rb") as f:
        data = f.read()
    start, tensors = regions(data)
    changed = [(first, name.split("/")[0]) for first, _, name in tensors if name.endswith("/S")][::9]
    altered = data
    for first, _ in changed:
        altered = flip(altered, 8 * (start + first))
    write(path, altered)
    repair("svd")
    code, out, err = run("verify", "--set", "svd")
    check(code == 3 and out == f"{len(changed)} of 106 cases do not say what is proved\n", f"exit {code}: {out}")
    check(sorted(line.split(" ")[2].rstrip(":") for line in err.splitlines()) == sorted(case for _, case in changed),
          f"other cases are named: {err}")
    write(path, data)
    repair("svd")


def test_missing_cases_are_named():
    """A case that is gone from both files, one of another id in the place of ours, and one that is gone from the JSON."""
    paths = [f"svd/vectors/svd{suffix}" for suffix in (".json", ".safetensors")]
    kept = [open(path, "rb").read() for path in paths]
    case, cases = "svd-gaussian-8x8-tiny", json.loads(kept[0])
    index = [c["id"] for c in cases["cases"]].index(case)
    for path, data in zip(paths, kept):
        write(path, data.replace(case.encode(), case.encode()[:-1] + b"o"))
    repair("svd")
    ok, said = refused("svd", f"case {case}: it is missing")
    check(ok, f"renamed: {said}")
    del cases["cases"][index]
    write(paths[0], json.dumps(cases).encode())
    write(paths[1], kept[1])
    repair("svd")
    ok, said = refused("svd", f"there are tensors of no case, such as {case}/G")
    check(ok, f"gone from the JSON: {said}")
    start, tensors = regions(kept[1])
    header, data = {}, b""
    for first, end, name in tensors:
        if not name.startswith(case + "/"):
            entry = json.loads(kept[1][8:start])[name]
            header[name] = {**entry, "data_offsets": [len(data), len(data) + end - first]}
            data += kept[1][start + first : start + end]
    text = json.dumps(header).encode()
    write(paths[1], struct.pack("<Q", len(text)) + text + data)
    repair("svd")
    code, out, err = run("verify", "--set", "svd")
    check(code == 3 and out == "1 of 106 cases are missing\n" and err == f"assay: case {case}: it is missing\n",
          f"gone from both: exit {code}: {out}{err}")
    for path, data in zip(paths, kept):
        write(path, data)
    repair("svd")
    check(run("verify", "--set", "svd")[0] == 0, "restored, but refused")


# ---- what the judge says ---------------------------------------------------------------------------------------------------


class Hyper(ctypes.Structure):
    _fields_ = [("lr", ctypes.c_double), ("momentum", ctypes.c_double), ("weight_decay", ctypes.c_double),
                ("regulariser", ctypes.c_int), ("weight", ctypes.c_double)]


class Case(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("id", "operation", "family", "why")] + [
        ("norm", ctypes.c_int), ("radius", ctypes.c_double), ("hyper", Hyper), ("step", ctypes.c_size_t)]


class Array(ctypes.Structure):
    _fields_ = [("at", ctypes.POINTER(ctypes.c_double)), ("ndim", ctypes.c_size_t), ("shape", ctypes.POINTER(ctypes.c_size_t))]


class Verdict(ctypes.Structure):
    _fields_ = [("judged", ctypes.c_bool), ("passes", ctypes.c_bool), ("error", ctypes.c_double), ("bound", ctypes.c_double),
                ("ratio", ctypes.c_double), ("step", ctypes.c_size_t), ("entry", ctypes.c_size_t), ("got", ctypes.c_double),
                ("exact", ctypes.c_double), ("text", ctypes.c_char * 1024), ("command", ctypes.c_char * 1024)]


OUTPUTS = {"svd": ["S"], "lmo": ["D"], "momentum": ["momentum", "u"]}


def judged(library, handle, number, case, dialect, output):
    """The exact answer, as bytes; its verdict; and that of the answer with one entry far off."""
    answer, verdict, wrong = Array(), Verdict(), Verdict()
    name = dialect and dialect.encode()
    found = library.assay_golden_answer(ctypes.byref(answer), handle, number, name, output.encode())
    check(found, f"{case}: no answer {output} of {dialect}")
    shape = answer.shape[: answer.ndim]
    numbers = (ctypes.c_double * math.prod(shape))(*answer.at[: math.prod(shape)])
    data = bytes(numbers)
    for v in (verdict, wrong):
        status = library.assay_judge(ctypes.byref(v), handle, number, name, output.encode(), 0, numbers, ctypes.c_size_t(len(numbers)))
        check(status == 0, f"{case}: status {status}")
        numbers[len(numbers) - 1] += 1 + 2 * max(map(abs, numbers))
    check(verdict.passes and not wrong.passes and wrong.entry == len(numbers) - 1, f"{case}: {wrong.text.decode()}")
    return data, wrong


def test_commands_compute_the_answers():
    """The command of a verdict, run as it stands, computes the answer to the bit."""
    library = ctypes.CDLL(os.path.join(os.path.dirname(ASSAY), "libassay.so"))
    library.assay_golden_get.restype = Case
    library.assay_golden_answer.restype = ctypes.c_bool
    library.assay_golden_count.restype = ctypes.c_size_t
    tried = collections.Counter()
    for operation in ("svd", "lmo", "momentum"):
        handle = ctypes.c_void_p()
        check(library.assay_golden_open(ctypes.byref(handle), operation.encode(), None, 0) == 0, f"{operation} is not read")
        for number in range(0, library.assay_golden_count(handle), 9):
            case = library.assay_golden_get(handle, ctypes.c_size_t(number)).id.decode()
            for dialect in ("jordan", "mlx", "adamw") if operation == "momentum" else (None,):
                for output in OUTPUTS[operation]:
                    data, verdict = judged(library, handle, ctypes.c_size_t(number), case, dialect, output)
                    command = shlex.split(verdict.command.decode())
                    check(command[0] == "assay", f"{command}")
                    code, _, err = run(*command[1:], "-o", "answer.safetensors")
                    check(code == 0, f"{verdict.command}: exit {code}: {err}")
                    with open("answer.safetensors", "rb") as f:
                        answer = f.read()
                    start, tensors = regions(answer)
                    first, end = next((first, end) for first, end, name in tensors if name == output)
                    check(answer[start + first : start + end] == data, f"{verdict.command} computes something else")
                    tried[operation] += 1
        library.assay_golden_close(handle)
    check(min(tried.values()) >= 8, f"too few cases: {tried}")


# ---- what is refused ------------------------------------------------------------------------------------------------------


def test_usage():
    """Exit 2 and a sentence with the word in question; nothing is made."""
    for args in (["generate"], ["generate", "--set"], ["generate", "--set", "no", "more"],
                 ["generate", "--set", ""], ["generate", "--set", "no", "--only", "qr"], ["generate", "--set", "no", "--only", ""],
                 ["generate", "--set", "no", "--colour"], ["generate", "--set", "no", "--set", "no"],
                 ["verify", "svd"], ["verify", "--set", "svd", "more"], ["verify", "--set", "svd", "-x"]):
        code, out, err = run(*args)
        check(code == 2 and out == "" and err.startswith("assay: ") and err.count("\n") == 1, f"{args}: {code}: {err}")
    for shard in ("", "1", "/", "1/", "/2", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1.5/2", "1/1e9", "1" * 40 + "/2"):
        code, _, err = run("generate", "--set", "no", "--shard", shard)
        check(code == 2 and "--shard" in err, f"--shard {shard}: {code}: {err}")
    for jobs in ("0", "-1", "1.5", "many", "", "1025"):
        for command in ("generate", "verify"):
            code, _, err = run(command, "--set", "no", "--jobs", jobs)
            check(code == 2 and "--jobs" in err, f"{command} --jobs {jobs}: {code}: {err}")
    check(not os.path.exists("no"), "a refused command made a folder")
    for command in ("generate", "verify"):
        code, out, err = run(command, "--help")
        check(code == 0 and out.startswith(f"usage: assay {command}") and err == "", f"{command} --help")


def test_folders():
    """Folders that are none: exit 3 to verify, 2 to generate."""
    write("file", b"x")
    for folder in ("nothing", "file", "", "file/deeper", "nothing/" * 500, "x" * 5000):
        code, out, err = run("verify", "--set", folder)
        check(code == 3 and out == "" and err.startswith("assay: ") and err.count("\n") == 1,
              f"verify {folder[:20]}: {code}: {err}")
    for folder in ("file", "nothing/deeper", "/proc/none", "x" * 300, "x" * 5000):
        code, _, err = run("generate", "--set", folder, "--only", "svd")
        check(code == 2 and err.startswith("assay: ") and err.count("\n") == 1, f"generate {folder[:20]}: {code}: {err}")


def test_out_of_memory():
    """Files larger than the memory: a sentence and an exit code, not a crash. (Without memory for its own buffers OpenBLAS
    0.3.21 tries for ever: there must be some.)"""
    for name in ("SHA256SUMS", "vectors/svd.json", "vectors/svd.safetensors"):
        shutil.copytree("svd", "large", dirs_exist_ok=True)
        os.truncate(f"large/{name}", 1 << 30)
        code, out, err = run("verify", "--set", "large", limit=512 << 20)
        check(code == 3 and out == "" and f"large/{name}: out of memory" in err, f"out of memory: {code}: {err}")
        os.remove(f"large/{name}")
    generate("little", "--only", "svd", "--shard", "1/2")
    for suffix in (".json", ".safetensors"): # parts that cannot be read are made again
        os.truncate(f"little/parts/svd-gaussian-1x1{suffix}", 1 << 30)
    code, _, err = run("generate", "--set", "little", "--only", "svd", "--jobs", "1", limit=512 << 20)
    check(code == 0 and err == "" and tree("little") == tree("svd"), f"with a part too large: {code}: {err}")


run_tests("golden", globals())
