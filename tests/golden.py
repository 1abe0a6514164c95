"""The golden set as a whole: the same bytes however it is made, and not a bit of it can be changed unseen.

Run as `python3 tests/golden.py [path of assay]`; exit 0 if all is well, 1 if not. Needs Python alone.
"""
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import time

from harness import ASSAY, check, run, run_tests

os.environ["OPENBLAS_NUM_THREADS"] = "1"


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
    """Parts of another operation are left alone."""
    generate("shared", "--only", "momentum", "--shard", "1/2")
    generate("shared", "--only", "svd")
    check(parts("shared") == 12, f"{parts('shared')} parts of another operation are left, not 12")
    check(run("verify", "--set", "shared")[0] == 0, "a set beside parts of others")
    generate("momentum", "--only", "momentum")


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
    return 8 + size, [(*t["data_offsets"], name) for name, t in header.items()]


def test_flips_with_repaired_sums():
    """Single bits of the numbers at 100 random places, and the checksums made to fit: the case is named."""
    draw = random.Random(2)
    for folder, flips in (("svd", 25), ("momentum", 75)):
        path = f"{folder}/vectors/{folder}.safetensors"
        with open(path, "rb") as f:
            data = f.read()
        start, tensors = regions(data)
        for _ in range(flips):
            place = draw.randrange(8 * start, 8 * len(data))
            byte = place // 8 - start
            name = next(name for first, end, name in tensors if first <= byte < end)
            case = name.split("/")[0]
            write(path, flip(data, place))
            repair(folder)
            ok, said = refused(folder, f"case {case}: ")
            check(ok, f"{folder}: {name}, bit {place}: {said}")
        write(path, data)
        repair(folder)
        check(run("verify", "--set", folder)[0] == 0, f"{folder} restored, but refused")


def test_changed_facts_with_repaired_sums():
    """What the JSON says is proved too."""
    for folder, before, after, words in (
        ("svd", '"rank": 2', '"rank": 1', ("case svd-gaussian-2x2: ", "rank")),
        ("svd", '"unique": true', '"unique": false', ("case svd-gaussian-1x1: ", "unique")),
        ("momentum", '"momentum": 0.9375', '"momentum": 0.875', ("case momentum-gaussian-3x5-0: ", "parameters")),
        ("momentum", '"step": 2', '"step": 3', ("case momentum-gaussian-3x5-1: ", "parameters")),
        ("momentum", '"undefined": false', '"undefined": true', ("case momentum-gaussian-3x5-0: ",)),
        ("momentum", '"adamw",', "", ("case momentum-gaussian-3x5-0: ",)),
        ("momentum", '"f16",', "", ("case momentum-gaussian-3x5-0: ", "formats")),
        ("svd", '"id": "svd-gaussian-2x2"', '"id": "svd-gaussian-2x3"', ("case svd-gaussian-2x3: ", "tensor")),
        ("svd", '"schema": 1', '"schema": 2', ("newer",)),
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


# ---- what is refused ------------------------------------------------------------------------------------------------------


def test_usage():
    """Exit 2 and a sentence with the word in question; nothing is made."""
    for args in (["generate"], ["generate", "--set"], ["generate", "--set", "no", "more"],
                 ["generate", "--set", "no", "--only", "qr"], ["generate", "--set", "no", "--only", ""],
                 ["generate", "--set", "no", "--colour"], ["generate", "--set", "no", "--set", "no"],
                 ["verify"], ["verify", "svd"], ["verify", "--set", "svd", "more"], ["verify", "--set", "svd", "-x"]):
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
