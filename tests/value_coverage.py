"""What values the golden set covers: counts of cases by operation and by rank and spread, shape, and size of the input.

python3 tests/value_coverage.py FOLDER prints the tables of golden/README.md. Exit code 77 without numpy.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "adapters"))
try:
    import numpy as np

    import golden
except ImportError:
    print("value_coverage: needs numpy")
    sys.exit(77)

OPERATIONS = ["polar", "svd", "lmo", "newton-schulz", "cosh-rms", "momentum", "step"]
SPECTRA = ["zero", "rank one", "deficient, 1", "deficient, to 1e2", "deficient, to 1e6", "deficient, more", "full, 1",
           "full, to 1e2", "full, to 1e6", "full, more"]
SHAPES = ["entry", "row", "column", "square", "wide", "tall", "3-D", "4-D"]
SIZES = ["subnormal", "below 1e-6", "ordinary", "above 1e6"]

# Why a cell is empty.
REASONS = {
    "a": "such matrices come as gradients of steps and as inputs of directions; momentum is entrywise, and knows no rank",
    "b": "polar, svd and lmo take matrices",
    "c": "a rank-deficient matrix with equal or well-spread other singular values is one to the iteration",
    "d": "the sums and norms behind it do not depend on the spread",
    "e": "linear or homogeneous in the input: other sizes are the ordinary ones times a power of two",
    "f": "binary32 results would be subnormal throughout",
    "g": "the shape says nothing to entrywise arithmetic",
    "h": "an iterate or a trajectory of such a spectrum is not judged in any narrow format; polar, svd and lmo have it",
}


def spectrum(x):
    s = np.linalg.svd(x.reshape(len(x), -1).astype("f8") / (np.abs(x).max() or 1), compute_uv=False)
    rank = int((s > s[0] * max(x.shape) * 2.0**-50).sum()) if s[0] > 0 else 0
    if rank == 0:
        return "zero"
    if rank == 1 and min(len(x), x.size // len(x)) > 1:
        return "rank one"
    spread = s[0] / s[rank - 1]
    return ("full, " if rank == len(s) else "deficient, ") + (
        "1" if spread < 1 + 1e-9 else "to 1e2" if spread <= 1e2 else "to 1e6" if spread <= 1e6 else "more")


def shape(x):
    if x.ndim > 2:
        return f"{x.ndim}-D"
    m, n = x.shape
    return ("entry" if m == n == 1 else "row" if m == 1 else "column" if n == 1 else "square" if m == n else
            "wide" if m < n else "tall")


def size(x):
    norm = np.abs(x).max() * np.sqrt(x.size)
    return ("ordinary" if norm == 0 or 1e-6 <= norm <= 1e6 else "subnormal" if norm < 2.0**-126 else
            "below 1e-6" if norm < 1 else "above 1e6")


def count(folder):
    """counts[axis][operation][value]"""
    counts = [{o: {} for o in OPERATIONS} for _ in range(3)]
    for operation in OPERATIONS:
        for case in golden.cases(folder + "/vectors", operation):
            x = case["grads"][0] if operation == "step" else case["grad"] if operation == "momentum" else case["G"]
            x = np.asarray(x, "f8")
            for axis, value in zip(counts, (spectrum(x), shape(x), size(x))):
                axis[operation][value] = axis[operation].get(value, 0) + 1
    return counts


# The empty cells: (operation, value) -> reason.
def reason(operation, value):
    if value in ("3-D", "4-D") and operation in ("polar", "svd", "lmo"):
        return "b"
    if operation == "momentum":
        return "a" if value in SPECTRA else "g" if value in SHAPES else "e"
    if value in SPECTRA and operation == "cosh-rms":
        return "d"
    if value in SPECTRA and operation in ("step", "newton-schulz"):
        return "c" if value.startswith("deficient") or value in ("zero", "full, 1", "rank one") else "h"
    if value.startswith("deficient"):
        return "c"
    if value in SIZES:
        return "f" if operation == "step" and value == "subnormal" else "e"
    return None


def tables(folder):
    """The markdown, and the empty cells without a reason."""
    lines, used, unexplained = [], set(), []
    for values, counts in zip((SPECTRA, SHAPES, SIZES), count(folder)):
        lines += ["| | " + " | ".join(OPERATIONS) + " |", "|---|" + "---:|" * len(OPERATIONS)]
        for value in values:
            cells = []
            for operation in OPERATIONS:
                found, why = counts[operation].get(value, 0), reason(operation, value)
                if not found:
                    used.add(why)
                    unexplained += [] if why else [f"{operation}, {value}"]
                cells.append(str(found) if found else f"({why})")
            lines.append(f"| {value} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [f"({key}) {text}." for key, text in REASONS.items() if key in used]
    return "\n".join(lines), unexplained


if __name__ == "__main__":
    text, unexplained = tables(sys.argv[1])
    print(text)
    if unexplained:
        sys.exit("no reason for: " + "; ".join(unexplained))
