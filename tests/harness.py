"""What the scripts share that drive the command."""
import os
import resource
import subprocess
import sys
import tempfile

ASSAY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/assay")
failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL", what)


def run(*args, env=None, limit=None, timeout=600):
    """(exit code, stdout, stderr) of assay with these arguments, and at most `limit` bytes of memory."""
    before = (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None
    p = subprocess.run([ASSAY, *args], capture_output=True, text=True, errors="replace", env={**os.environ, **(env or {})},
                       preexec_fn=before, timeout=timeout)
    return p.returncode, p.stdout, p.stderr


def run_tests(name, namespace):
    """Runs every test_... of a script in a fresh folder, and ends it; ASSAY_TEST_TIMES=1 prints what processor time each takes."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tests = [f for key, f in namespace.items() if key.startswith("test_")]
        for test in tests:
            start = sum(os.times()[:4])
            test()
            if os.environ.get("ASSAY_TEST_TIMES"):
                print(f"{test.__name__}: {sum(os.times()[:4]) - start:.1f} s of processors")
    print(f"{name}: {len(tests)} tests, {len(failures)} failures")
    sys.exit(1 if failures else 0)
