"""Is the README true? Runs the examples that it shows, as a newcomer would.

usage: readme.py, in the checkout, after make. The console example must print what the README prints; the example in C must
compile and run against an installed copy, found with pkg-config alone; the installed command and manual must work. The
console example is skipped without numpy, which makes its input; so are those snippets of golden/README.md whose language
is not installed.
"""
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL readme:", what)


def run(command, folder, **env):
    """Standard output of a shell command that must succeed."""
    p = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, env={**os.environ, **env})
    check(p.returncode == 0, f"{command}: exit {p.returncode}: {p.stderr}")
    return p.stdout


def blocks(text):
    """Indented blocks, without their indentation."""
    return [re.sub(r"(?m)^    ", "", block).rstrip() for block in re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", text)]


def numpy_is_here():
    return importlib.util.find_spec("numpy") is not None


def console(text, folder):
    """Each `$ command` is followed by what it prints; commands of python3 before it make the files."""
    if not numpy_is_here():
        print("readme: the console examples are skipped, because numpy is not installed")
        return 0
    count = 0
    for block in blocks(text):
        for command in re.findall(r"(?m)^python3 -c .*$", block):
            run(command.replace("python3", shlex.quote(sys.executable), 1), folder)
        for command, shown in re.findall(r"(?ms)^\$ (.*?)\n(.*?)(?=^\$ |\Z)", block.strip() + "\n"):
            count += 1
            printed = run(command, folder)
            check(printed.strip() == shown.strip(), f"{command}\nprints\n{printed}\nand the README says\n{shown}")
    check(count >= 1, "no console example was found")
    return count


def safetensors(text, folder):
    """The functions in Python write what `assay ref step` reads, and read what it writes."""
    if not numpy_is_here():
        return
    snippet = re.search(r"(?s)```python\n(.*?)```", text)[1]
    with open(os.path.join(folder, "files.py"), "w", encoding="utf-8") as f:
        f.write(snippet + 'import sys\nif sys.argv[1:]:\n    print(load(sys.argv[1])["params"].shape)\n')
    python = shlex.quote(sys.executable)
    printed = run(f"{python} files.py && build/assay ref step --dialect jordan --lr 0.1 RUN.safetensors -o out.safetensors "
                  f"> step.txt && {python} files.py out.safetensors", folder)
    check(printed.strip() == "(5, 4, 3)", f"the functions in Python print {printed}")


def library(text, folder, checkout):
    """The example in C, against an installed copy, prints the exact answer; the copy is complete and can be removed."""
    root = os.path.join(folder, "root")
    build = os.environ.get("BUILD", "build")
    run(f"make -s install PREFIX={shlex.quote(root)} BUILD={build}", checkout)
    with open(os.path.join(folder, "example.c"), "w", encoding="utf-8") as f:
        f.write(re.search(r"(?s)```c\n(.*?)```", text)[1])
    lib = os.path.join(root, "lib")
    flags = "$(pkg-config --cflags --libs assay)"
    run(f"cc -Wall -Wextra -Werror example.c {flags} -o example", folder, PKG_CONFIG_PATH=os.path.join(lib, "pkgconfig"))
    printed = run("./example", folder, LD_LIBRARY_PATH=lib)
    numbers = [float.fromhex(x) for x in re.findall(r"\S*0x\S+", printed)]
    # the polar factor of A = [[1, 2], [3, 4]], with det A < 0, is A less its cofactors [[4, -3], [-2, 1]], normalised
    exact = [x / 34 ** 0.5 for x in (-3, 5, 5, 3)]
    check(len(numbers) == 4 and all(abs(x - y) <= 2e-16 for x, y in zip(numbers, exact)), f"the example prints {printed}")
    version = run(shlex.quote(os.path.join(root, "bin", "assay")) + " --version", folder)
    check(version.startswith("assay "), "the installed command has no version")
    with open(os.path.join(root, "share/man/man1/assay.1"), encoding="utf-8") as f:
        manual = f.read()
    check("@VERSION@" not in manual and version.split()[1] in manual, "the manual has no version")
    symbols = run(f"nm -D --defined-only {shlex.quote(os.path.join(lib, 'libassay.so'))}", folder).split("\n")
    foreign = [s for s in symbols if s and not s.split()[2].startswith("assay_")]
    check(not foreign, f"the library exports {foreign}")
    run(f"make -s uninstall PREFIX={shlex.quote(root)}", checkout)
    left = [name for _, _, names in os.walk(root) for name in names]
    check(not left, f"uninstalling leaves {left}")


def golden(folder):
    """The snippets of golden/README.md that Python and Node run, against a set made here."""
    with open("golden/README.md", encoding="utf-8") as f:
        text = f.read()
    for operation in ("polar", "svd"):  # those that the snippets read: the whole set takes minutes
        run(f"build/assay generate --set set --only {operation}", folder)
    python, javascript = (re.search(rf"(?s)```{kind}\n(.*?)```", text)[1] for kind in ("python", "javascript"))
    check(all(snippet.count("\n") < 20 for snippet in re.findall(r"(?s)```[a-z]+\n(.*?)```", text)), "a long snippet")
    for name, program, snippet in (("snippet.py", sys.executable, python), ("snippet.js", "node", javascript)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(snippet)
        if not shutil.which(program) or (name == "snippet.py" and not numpy_is_here()):
            print(f"readme: {name} is skipped, because {program} or numpy is not installed")
            continue
        printed = run(f"cd set && {shlex.quote(program)} ../{name}", folder)
        if name == "snippet.py":  # all the polar factors of rational rotations are those of numpy
            check(printed.count("True") >= 4 and "False" not in printed, f"{name} prints {printed}")
        else:  # Sylvester's 8 x 8 matrix: all singular values are sqrt(8 * 8)
            check(re.search(r"8x8 \[\s*8(,\s*8)*\s*\]", printed), f"{name} prints {printed}")


def main():
    checkout = os.getcwd()
    with open("README.md", encoding="utf-8") as f:
        text = f.read()
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(checkout, os.environ.get("BUILD", "build")), os.path.join(folder, "build"))
        count = console(text, folder)
        safetensors(text, folder)
        library(text, folder, checkout)
        golden(folder)
    print(f"readme: {count} examples print what is shown; the example in C works; {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
