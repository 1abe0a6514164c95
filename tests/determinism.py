"""Does anything but the input change a bit of an answer, or a byte of a report?

usage: determinism.py [--cores] [--threads] [--prefix COMMAND] [--every N] [--generate SHARD] ASSAY...

Runs a list of computations with each program (other compilers, other levels of optimisation), and with --cores for other
OpenBLAS kernels, with --threads for other numbers of threads, and requires the same bytes everywhere. With --prefix each
program is run once more under that command (valgrind, an emulator), which must succeed and change nothing either. With
--generate each makes that part of the golden set too. Needs Python alone.
"""
import argparse
import glob
import hashlib
import itertools
import os
import shlex
import subprocess
import sys
import tempfile

from files import safetensors, values

CORES = ["Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX"]


def gaussian(count, seed):
    """Sums of twelve uniform numbers."""
    twelve = [values(count, 100 * seed + k) for k in range(12)]
    return [sum(column) for column in zip(*twelve)]


def matrices():
    """name -> (shape, values): Gaussian, rank-deficient, graded, one with ties, one with zeros."""
    left, right = gaussian(30 * 3, 1), [round(8 * x) for x in gaussian(3 * 20, 2)]
    product = [sum(round(8 * left[3 * i + k]) * right[20 * k + j] for k in range(3)) for i in range(30) for j in range(20)]
    graded = [x * 2.0 ** (-40 * (k % 16)) for k, x in enumerate(gaussian(16 * 16, 3))]
    return {
        "gaussian": ((40, 24), gaussian(40 * 24, 4)),
        "low_rank": ((30, 20), product),
        "graded": ((16, 16), graded),
        "signs": ((6, 10), [1 if x > 0 else -1 for x in gaussian(60, 5)]),
        "sparse": ((12, 9), [x if k % 3 == 0 else 0.0 for k, x in enumerate(gaussian(108, 6))]),
    }


def computations():
    """Arguments of assay; @ stands for the folder of inputs."""
    norms = ["spectral", "frobenius", "max", "rms", "nuclear", "sum", "column", "row"]
    directions = ["jordan", "nanochat", "polar-express", "gram-newton-schulz"]
    for name in matrices():
        file = ["@/matrices.safetensors", "--tensor", name, "--format", "json"]
        yield ["polar", "--bits", "200", *file]
        yield ["svd", *file]
        yield from (["lmo", "--norm", norm, *file] for norm in norms)
        yield from (["newton-schulz", "--dialect", dialect, *file] for dialect in directions)
        yield ["cosh-rms", "--dialect", "auon-paper", *file]
    for dialect in ("moonlight", "normuon", "adamw", "auon", "trust-region"):
        yield ["step", "--dialect", dialect, "--lr", "0.05", "--momentum", "0.9", "--weight-decay", "0.1",
               "--format", "json", "@/run.safetensors"]


def output(arguments, env):
    """What it prints; exits if it failed."""
    done = subprocess.run(arguments, capture_output=True, env={**os.environ, **env})
    if done.returncode != 0:
        sys.exit(f"determinism: {' '.join(arguments)}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def digest(command, args, threads, folder, env):
    """What one computation wrote, as a hash."""
    out = os.path.join(folder, "out.safetensors")
    more = ["--threads", threads] if threads else []
    printed = output([*command, "ref", *(x.replace("@", folder) for x in args), *more, "-o", out], env)
    with open(out, "rb") as file:
        return hashlib.sha256(printed + file.read()).hexdigest()


def digest_of_set(command, shard, jobs, env):
    """The files of a part of the golden set, as a hash."""
    found = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        output([*command, "generate", "--set", folder, "--shard", shard, *(["--jobs", jobs] if jobs else [])], env)
        for path in sorted(glob.glob(folder + "/**", recursive=True)):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found.update(os.path.relpath(path, folder).encode() + file.read())
    return found.hexdigest()


def configurations(options):
    """(what, command, number of threads, environment): the first is what the others are compared with."""
    for program in options.assay:
        yield program, [program], None, {}
    if options.prefix:
        for program in options.assay:
            yield f"{options.prefix} {program}", [*shlex.split(options.prefix), program], None, {}
    first = options.assay[0]
    if options.cores:
        for core in CORES:
            yield f"{first}, {core}", [first], None, {"OPENBLAS_CORETYPE": core}
    if options.threads:
        for blas, own in itertools.product("12", "123"):
            env = {"OPENBLAS_NUM_THREADS": blas}
            yield f"{first}, {own} threads, {blas} of BLAS", [first], own, env


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cores", action="store_true")
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--prefix")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th computation")
    parser.add_argument("--generate", metavar="SHARD", help="as of assay generate")
    parser.add_argument("assay", nargs="+")
    options = parser.parse_args()
    differ, expected, count = 0, {}, 0
    with tempfile.TemporaryDirectory() as folder:
        safetensors(os.path.join(folder, "matrices.safetensors"), matrices())
        safetensors(os.path.join(folder, "run.safetensors"),
                    {"param": ((8, 12), gaussian(96, 7)), "grads": ((3, 8, 12), gaussian(288, 8))})
        for what, command, threads, env in configurations(options):
            count += 1
            found = {" ".join(args): digest(command, args, threads, folder, env)
                     for args in itertools.islice(computations(), 0, None, options.every)}
            if options.generate:
                found["generate " + options.generate] = digest_of_set(command, options.generate, threads, env)
            for args, got in found.items():
                if expected.setdefault(args, got) != got:
                    differ += 1
                    print(f"determinism: {what}: {args} differs")
    print(f"determinism: {len(expected)} computations in {count} configurations, {differ} differ")
    return 1 if differ else 0


sys.exit(main())
