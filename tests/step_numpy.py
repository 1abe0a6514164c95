#!/usr/bin/python3
"""Does `assay ref step` compute the optimizers that the ports describe? A second computation, in numpy, says what it
should be: written from the ports' sources and the papers, not from the program.

usage: step_numpy.py [ASSAY] [--self-test]

ASSAY is the program (build/assay). --self-test spoils this file's own formulas instead, one constant at a time, and
passes if the comparison notices each time. Exits with 0 if all is well, 1 if not, 77 if numpy is missing.

What the sources leave open is decided thus:
  * Real arithmetic everywhere: the ports' casts to bf16 and fp16 are left out. Constants are the binary64 numbers
    nearest to the decimals in the port.
  * --momentum is beta, the decay of the buffer, whatever the port calls it (Scion's argument is 1 - beta).
  * polar-express and msign are orthogonalisers only: they stand inside Keller Jordan's step.
  * Steps without gradient: see absent_gradient().
  * More decisions stand where they apply.

Arithmetic here is numpy's longdouble, 64 bits of significand or more, for one reason: five steps of Newton-Schulz
magnify small singular values by up to 8.2 * 4.1 * 3.9 * 3.3 * 2.3 = 1000, five optimizer steps are compared, and in
binary64 that leaves 1e-16 * 1000 * (sums of a dozen products) = 1e-12, the bound itself. In longdouble it leaves 1e-15.
What is larger, up to 5e-14, are last digits of coefficients: Polar Express computes its ten triples and the divisions
by its safety factors in binary64, whose rounding depends on who computes.
"""
import argparse
import concurrent.futures
import dataclasses
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("step_numpy: skipped, because numpy is not installed")
    sys.exit(77)

REAL = np.longdouble
if np.finfo(REAL).eps > 2e-19:
    print("step_numpy: skipped, because numpy has no number longer than binary64 here")
    sys.exit(77)

TOLERANCE = 1e-12  # of the largest entry of the tensor at that step; a tensor that must be 0 must be exactly 0
SAME = 1e-6  # how near parameters of dialects that coincide are, of the largest one
SETTINGS = {"lr": 0.05, "beta": 0.9, "wd": 0.1}


# ---------------------------------------------------------------------------------------------- safetensors, by hand

def save(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array, "<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": np.shape(array), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    with open(path, "rb") as file:
        raw = file.read()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(raw[start:], "<f8", (entry["data_offsets"][1] - entry["data_offsets"][0]) // 8,
                                entry["data_offsets"][0]).reshape(entry["shape"]) for name, entry in header.items()}


# ------------------------------------------------------------------------------------- knobs, for --self-test to turn

class Knobs:
    """What --self-test multiplies a kind of constant by, and which kinds a dialect has used."""
    factors = {}
    used = set()


def knob(kind, value):
    Knobs.used.add(kind)
    return REAL(value) * Knobs.factors.get(kind, REAL(1))


# ------------------------------------------------------------------------------------------------------------ algebra

def swap(x):
    return np.swapaxes(x, -1, -2)


def fro(x):
    """Frobenius norm of each matrix of the last two dimensions."""
    return np.sqrt(np.sum(x * x, axis=(-2, -1), keepdims=True))


def whole_norm(x):
    """Euclidean norm of the whole tensor."""
    return np.sqrt(np.sum(x * x))


def quotient(x, y):
    """x / y, and 0 where y = 0."""
    return np.where(y == 0, REAL(0), x / np.where(y == 0, REAL(1), y))


def flat(x):
    """(out, in, ...) as the matrix out x (in ...)."""
    return x.reshape(x.shape[0], -1)


def svd(matrix):
    """U, sigma, V with matrix = U diag(sigma) V^T, sigma > 0 only: one-sided Jacobi (Hestenes 1958).

    Singular values below 1e-17 of the largest are zeros: no input here has one between 1e-18 and 1e-16. The vectors
    are as good for small ones as for large ones if it is by rows, or columns, that the matrix is small (Demmel &
    Veselic 1992), and so they are here."""
    if matrix.shape[0] < matrix.shape[1]:
        u, sigma, v = svd(matrix.T)
        return v, sigma, u
    a, v = matrix.astype(REAL), np.eye(matrix.shape[1], dtype=REAL)
    largest = whole_norm(a)
    a = quotient(a, largest)
    for _ in range(40):
        worst = REAL(0)
        for i, j in itertools.combinations(range(a.shape[1]), 2):
            alpha, beta, gamma = a[:, i] @ a[:, i], a[:, j] @ a[:, j], a[:, i] @ a[:, j]
            if abs(gamma) <= 1e-19 * np.sqrt(alpha * beta) or min(alpha, beta) < 1e-34:
                continue
            worst = max(worst, abs(gamma) / np.sqrt(alpha * beta))
            zeta = (beta - alpha) / (2 * gamma)
            t = (1 if zeta >= 0 else -1) / (abs(zeta) + np.sqrt(1 + zeta * zeta))
            cosine = 1 / np.sqrt(1 + t * t)
            turn = np.array([[cosine, cosine * t], [-cosine * t, cosine]], REAL)
            a[:, [i, j]], v[:, [i, j]] = a[:, [i, j]] @ turn, v[:, [i, j]] @ turn
        if worst < 1e-17:
            break
    sigma = np.sqrt(np.sum(a * a, axis=0))
    kept = sigma > 1e-17 * max(sigma.max(initial=REAL(0)), REAL(1e-30))
    return a[:, kept] / sigma[kept], sigma[kept] * largest, v[:, kept]


def polar(matrix):
    """U_r V_r^T of the reduced singular value decomposition: the least of the isometries, 0 for 0."""
    u, _, v = svd(matrix)
    return u @ v.T


# ------------------------------------------------------------------------------------------- Newton-Schulz coefficients

# KellerJordan/Muon @857d1ad and most others
JORDAN = [(3.4445, -4.7750, 2.0315)]
# timm "quintic", Emerging-Optimizers "quintic", dion, HeavyBall: one triple for each of five steps
YOU5 = [(4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037), (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012)]
# modded-nanogpt, nanochat, dion: Polar Express for five steps, l = 1e-3, safety 2e-2, cushion 2e-2
PE5 = [(8.156554524902461, -22.48329292557795, 15.878769915207462),
       (4.042929935166739, -2.808917465908714, 0.5000178451051316),
       (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
       (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
       (2.3465413258596377, -1.7097828382687081, 0.42323551169305323)]
# NoahAmsel/PolarExpress @5454910: optimal_composition(l=1e-3, num_iters=10, safety_factor_eps=1e-2, cushion=.02), as
# computed by its code
PE10 = [(8.237312490495555, -23.157747414558198, 16.680568411445915),
        (4.082441999064838, -2.893047735332589, 0.5252849256975651),
        (3.9263479922546547, -2.854746803476529, 0.5318022422894988),
        (3.2982187133085152, -2.424541981026706, 0.48632008358844064),
        (2.297036943455257, -1.63662558125903, 0.4002628455953626),
        (1.8763805351440408, -1.2347896577722248, 0.35891887501668485),
        (1.856442348572721, -1.2132449881149632, 0.3568003487930794),
        (1.8564367725311115, -1.2132398983353458, 0.3568007177502274),
        (1.8564311670389742, -1.2132289082904242, 0.3567953310203733),
        (1.8749954775665585, -1.249990955154933, 0.3749954775883744)]
# the listing of arXiv 2505.16932, without safety
PAPER8 = [(8.28721201814563, -23.595886519098837, 17.300387312530933),
          (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
          (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
          (3.3184196573706015, -2.488488024314874, 0.51004894012372),
          (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
          (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
          (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
          (1.875, -1.25, 0.375)]


def safer(triples, factor):
    """The polynomial p(x / factor): a / factor, b / factor^3, c / factor^5."""
    return [tuple(REAL(x) / REAL(factor) ** power for x, power in zip(triple, (1, 3, 5))) for triple in triples]


# thinking-machines-lab/manifolds src/msign.py @89dcae5: all but the last divided by 1.01
MSIGN = safer(PAPER8[:7], 1.01) + PAPER8[7:]
# Dao-AILab/gram-newton-schulz @f08f25e: the first five, all divided by 1.05
GRAM = safer(PAPER8[:5], 1.05)
# timm and kozistr, "polar_express" and "polar_express_safer": eight steps, safety 1e-2 and 2e-2
PE8 = [(8.237312490495555, -23.157747414558198, 16.680568411445915),
       (4.082441999064835, -2.893047735332586, 0.5252849256975648),
       (3.9263479922546582, -2.8547468034765298, 0.5318022422894988),
       (3.2982187133085143, -2.424541981026706, 0.48632008358844075),
       (2.2970369434552573, -1.63662558125903, 0.4002628455953627),
       (1.8763805351440397, -1.2347896577722228, 0.35891887501668385),
       (1.8564423485617974, -1.2132449880935525, 0.3568003487825883),
       (1.8749994008682747, -1.2499988017229169, 0.3749994008546422)]
PE8_SAFER = [(8.156554524902461, -22.48329292557795, 15.878769915207462),
             (4.0429299351667245, -2.808917465908704, 0.5000178451051299),
             (3.8916678022926563, -2.7724841532176825, 0.5060648178503389),
             (3.285753657755658, -2.3681294933425394, 0.46449024233003117),
             (2.3005307116270983, -1.6111665557258408, 0.3833374427545273),
             (1.8631210546382593, -1.2042160621002727, 0.3421879560523383),
             (1.8382572152247512, -1.1779263289537742, 0.3396513038637379),
             (1.8749999923301852, -1.2499999836060613, 0.374999991275876)]
# NVIDIA-NeMo/Emerging-Optimizers @fd77292
NVIDIA_PE8 = [(8.2051, -22.9019, 16.4607), (4.0664, -2.8612, 0.5184), (3.9096, -2.8234, 0.5250),
              (3.2856, -2.4153, 0.4853), (2.2779, -1.6198, 0.3985), (1.8726, -1.2307, 0.3585),
              (1.8564, -1.2132, 0.3568), (1.8750, -1.2500, 0.3750)]
CANS = [(8.4703, -25.1081, 18.6293), (4.1828, -3.1087, 0.5806), (3.9619, -2.9541, 0.5630), (3.2866, -2.4647, 0.5074),
        (2.2737, -1.6447, 0.4162)]
NVIDIA_AOL = [(4.0098, -7.0585, 2.4635), (3.4585, -5.5479, 2.5959), (2.7573, -3.2939, 1.4254),
              (2.7215, -3.0494, 1.3169)]
DEEPSEEK_V4 = JORDAN * 8 + [(2, -1.5, 0.5)] * 2
CUBIC5 = [(3.3656576, -3.3420992, 0), (2.5744352, -1.4957376, 0), (2.5368962, -1.4312570, 0),
          (2.4418906, -1.2764040, 0), (2.2230472, -0.9630650, 0)]
# microsoft/dion @0a059a4
DION_AOL = [(4.6051, -9.6552, 5.6769), (4.7505, -6.0861, 2.1790), (2.7763, -2.3190, 0.5523), (2.4231, -2.2861, 0.8193)]


def repeat_last(triples, steps):
    return (list(triples) + [triples[-1]] * steps)[:steps]


def cycle(triples, steps):
    return [triples[i % len(triples)] for i in range(steps)]


# -------------------------------------------------------------------------------------------------- orthogonalisers

# X <- a X + (b A + c A^2) X, A = X X^T on the shorter side: transposed if rows > cols. All ports; those that write it
# otherwise (Horner, Gram, X^T X from the right) compute the same in real arithmetic.
def iterate(x, triples):
    if x.shape[-2] > x.shape[-1]:
        return swap(iterate(swap(x), triples))
    for a, b, c in triples:
        gram = x @ swap(x)
        x = knob("coefficient", a) * x + (REAL(b) * gram + REAL(c) * (gram @ gram)) @ x
    return x


# X / (k ||X||_F + eps), for each matrix of the last two dimensions
def added(x, eps, factor=1.0):
    return x / (REAL(factor) * fro(x) + knob("eps", eps))


# X / max(||X||_F, eps)
def clamped(x, eps):
    return x / np.maximum(fro(x), knob("eps", eps))


# KellerJordan/Muon muon.py: QK5 of X / (||X|| + 1e-7)
def ns_jordan(u):
    return iterate(added(u, 1e-7), JORDAN * 5)


# torch/optim/_muon.py, kozistr, lucidrains, burn: QK5 of X / max(||X||, 1e-7)
def ns_torch(u):
    return iterate(clamped(u, 1e-7), JORDAN * 5)


# dion_reference.py, optax contrib/_muon.py: QK5 of X / (||X|| + 1e-8)
def ns_optax(u):
    return iterate(added(u, 1e-8), JORDAN * 5)


# timm, HeavyBall: YOU5 of X / max(||X||, 1e-7)
def ns_timm(u):
    return iterate(clamped(u, 1e-7), YOU5)


# Emerging-Optimizers @fd77292: YOU5 of F.normalize(X, eps=1e-15) (earlier commits: 1e-7)
def ns_emerging(u):
    return iterate(clamped(u, 1e-15), YOU5)


# dion muon.py @0a059a4: PE-5 of X / (1.02 ||X|| + 1e-8)
def ns_dion(u):
    return iterate(added(u, 1e-8, 1.02), PE5)


# gram-newton-schulz: PAPER8[:5] / 1.05 of X / (||X|| + 1e-7)
def ns_gram(u):
    return iterate(added(u, 1e-7), GRAM)


# levanter optim/muon.py: ten steps
def ns_levanter(u):
    return iterate(added(u, 1e-7), JORDAN * 10)


# polar_express.py: the first five of ten triples, X / (1.01 ||X|| + 1e-7)
def ns_polar_express(u):
    return iterate(added(u, 1e-7, 1.01), PE10[:5])


# msign.py: X / (1.01 ||X||) without eps, NaN to 0; ten steps, the eighth triple repeated
def ns_msign(u):
    return iterate(quotient(u, REAL(1.01) * fro(u)), repeat_last(MSIGN, 10))


# modded-nanogpt train_gpt.py: PE-5 of X / (1.02 ||X|| + 1e-6)
def ns_modded_nanogpt(u):
    return iterate(added(u, 1e-6, 1.02), PE5)


# nanochat optim.py: row i of X times (||X||_F / sqrt(r)) / max(||X_i||, 1e-6), then X / (1.01 ||X|| + 1e-6), PE-5
def ns_nanochat(u):
    rows = np.maximum(np.sqrt(np.sum(u * u, axis=-1, keepdims=True)), knob("row eps", 1e-6))
    return iterate(added(u * (fro(u) / np.sqrt(REAL(u.shape[-2]))) / rows, 1e-6, 1.01), PE5)


# then O <- O sqrt(min(r, c)) / max(||O||, 1e-6). Decided: to `assay ref newton-schulz` this is part of the iteration
def ns_nanochat_snapped(u):
    o = ns_nanochat(u)
    return o * (np.sqrt(REAL(min(o.shape[-2:]))) / np.maximum(fro(o), knob("snap eps", 1e-6)))


# arXiv 2509.24320 section 3.2: one step of A = X X^T, X <- a X + (b A + c A^2) X on X = u / (||u|| + 1e-7). The paper
# prints no a, b, c; decided: Jordan's.
def ns_hybrid_paper(u):
    return iterate(added(u, 1e-7), JORDAN)


# modded-nanogpt 2024-10-10: a matrix with r = 3 c is three c x c blocks (query, key, value), each orthogonalised alone
def ns_thirds(u):
    if u.shape[-2] != 3 * u.shape[-1]:
        return ns_jordan(u)
    return np.concatenate([ns_jordan(block) for block in np.split(u, 3, axis=-2)], axis=-2)


NEWTON_SCHULZ = {
    "jordan": ns_jordan, "deepspeed": ns_jordan, "moonlight": ns_jordan, "scion": ns_jordan,
    "scion-unconstrained": ns_jordan, "keras": ns_jordan, "mlx": ns_jordan, "tinygrad": ns_jordan,
    "normuon": ns_jordan, "hybrid-auon": ns_jordan, "modded-nanogpt-2024": ns_thirds, "torch": ns_torch,
    "torch-match-rms": ns_torch, "kozistr": ns_torch, "lucidrains": ns_torch, "burn": ns_torch, "optax": ns_optax,
    "dion-reference": ns_optax, "timm": ns_timm, "heavyball": ns_timm, "emerging": ns_emerging, "dion": ns_dion,
    "gram-newton-schulz": ns_gram, "levanter": ns_levanter, "polar-express": ns_polar_express, "msign": ns_msign,
    "modded-nanogpt": ns_modded_nanogpt, "nanochat": ns_nanochat_snapped, "hybrid-auon-paper": ns_hybrid_paper,
}


# ---------------------------------------------------------------------------------------------- momentum and Nesterov

class Hyper:
    """One step's hyperparameters; whoever reads one leaves a trace in Knobs.used."""

    def __init__(self, lr, beta, wd):
        self.given = {"lr": lr, "beta": beta, "wd": wd}

    lr = property(lambda self: knob("lr", self.given["lr"]))
    beta = property(lambda self: knob("beta", self.given["beta"]))
    wd = property(lambda self: knob("wd", self.given["wd"]))


@dataclasses.dataclass
class State:
    """Parameter, momentum buffer, second moment, and the number of the step, from 1."""
    p: np.ndarray
    m: np.ndarray
    v: object = None
    t: int = 1


# m <- beta m + (1 - beta) g ("lerp"); u = m
def ema(state, g, h):
    state.m = h.beta * state.m + (1 - h.beta) * g
    return state.m


# m as above; u = g.lerp_(m, beta) = (1 - beta) g + beta m
def ema_lerp(state, g, h):
    return (1 - h.beta) * g + h.beta * ema(state, g, h)


# m as above; u = g + m (HeavyBall's default, "Grokfast")
def ema_sum(state, g, h):
    return g + ema(state, g, h)


# m <- beta m + g; u = m
def heavy_ball(state, g, h):
    state.m = h.beta * state.m + g
    return state.m


# m as above; u = g + beta m
def heavy_ball_add(state, g, h):
    return g + h.beta * heavy_ball(state, g, h)


# optax: mu <- beta mu + (1 - beta) g, stored without correction; u = beta mu / (1 - beta^(t+1)) + (1 - beta) g /
# (1 - beta^t), t = 1, 2, ...
def ema_nadam(state, g, h):
    m = ema(state, g, h)
    return h.beta * m / (1 - h.beta ** (state.t + 1)) + (1 - h.beta) * g / (1 - h.beta ** state.t)


# mlx: g <- g + wd p before the momentum, then as Jordan's
def l2_ema_lerp(state, g, h):
    return ema_lerp(state, g + h.wd * state.p, h)


# torch.optim.SGD: g <- g + wd p, m <- beta m + g
def l2_heavy_ball(state, g, h):
    return heavy_ball(state, g + h.wd * state.p, h)


# ---------------------------------------------------------------------------------------------------- scales and decay

def max1(rows, columns):
    """sqrt(max(1, rows / columns))"""
    return knob("scale", np.sqrt(max(REAL(1), REAL(rows) / REAL(columns))))


def ratio(rows, columns):
    """sqrt(rows / columns)"""
    return knob("scale", np.sqrt(REAL(rows) / REAL(columns)))


def sqrt_max(rows, columns, factor=1.0):
    """factor sqrt(max(rows, columns)); the factor is 0.2 in Moonlight's rule"""
    return knob("scale", REAL(factor) * np.sqrt(REAL(max(rows, columns))))


def plain(state, direction, h):
    """p <- p (1 - lr wd) - lr s O, all of it of the old p: decoupled decay; `direction` is s O. The change of p."""
    return -h.lr * direction - h.lr * h.wd * state.p


# --------------------------------------------------------------------------------------------------------- dialects

@dataclasses.dataclass
class Dialect:
    momentum: object  # makes u of the gradient and advances the buffer; None: `step` does it itself
    step: object      # (state, u, hyper) -> the change of p
    nd: bool          # whether it defines 3-D and 4-D tensors
    absent: str       # absent_gradient()


DIALECTS = {}


def dialect(*names, momentum, nd=False, absent="skip"):
    def enter(step):
        for name in names:
            DIALECTS[name] = Dialect(momentum, step, nd, absent)
        return step
    return enter


# KellerJordan/Muon muon.py @857d1ad: m lerp; u lerp; 4-D: view(out, -1) for Newton-Schulz; but
# s = sqrt(max(1, grad.size(-2) / grad.size(-1))), of the 4-D gradient kh / kw; 3-D is a batch; p *= 1 - lr wd first.
# deepspeed original_muon.py @edaa722: the same formulas. polar-express, msign: other orthogonalisers in the same step.
def jordan_with(orthogonalise):
    def step(state, u, h):
        matrix = flat(u) if u.ndim == 4 else u
        return plain(state, max1(*u.shape[-2:]) * orthogonalise(matrix).reshape(u.shape), h)
    return step


for _name in "jordan", "deepspeed", "polar-express", "msign":
    dialect(_name, momentum=ema_lerp, nd=True, absent="zero")(jordan_with(NEWTON_SCHULZ[_name]))


# torch/optim/_muon.py v2.12.0, adjust_lr_fn "original": m lerp, u lerp, s = sqrt(max(1, r / c)); matrices only
@dialect("torch", momentum=ema_lerp)
def torch(state, u, h):
    return plain(state, max1(*u.shape) * ns_torch(u), h)


# the same, adjust_lr_fn "match_rms_adamw": s = 0.2 sqrt(max(r, c))
@dialect("torch-match-rms", momentum=ema_lerp)
def torch_match_rms(state, u, h):
    return plain(state, sqrt_max(*u.shape, 0.2) * ns_torch(u), h)


# modded-nanogpt 2024-10-10 @f411b3d: m = beta m + g, u = g + beta m, s = sqrt(max(r, c)); r = 3 c: three blocks, each
# with s = sqrt(c); no decay; matrices only
@dialect("modded-nanogpt-2024", momentum=heavy_ball_add)
def modded_nanogpt_2024(_, u, h):
    rows, columns = u.shape
    return -h.lr * sqrt_max(columns if rows == 3 * columns else rows, columns) * ns_thirds(u)


# Variance reduction of modded-nanogpt and nanochat: q = mean of O^2 along the longer side (rows if r >= c, so of
# squares too), v <- v + (1 - beta2)(q - v) from 0, h = max(v, 1e-10)^(-1/2), O <- O h n0 / max(n1, 1e-10) with
# n0 = ||O||, n1 = ||O h||
def reduce_variance(state, o, beta2):
    beta2 = knob("beta2", beta2)
    q = np.mean(o * o, axis=-1 if o.shape[-2] >= o.shape[-1] else -2, keepdims=True)
    state.v = (1 - beta2) * q + (beta2 * state.v if state.v is not None else 0)
    scaled = o / np.sqrt(np.maximum(state.v, knob("variance eps", 1e-10)))
    return scaled * (fro(o) / np.maximum(fro(scaled), knob("variance eps", 1e-10)))


# modded-nanogpt train_gpt.py: m lerp, u lerp, variance reduction with beta2 0.9, lr_mul = s = sqrt(max(1, r / c)) of
# the last two dimensions; cautious: p <- p - p [O p >= 0] (wd lr) (s lr) - O s lr. Stacks are batches.
@dialect("modded-nanogpt", momentum=ema_lerp, nd=True)
def modded_nanogpt(state, u, h):
    o = reduce_variance(state, ns_modded_nanogpt(u), 0.9)
    rate = max1(*u.shape[-2:]) * h.lr
    return -state.p * (o * state.p >= 0) * (h.wd * h.lr) * rate - o * rate


# nanochat optim.py: m lerp, u lerp, equilibrated Newton-Schulz, O <- O sqrt(min(r, c)) / max(||O||, 1e-6), variance
# reduction with beta2 0.95, L = lr sqrt(max(1, r / c)), p <- p - (L O + L wd p [O p >= 0]). Stacks are batches.
@dialect("nanochat", momentum=ema_lerp, nd=True)
def nanochat(state, u, h):
    o = reduce_variance(state, ns_nanochat_snapped(u), 0.95)
    rate = h.lr * max1(*u.shape[-2:])
    return -(rate * o + rate * h.wd * state.p * (o * state.p >= 0))


# zichongli5/NorMuon normuon.py: m lerp, u lerp; 4-D: flat for Newton-Schulz only, then 4-D again; of the last two
# dimensions, always by rows: n0 = ||O||, v <- v + (1 - beta2)(mean_j O^2 - v) from 0, O <- O / (sqrt(v) + 1e-10),
# O <- O n0 / (||O|| + 1e-10); s = sqrt(max(1, size(-2) / size(-1))) of the gradient; p *= 1 - lr wd
@dialect("normuon", momentum=ema_lerp, nd=True, absent="zero without decay")
def normuon(state, u, h):
    o = ns_jordan(flat(u) if u.ndim == 4 else u).reshape(u.shape)
    beta2 = knob("beta2", 0.95)
    q = np.mean(o * o, axis=-1, keepdims=True)
    state.v = (1 - beta2) * q + (beta2 * state.v if state.v is not None else 0)
    before = fro(o)
    o = o / (np.sqrt(state.v) + knob("variance eps", 1e-10))
    o = o * (before / (fro(o) + knob("variance eps", 1e-10)))
    return plain(state, max1(*u.shape[-2:]) * o, h)


# MoonshotAI/Moonlight toy_train.py: m = beta m + g, u = g + beta m, 0.2 sqrt(max(r, c)), p *= 1 - lr wd (the
# unadjusted lr); asserts matrices
@dialect("moonlight", momentum=heavy_ball_add)
def moonlight(state, u, h):
    return plain(state, sqrt_max(*u.shape, 0.2) * ns_jordan(u), h)


# keras optimizers/muon.py @3422977: m = beta m + g, u = g + beta m, rms_rate 0.2 sqrt(max), p -= p wd lr; matrices only
@dialect("keras", momentum=heavy_ball_add)
def keras(state, u, h):
    return plain(state, sqrt_max(*u.shape, 0.2) * ns_jordan(u), h)


# timm/optim/muon.py: m lerp, no Nesterov, YOU5, ndim >= 3: (out, -1), 0.2 sqrt(max) of the reshaped matrix
@dialect("timm", momentum=ema, nd=True)
def timm(state, u, h):
    matrix = flat(u)
    return plain(state, sqrt_max(*matrix.shape, 0.2) * ns_timm(matrix).reshape(u.shape), h)


# kozistr/pytorch_optimizer: m lerp, u lerp, ndim > 2: (out, -1), use_adjusted_lr=False: 0.2 sqrt(max(out, prod(in)))
@dialect("kozistr", momentum=ema_lerp, nd=True)
def kozistr(state, u, h):
    matrix = flat(u)
    return plain(state, sqrt_max(*matrix.shape, 0.2) * ns_torch(matrix).reshape(u.shape), h)


# microsoft/dion dion/muon.py @0a059a4: m = beta m + g, no Nesterov, PE-5, sqrt(out / in) without max; flatten=False:
# matrices are the last two dimensions
@dialect("dion", momentum=heavy_ball, nd=True)
def dion(state, u, h):
    return plain(state, ratio(*u.shape[-2:]) * ns_dion(u), h)


# microsoft/dion dion/muon_reference.py: m = beta m + g, u = g + beta m, sqrt(r / c); matrices only
@dialect("dion-reference", momentum=heavy_ball_add)
def dion_reference(state, u, h):
    return plain(state, ratio(*u.shape) * ns_optax(u), h)


# LIONS-EPFL/scion scion.py: m EMA, no Nesterov; (out, -1); s = sqrt(out / in), in = shape[1], 3-D over k, 4-D over k^2
# with k = shape[2]
def scion_direction(u):
    s = ratio(*u.shape[:2])
    if u.ndim > 2:
        s = s / REAL(u.shape[2]) ** (u.ndim - 2)
    return s * ns_jordan(flat(u)).reshape(u.shape)


# constrained: p *= 1 - lr, whatever the weight decay, then p -= lr s O
@dialect("scion", momentum=ema, nd=True)
def scion(state, u, h):
    return -h.lr * state.p - h.lr * scion_direction(u)


# unconstrained: no decay
@dialect("scion-unconstrained", momentum=ema, nd=True)
def scion_unconstrained(_, u, h):
    return -h.lr * scion_direction(u)


# Dao-AILab/gram-newton-schulz muon.py: m = beta m + g, u = g + beta m, 0.2 sqrt(max) of shape[-2:], batch
@dialect("gram-newton-schulz", momentum=heavy_ball_add, nd=True)
def gram_newton_schulz(state, u, h):
    return plain(state, sqrt_max(*u.shape[-2:], 0.2) * ns_gram(u), h)


# HomebrewML/HeavyBall @07887bd: m EMA, u = g + m, YOU5, flatten(1, -1), sqrt(max(1, r / c)) of the flat matrix
@dialect("heavyball", momentum=ema_sum, nd=True)
def heavyball(state, u, h):
    matrix = flat(u)
    return plain(state, max1(*matrix.shape) * ns_timm(matrix).reshape(u.shape), h)


# NVIDIA-NeMo/Emerging-Optimizers @fd77292: m lerp, no Nesterov, YOU5, sqrt(max(out, in)) without 0.2; matrices only
@dialect("emerging", momentum=ema)
def emerging(state, u, h):
    return plain(state, sqrt_max(*u.shape) * ns_emerging(u), h)


# lucidrains/adam-atan2 @b42d7cb: m lerp, no Nesterov, 0.2 sqrt(max(last two)); 3-D is a batch; 4-D bypasses
# Newton-Schulz and keeps the factor
@dialect("lucidrains", momentum=ema, nd=True)
def lucidrains(state, u, h):
    return plain(state, sqrt_max(*u.shape[-2:], 0.2) * (u if u.ndim == 4 else ns_torch(u)), h)


# optax contrib/_muon.py @2edbcbe: kernels are (in, out): s = sqrt(max(1, cols / rows)); p -= lr (s O + wd p); what is
# not a matrix goes to AdamW
@dialect("optax", momentum=ema_nadam)
def optax(state, u, h):
    return plain(state, max1(u.shape[1], u.shape[0]) * ns_optax(u), h)


# ml-explore/mlx optimizers.py @846d176: L2, m EMA, u lerp, ndim > 2: (shape[0], -1), s = sqrt(max(1, shape[-2] /
# shape[-1])) of the tensor as stored; no other decay
@dialect("mlx", momentum=l2_ema_lerp, nd=True)
def mlx(_, u, h):
    return -h.lr * max1(*u.shape[-2:]) * ns_jordan(flat(u)).reshape(u.shape)


# tinygrad nn/optim.py @a9069c1: m = beta m + g, u = g + beta m, (shape[0], -1), no scale; decided: with the decay
# p (1 - wd lr) that it intends and does not do
@dialect("tinygrad", momentum=heavy_ball_add, nd=True)
def tinygrad(state, u, h):
    return plain(state, ns_jordan(flat(u)).reshape(u.shape), h)


# tracel-ai/burn muon.rs @2c06be3: v = beta v + g (dampening 0), u = g + beta v, sqrt(max(1, shape[0] / shape[1])),
# p (1 - lr wd); matrices only
@dialect("burn", momentum=heavy_ball_add)
def burn(state, u, h):
    return plain(state, max1(*u.shape) * ns_torch(u), h)


# stanford-crfm/levanter optim/muon.py @094aecc: m = beta m + g, u = g + beta m, ten steps, sqrt(max(1, r / c)),
# p -= lr (s O + wd p); stacked layers are mapped: the last two dimensions
@dialect("levanter", momentum=heavy_ball_add, nd=True)
def levanter(state, u, h):
    return plain(state, max1(*u.shape[-2:]) * ns_levanter(u), h)


# R = sqrt(mean(cosh(gamma y / (||y|| + 1e-7))^2)) over the whole tensor
def brake(y, gamma):
    x = y * (knob("gamma", gamma) / (whole_norm(y) + knob("eps", 1e-7)))
    return np.sqrt(np.mean(np.cosh(x) ** 2))


# ryyzn9/AuON auon/optimizer.py @bba2e82, AuON: p *= 1 - lr wd; m lerp; u lerp; p -= lr u / (R + 1e-8), gamma 1.5, u not
# normalised, no scale; any shape. (u = 0 skips the subtraction, of 0.)
@dialect("auon", momentum=ema_lerp, nd=True)
def auon(state, u, h):
    return plain(state, u / (brake(u, 1.5) + knob("cosh eps", 1e-8)), h)


# the same, HybridAuON: u <- QK5 of u for each matrix of the last two dimensions, then the brake over the whole tensor
@dialect("hybrid-auon", momentum=ema_lerp, nd=True)
def hybrid_auon(state, u, h):
    y = ns_jordan(u)
    return plain(state, y / (brake(y, 1.5) + knob("cosh eps", 1e-8)), h)


# arXiv 2509.24320 section 3.1: X = u / (||u|| + 1e-7), R = sqrt(mean(cosh(X)^2)), U = X / (R + 1e-8)
def cosh_normalised(u):
    return u / (whole_norm(u) + knob("eps", 1e-7)) / (brake(u, 1.0) + knob("cosh eps", 1e-8))


# the same section; decided: EMA without Nesterov, no scale, no decay
@dialect("auon-paper", momentum=ema, nd=True)
def auon_paper(_, u, h):
    return -h.lr * cosh_normalised(u)


# ryyzn9/AuON Auon_Adam_train.py @c87b862: m lerp, u lerp, the paper's formula, s = sqrt(max(1, r / c)), no decay
@dialect("auon-2025-10", momentum=ema_lerp)
def auon_2025_10(_, u, h):
    return -h.lr * max1(*u.shape) * cosh_normalised(u)


# arXiv 2509.24320 section 3.2: X = one step of Newton-Schulz, U = X / (mean(cosh(X)^2) + delta), without root; decided:
# delta = 1e-8, EMA without Nesterov, no scale, no decay
def cosh_mean_square(u):
    x = ns_hybrid_paper(u)
    return x / (np.mean(np.cosh(x) ** 2) + knob("cosh eps", 1e-8))


@dialect("hybrid-auon-paper", momentum=ema)
def hybrid_auon_paper(_, u, h):
    return -h.lr * cosh_mean_square(u)


# torch.optim.AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019): p *= 1 - lr wd; m EMA; v EMA of g^2 with beta2 .999;
# p -= lr m-hat / (sqrt(v-hat) + 1e-8), hats divide by 1 - beta^t
@dialect("adamw", momentum=None, nd=True)
def adamw(state, g, h):
    beta2 = knob("beta2", 0.999)
    m = ema(state, g, h)
    state.v = (1 - beta2) * g * g + (beta2 * state.v if state.v is not None else 0)
    root = np.sqrt(state.v / (1 - beta2 ** state.t))
    return plain(state, m / (1 - h.beta ** state.t) / (root + knob("eps", 1e-8)), h)


# torch.optim.SGD: g += wd p; m = beta m + g; p -= lr m
@dialect("sgdm", momentum=l2_heavy_ball, nd=True)
def sgdm(_, u, h):
    return -h.lr * u


# Tuddenham et al. 2022, Orthogonal-SGDM: O = the orthogonal factor of the gradient, exact (rank-deficient: U_r V_r^T),
# m = beta m + (1 - beta) O, p -= lr m; decided: EMA, decoupled decay
@dialect("orthogonal-sgdm", momentum=None)
def orthogonal_sgdm(state, g, h):
    return plain(state, ema(state, polar(g), h), h)


# ---- Kovalev, arXiv 2503.12645, eqs (16), (17): m EMA, p <- (1 - lr wd) p - lr argmax {<m, D> : ||D|| <= 1}. Where
# there are several maximisers, decided: the one of least Frobenius norm.

# spectral norm: U_r V_r^T
def lmo_spectral(m):
    return polar(m)


# Frobenius norm: m / ||m||
def lmo_frobenius(m):
    return quotient(m, whole_norm(m))


# largest entry: sign(m), 0 at 0
def lmo_max(m):
    return np.sign(m)


# RMS -> RMS, sqrt(c / r) times the spectral norm: sqrt(r / c) U_r V_r^T
def lmo_rms(m):
    return np.sqrt(REAL(m.shape[0]) / REAL(m.shape[1])) * polar(m)


# nuclear norm: {U_1 S V_1^T : S >= 0, tr S = 1} over the top singular spaces; the least has S = I / k
def lmo_nuclear(m):
    u, sigma, v = svd(m)
    top = sigma >= sigma.max(initial=REAL(0)) * (1 - 1e-15)
    return u[:, top] @ v[:, top].T / REAL(max(np.sum(top), 1))


# sum of |entries|: convex hull of sign(m_ij) e_ij over the largest; the least spreads evenly
def lmo_sum(m):
    largest = (abs(m) == abs(m).max()) & (m != 0)
    return np.sign(m) * largest / REAL(max(np.sum(largest), 1))


# 1 -> RMS, max_j ||column j|| / sqrt(r): column j times sqrt(r) / ||column j||, zero columns 0
def lmo_column(m):
    return np.sqrt(REAL(m.shape[0])) * quotient(m, np.sqrt(np.sum(m * m, axis=0, keepdims=True)))


# RMS -> max, sqrt(c) max_i ||row i||: row i over sqrt(c) ||row i||, zero rows 0
def lmo_row(m):
    return quotient(m, np.sqrt(np.sum(m * m, axis=1, keepdims=True))) / np.sqrt(REAL(m.shape[1]))


LMO = {"spectral": lmo_spectral, "frobenius": lmo_frobenius, "max": lmo_max, "rms": lmo_rms, "nuclear": lmo_nuclear,
       "sum": lmo_sum, "column": lmo_column, "row": lmo_row}


def trust_region_with(lmo):
    return lambda state, u, h: plain(state, lmo(u), h)


dialect("trust-region", momentum=ema)(trust_region_with(lmo_spectral))
dialect("nsgdm", momentum=ema, nd=True)(trust_region_with(lmo_frobenius))
dialect("signsgdm", momentum=ema, nd=True)(trust_region_with(lmo_max))


# ------------------------------------------------------- variants: options of the ports, reached with --set or --norm

VARIANTS = {}


def variant(name, base, *options, **changes):
    """A dialect with options, and what it must then compute."""
    def enter(step):
        VARIANTS[name] = base, options, dataclasses.replace(DIALECTS[base], step=step, **changes)
        return step
    return enter


for _norm, _lmo in LMO.items():
    variant(f"trust-region --norm {_norm}", "trust-region", "--norm", _norm)(trust_region_with(_lmo))


# optax adaptive=True: O <- O <u, O> before the scale
@variant("optax adaptive", "optax", "--set", "post=dual-norm")
def optax_adaptive(state, u, h):
    o = ns_optax(u)
    return plain(state, max1(u.shape[1], u.shape[0]) * o * np.sum(u * o), h)


# optax preconditioning="spectral": X / (||X||_2 + eps)
@variant("optax spectral", "optax", "--set", "normalisation=spectral")
def optax_spectral(state, u, h):
    o = iterate(u / (svd(u)[1].max(initial=REAL(0)) + REAL(1e-8)), JORDAN * 5)
    return plain(state, max1(u.shape[1], u.shape[0]) * o, h)


# optax preconditioning="aol": s_i = max(sum_j |(X X^T)_ij|, 1e-8)^(-1/2) on the shorter side, X_i <- s_i X_i
@variant("optax aol", "optax", "--set", "normalisation=aol")
def optax_aol(state, u, h):
    x = u.T if u.shape[0] > u.shape[1] else u
    x = x / np.sqrt(np.maximum(np.sum(abs(x @ x.T), axis=1, keepdims=True), REAL(1e-8)))
    o = iterate(x, JORDAN * 5)
    return plain(state, max1(u.shape[1], u.shape[0]) * (o.T if u.shape[0] > u.shape[1] else o), h)


# optax preconditioning="schatten": X / sqrt(max(||X X^T||_F, 1e-8))
@variant("optax schatten", "optax", "--set", "normalisation=schatten")
def optax_schatten(state, u, h):
    x = u.T if u.shape[0] > u.shape[1] else u
    o = iterate(u / np.sqrt(np.maximum(whole_norm(x @ x.T), REAL(1e-8))), JORDAN * 5)
    return plain(state, max1(u.shape[1], u.shape[0]) * o, h)


# optax nesterov=False: u = mu / (1 - beta^t)
variant("optax without nesterov", "optax", "--set", "nesterov=unbiased",
        momentum=lambda state, g, h: ema(state, g, h) / (1 - h.beta ** state.t))(optax)


# modded-nanogpt 2024-10-10 with nesterov=False: u = g, for want of an else (KellerJordan/Muon#4)
def raw_gradient(state, g, h):
    heavy_ball(state, g, h)
    return g


variant("modded-nanogpt-2024 without nesterov", "modded-nanogpt-2024", "--set", "nesterov=raw",
        momentum=raw_gradient)(modded_nanogpt_2024)


# dion nesterov=True: u = g + beta m
variant("dion nesterov", "dion", "--set", "nesterov=add", momentum=heavy_ball_add)(dion)


# dion cautious_wd: p -= lr wd p where u p >= 0 (the orthogonalised u), with the base lr
@variant("dion cautious", "dion", "--set", "decay=cautious")
def dion_cautious(state, u, h):
    o = ns_dion(u)
    return -h.lr * ratio(*u.shape[-2:]) * o - h.lr * h.wd * state.p * (o * state.p >= 0)


# HeavyBall, scale mode "graft": O ||u|| / max(||O||, 1e-6) instead of the ratio
@variant("heavyball graft", "heavyball", "--set", "post=graft", "--set", "scale=one")
def heavyball_graft(state, u, h):
    o = ns_timm(flat(u))
    return plain(state, (o * whole_norm(u) / np.maximum(whole_norm(o), REAL(1e-6))).reshape(u.shape), h)


# timm, algo "adamuon": v = beta2 v + (1 - beta2) O^2 from 0, uncorrected, O / (sqrt(v) + 1e-7), then / (||.|| + 1e-7)
# times 0.2 sqrt(r c), instead of the scale
@variant("timm adamuon", "timm", "--set", "post=adamuon", "--set", "beta2=0.95", "--set", "scale=one", "--set",
         "scale-factor=0.2")
def timm_adamuon(state, u, h):
    o = ns_timm(flat(u)).reshape(u.shape)
    state.v = (1 - REAL(0.95)) * o * o + (REAL(0.95) * state.v if state.v is not None else 0)
    o = o / (np.sqrt(state.v) + REAL(1e-7))
    return plain(state, REAL(0.2) * np.sqrt(REAL(u.size)) * o / (whole_norm(o) + REAL(1e-7)), h)


# timm, conv_mode "batched": an out x in matrix for each spatial position, each with 0.2 sqrt(max(out, in)), times
# (number of positions)^(-1/2)
@variant("timm batched", "timm", "--set", "nd=positions")
def timm_batched(state, u, h):
    positions = u.reshape(u.shape[0], u.shape[1], -1)
    o = np.moveaxis(ns_timm(np.moveaxis(positions, -1, 0)), 0, -1).reshape(u.shape)
    s = sqrt_max(*u.shape[:2], 0.2) / np.sqrt(REAL(positions.shape[2]))
    return plain(state, s * o, h)


# Emerging-Optimizers, weight decay "independent": p -= wd p; "palm": p -= lr^2 wd p; "l2": g += wd p before m
@variant("emerging independent", "emerging", "--set", "decay=independent")
def emerging_independent(state, u, h):
    return -h.lr * sqrt_max(*u.shape) * ns_emerging(u) - h.wd * state.p


@variant("emerging palm", "emerging", "--set", "decay=squared")
def emerging_palm(state, u, h):
    return -h.lr * sqrt_max(*u.shape) * ns_emerging(u) - h.lr * h.lr * h.wd * state.p


@variant("emerging l2", "emerging", "--set", "decay=l2",
         momentum=lambda state, g, h: ema(state, g + h.wd * state.p, h))
def emerging_l2(_, u, h):
    return -h.lr * sqrt_max(*u.shape) * ns_emerging(u)


# burn MomentumConfig{dampening}: v_1 = g, then v = beta v + (1 - dampening) g; u = g + beta v, g undamped
def damped(state, g, h):
    fresh = state.t == 1 and not np.any(state.m)
    state.m = h.beta * state.m + (g if fresh else (1 - REAL(0.1)) * g)
    return g + h.beta * state.m


variant("burn dampening", "burn", "--set", "dampening=0.1", momentum=damped)(burn)


# ---------------------------------------------------------------------------------------------------------- a whole run

def absent_gradient(state, kind):
    """A step without gradient: the gradient and whether there is decay; None: the step does not take place.

    KellerJordan/Muon and its relatives put zeros for it (KellerJordan/Muon#36), NorMuon too, without decay; the others
    go on to the next parameter: buffers and the number of the step stay."""
    if kind == "skip":
        return None
    return np.zeros_like(state.p), kind == "zero"


def recompute(rule, case):
    """{tensor: one array for each step}"""
    state = State(case.param.astype(REAL), case.momentum.astype(REAL), None, case.first)
    out = {"params": [], "updates": [], "momentum": [], "second_moment": []}
    for g, lr, present in zip(case.grads.astype(REAL), case.lr, case.present):
        step = (g, True) if present else absent_gradient(state, rule.absent)
        update = np.zeros_like(state.p)
        if step:
            g, decays = step
            h = Hyper(lr, SETTINGS["beta"], SETTINGS["wd"] if decays else 0.0)
            update = rule.step(state, rule.momentum(state, g, h) if rule.momentum else g, h)
            state.p, state.t = state.p + update, state.t + 1
        out["params"].append(state.p)
        out["updates"].append(update)
        out["momentum"].append(state.m)
        out["second_moment"].append(state.v)
    return out


# --------------------------------------------------------------------------------------------------------------- inputs

@dataclasses.dataclass
class Case:
    name: str
    param: np.ndarray
    grads: np.ndarray
    ordinary: bool = False  # for the comparison of dialects with one another
    lr: object = None
    scheduled: bool = False
    present: object = None
    momentum: object = None
    first: int = 1

    def __post_init__(self):
        steps = len(self.grads)
        self.scheduled = self.lr is not None
        self.lr = self.lr if self.scheduled else [SETTINGS["lr"]] * steps
        self.tensors = {"param": self.param, "grads": self.grads}
        if self.scheduled:
            self.tensors["lr"] = np.array(self.lr)
        if self.present is not None:
            self.tensors["present"] = np.array(self.present, float)
        if self.momentum is not None:
            self.tensors["momentum"] = self.momentum
        self.present = self.present if self.present is not None else [1] * steps
        self.momentum = self.momentum if self.momentum is not None else np.zeros_like(self.param)


RNG = np.random.default_rng(20240917)


def designed(shape, size=1.0):
    """A random tensor whose matrices have singular values spread over [0.3, 3] times size: far from rank-deficient."""
    *batch, rows, columns = shape
    flat_batch = []
    for _ in range(int(np.prod(batch))):
        rank = min(rows, columns)
        left, right = (np.linalg.qr(RNG.standard_normal((n, rank)))[0] for n in (rows, columns))
        flat_batch.append(left * (size * RNG.permutation(np.geomspace(0.3, 3, rank))) @ right.T)
    return np.array(flat_batch).reshape(shape)


def gradients(shape, sizes):
    return np.array([designed(shape, size) for size in sizes])


def normal(*shape):
    return RNG.standard_normal(shape)


def one_hot(*shape):
    x = np.zeros(shape)
    x[..., 0, 0] = -1.5
    return x


# Sizes of successive gradients: one tiny, one exactly zero. In the two last, all the epsilons from 1e-6 to 1e-15 count,
# but for the 1e-10 beside second moments, which rows of uneven sizes need.
USUAL = [1, 1, 1e-7, 0, 1]
TINY, MINUTE = [1e-8, 1e-7, 1e-6, 1], [1e-17, 1e-16, 1e-14, 1e-11, 1e-9]

MATRICES = [
    Case("wide", normal(4, 7), gradients((4, 7), USUAL), ordinary=True),
    Case("tall", normal(7, 4), gradients((7, 4), USUAL), ordinary=True),
    Case("square", normal(5, 5), gradients((5, 5), USUAL), ordinary=True),
    Case("thirds", normal(12, 4), gradients((12, 4), USUAL[::-1]), ordinary=True),
    Case("tiny first", normal(4, 7), gradients((4, 7), TINY)),
    Case("minute", normal(7, 4), gradients((7, 4), MINUTE)),
    Case("uneven, wide", normal(4, 7), designed((2, 4, 7)) * np.array([[1], [1e-6], [1e-10], [2e-14]])),
    Case("uneven, tall", normal(7, 4), designed((2, 7, 4)) * np.array([[1, 1, 1, 1, 1e-4, 1e-10, 2e-14]]).T),
    Case("zero first", normal(5, 5), gradients((5, 5), [0, 1])),
    Case("schedule, absent", normal(4, 7), gradients((4, 7), [1] * 5), lr=[0.05, 0.02, 0.1, 0.0, 0.01],
         present=[1, 0, 1, 0, 1]),
    Case("absent first", normal(7, 4), gradients((7, 4), [1, 1]), present=[0, 1], momentum=designed((7, 4))),
    Case("momentum", normal(5, 5), gradients((5, 5), [1, 1]), momentum=designed((5, 5))),
    Case("fourth step", normal(4, 7), gradients((4, 7), [1, 1]), momentum=designed((4, 7)), first=4),
    Case("one-hot", normal(2, 2), np.array([one_hot(2, 2), one_hot(2, 2)])),
    Case("signs", normal(2, 4), np.array([[[1.0, 1, 1, 1], [1, -1, 1, -1]]] * 2)),
    Case("row", normal(1, 2), normal(2, 1, 2)),
    Case("number", normal(1, 1), normal(2, 1, 1)),
]
TENSORS = [
    Case("3-D", normal(3, 5, 4), gradients((3, 5, 4), [1, 1e-7, 1])),
    Case("4-D", normal(6, 2, 3, 3), gradients((6, 2, 3, 3), [1, 1e-7, 1])),
]
# Ties: two equal singular values, equal entries, zero rows and columns, no rank at all.
TIES = [
    Case("ties", normal(3, 3), np.array([np.diag([2.0, 2.0, 1.0])])),
    Case("equal entries", normal(2, 3), np.array([[[1.0, -1.0, 0.0], [0.5, 0.0, 0.0]]])),
    Case("rank one", normal(3, 4), np.outer([1.0, 2.0, -3.0], [3.0, 0.0, 1.0, -7.0])[None]),
    Case("zeros", normal(2, 3), np.zeros((1, 2, 3))),
]


# ---------------------------------------------------------------------------------------------------------- the program

class Program:
    """assay, run in a folder of its own, each answer in a file of its own."""

    def __init__(self, path, folder):
        self.path, self.folder, self.count = os.path.abspath(path), folder, itertools.count()

    def text(self, *arguments):
        return subprocess.run([self.path, *arguments], capture_output=True, text=True, encoding="utf-8", check=False)

    def answer(self, operation, source, *options):
        """({tensor: numbers}, ""), or (None, what it said)."""
        target = os.path.join(self.folder, f"answer{next(self.count)}.safetensors")
        run = self.text("ref", operation, source, *options, "--threads", "1", "-o", target)
        if run.returncode != 0:
            return None, f"exit {run.returncode}: {run.stderr.strip()}"
        tensors = load(target)
        os.remove(target)
        return tensors, ""

    def file(self, tensors):
        path = os.path.join(self.folder, f"input{next(self.count)}.safetensors")
        save(path, tensors)
        return path

    def step(self, name, case, path, *options):
        rate = [] if case.scheduled else ["--lr", str(SETTINGS["lr"])]
        first = ["--step", str(case.first)] if case.first != 1 else []
        return self.answer("step", path, "--dialect", name, *rate, *first, "--momentum", str(SETTINGS["beta"]),
                           "--weight-decay", str(SETTINGS["wd"]), *options)


# ----------------------------------------------------------------------------------------------------------- comparison

def differences(tensors, name, want):
    """What is wrong with one tensor of an answer, as sentences; `want` is what it should be. hi + lo is compared as it
    is, and hi must be hi + lo rounded."""
    high, low = tensors[name], tensors[name + ".lo"]
    got = (high.astype(REAL) + low).reshape(-1)
    want = np.asarray(want, REAL).reshape(-1)
    if got.shape != want.shape:
        return [f"{name} has {got.size} entries instead of {want.size}"]
    out = []
    error = abs(got - want)
    if not np.all(error <= TOLERANCE * abs(want).max(initial=REAL(0))):
        worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        out.append(f"{name} entry {worst}: {got[worst]:.20g} instead of {want[worst]:.20g}")
    if not np.all(high + low == high):
        out.append(f"{name}: the high part is not the sum rounded")
    return out


def compare_run(tensors, want):
    """The same for a whole run, step by step."""
    out = []
    for name in want:
        if name == "second_moment" and name not in tensors:
            if any(v is not None for v in want[name]):
                out.append("second_moment is missing")
            continue
        for step, values in enumerate(want[name]):
            if values is None:  # no step has taken place yet
                values = np.zeros_like(tensors[name][step])
            parts = {key: tensors[key][step] for key in (name, name + ".lo")}
            out += [f"step {step + 1} {line}" for line in differences(parts, name, values)]
    return out


def rejected(answer):
    tensors, said = answer
    return [] if tensors is None and said.startswith("exit 2: assay: ") else [
        f"computed something, but its sources define none: {said or 'exit 0'}"]


def check_answer(rule, case, answer):
    if case.param.ndim > 2 and not rule.nd:
        return rejected(answer)
    if answer[0] is None:
        return [answer[1]]
    return compare_run(answer[0], recompute(rule, case))


def all_runs():
    """(label, dialect, options, rule, case) of everything that is compared."""
    for name, rule in DIALECTS.items():
        for case in MATRICES + TENSORS:
            yield name, name, (), rule, case
    for label, (name, options, rule) in VARIANTS.items():
        cases = [MATRICES[0], MATRICES[1], MATRICES[4]] + (TENSORS if rule.nd else [])
        for case in cases + (TIES if name == "trust-region" else []):
            yield label, name, options, rule, case


# --------------------------------------------------------------------------------------------------------- the checks

def start(pool, program):
    """All the runs, under way: [(run, future)]."""
    paths = {case.name: program.file(case.tensors) for case in MATRICES + TENSORS + TIES}
    return [(run, pool.submit(program.step, run[1], run[4], paths[run[4].name], *run[2])) for run in all_runs()]


def check_steps(runs):
    return [f"{run[0]}, {run[4].name}: {line}"
            for run, future in runs for line in check_answer(run[3], run[4], future.result())]


def far(a, b):
    return abs(a - b).max() > SAME * max(abs(a).max(), abs(b).max())


def check_pairs(program, runs):
    """`coincides-with` is symmetric, and says which dialects agree where eps does not matter. Only ordinary inputs
    count: with a missing gradient, or tiny ones from the start, dialects that coincide may differ."""
    run = program.text("dialects", "--format", "json")
    if run.returncode != 0:
        return [f"assay dialects: exit {run.returncode}: {run.stderr.strip()}"]
    table = {name: set(entry["coincides-with"]) for name, entry in json.loads(run.stdout).items()}
    out = [] if set(table) == set(DIALECTS) else [f"other dialects: {sorted(set(table) ^ set(DIALECTS))}"]
    params = {(run[0], run[4].name): future.result()[0]["params"]
              for run, future in runs if run[4].ordinary and not run[2] and future.result()[0]}
    inputs = [case.name for case in MATRICES if case.ordinary]
    for one, other in itertools.permutations(sorted(set(table) & set(DIALECTS)), 2):
        listed = other in table[one]
        if listed and one not in table[other]:
            out.append(f"{one} coincides with {other}, but not the other way round")
        if one > other or any((name, case) not in params for name in (one, other) for case in inputs):
            continue
        apart = [case for case in inputs if far(params[one, case], params[other, case])]
        if listed and apart:
            out.append(f"{one} is said to coincide with {other}; they differ on {', '.join(apart)}")
        if not listed and not apart:
            out.append(f"{one} and {other} agree to {SAME} on all ordinary inputs; not listed as coinciding")
    return out


# What may be given to `ref newton-schulz`: options, and the iteration that they ask for. Beyond the table's end timm,
# polar-express and msign repeat the last triple; Emerging-Optimizers' quintic starts again; nanochat stops; so does
# optax with a list of triples. Of --coeffs without --steps, each triple is used once; without --dialect, KellerJordan's
# normalisation is used.
def newton_schulz_options():
    yield ["--dialect", "jordan", "--steps", "3"], lambda u: iterate(added(u, 1e-7), JORDAN * 3)
    yield ["--dialect", "jordan", "--eps", "0.5"], lambda u: iterate(added(u, 0.5), JORDAN * 5)
    yield ["--dialect", "torch", "--eps", "100"], lambda u: iterate(clamped(u, 100), JORDAN * 5)
    yield ["--coeffs", "1.5,-0.5,0"], lambda u: iterate(added(u, 1e-7), [(1.5, -0.5, 0)])
    yield ["--coeffs", "1.5,-0.5,0,2,-1.5,0.5", "--steps", "4"], lambda u: iterate(
        added(u, 1e-7), [(1.5, -0.5, 0)] + [(2, -1.5, 0.5)] * 3)
    yield ["--dialect", "msign", "--steps", "12"], lambda u: iterate(u / (REAL(1.01) * fro(u)), repeat_last(MSIGN, 12))
    yield ["--dialect", "polar-express", "--steps", "12"], lambda u: iterate(
        added(u, 1e-7, 1.01), repeat_last(PE10, 12))
    yield ["--dialect", "timm", "--steps", "8"], lambda u: iterate(clamped(u, 1e-7), repeat_last(YOU5, 8))
    yield ["--dialect", "timm", "--steps", "2"], lambda u: iterate(clamped(u, 1e-7), YOU5[:2])
    yield ["--dialect", "emerging", "--steps", "8"], lambda u: iterate(clamped(u, 1e-15), cycle(YOU5, 8))
    yield ["--dialect", "nanochat", "--steps", "8"], ns_nanochat_snapped
    yield (["--dialect", "optax", "--coeffs", "you5", "--set", "overrun=stop", "--steps", "8"],
           lambda u: iterate(added(u, 1e-8), YOU5))
    tables = {"jordan": JORDAN * 5, "you5": YOU5, "pe-5": PE5, "pe-8": PE8, "pe-8-safer": PE8_SAFER, "pe-10": PE10,
              "pe-gram": GRAM, "pe-msign": MSIGN, "pe-nvidia": NVIDIA_PE8, "cans": CANS, "aol": NVIDIA_AOL,
              "aol-dion": DION_AOL, "deepseek-v4": DEEPSEEK_V4, "cubic5": CUBIC5}
    for name, table in tables.items():
        yield (["--coeffs", name, "--steps", str(len(table))],
               lambda u, table=table: iterate(added(u, 1e-7), table))


def check_operation(pool, program, operation, items):
    """items: (options, path, {tensor: numbers wanted})."""
    futures = [(options, want, pool.submit(program.answer, operation, path, *options))
               for options, path, want in items]
    out = []
    for options, want, future in futures:
        tensors, said = future.result()
        lines = [line for name in want for line in differences(tensors, name, want[name])] if tensors else [said]
        out += [f"{operation} {' '.join(options)}: {line}" for line in lines]
    return out


def check_newton_schulz(pool, program):
    matrices = [designed((4, 7)), designed((7, 4)), designed((5, 5), 1e-6)]
    items = []
    for index, matrix in enumerate(matrices):
        path = os.path.join(program.folder, f"matrix{index}.npy")
        np.save(path, matrix)
        requests = [(["--dialect", name], rule) for name, rule in NEWTON_SCHULZ.items()]
        requests += newton_schulz_options()
        items += [(options, path, {"Y": rule(matrix.astype(REAL))}) for options, rule in requests]
    return check_operation(pool, program, "newton-schulz", items)


# The direction of AuON, without the scale of a port that has one
COSH_RMS = {
    "auon": lambda u: u / (brake(u, 1.5) + REAL(1e-8)), "auon-paper": cosh_normalised,
    "auon-2025-10": cosh_normalised,
    "hybrid-auon": lambda u: ns_jordan(u) / (brake(ns_jordan(u), 1.5) + REAL(1e-8)),
    "hybrid-auon-paper": cosh_mean_square,
}


def check_cosh_rms(pool, program):
    items = []
    for index, matrix in enumerate([designed((4, 7)), designed((7, 4), 1e-7), one_hot(2, 2), one_hot(1, 2),
                                    one_hot(1, 1), np.zeros((2, 3))]):
        path = os.path.join(program.folder, f"cosh{index}.npy")
        np.save(path, matrix)
        items += [(["--dialect", name], path, {"Y": rule(matrix.astype(REAL))}) for name, rule in COSH_RMS.items()]
    return check_operation(pool, program, "cosh-rms", items)


def check_momentum(pool, program):
    """The next buffer and u, of every dialect whose buffer is made of gradients."""
    tensors = {"param": normal(4, 7), "momentum": normal(4, 7), "grad": normal(4, 7)}
    path, items = program.file(tensors), []
    rules = {name: rule.momentum for name, rule in DIALECTS.items() if rule.momentum} | {"adamw": ema}
    for (name, rule), first in itertools.product(rules.items(), (1, 3)):
        state = State(tensors["param"].astype(REAL), tensors["momentum"].astype(REAL), None, first)
        u = rule(state, tensors["grad"].astype(REAL), Hyper(0, SETTINGS["beta"], SETTINGS["wd"]))
        options = ["--dialect", name, "--momentum", str(SETTINGS["beta"]), "--weight-decay", str(SETTINGS["wd"])]
        items.append((options + ["--step", str(first)], path, {"momentum": state.m, "u": u}))
    return check_operation(pool, program, "momentum", items)


# ----------------------------------------------------------------------------------------------------------- self-test

# How much each kind of constant is changed: hardly. An epsilon needs more, because 1e-8 beside cosh's 1 is only 1e-8.
SPOIL = {"eps": 1e-2, "cosh eps": 1e-2, "variance eps": 1e-2, "snap eps": 1e-2, "row eps": 1e-2}


def notices(rule, answers, kind):
    """Whether some run of a dialect fails once `kind` is a little wrong."""
    Knobs.factors = {kind: 1 + REAL(SPOIL.get(kind, 1e-9))}
    try:
        return any(compare_run(tensors, recompute(rule, case)) for case, tensors in answers)
    finally:
        Knobs.factors = {}


def self_test(runs):
    """What the comparison does not notice."""
    out, count = [], 0
    for name, rule in DIALECTS.items():
        answers = [(run[4], future.result()[0]) for run, future in runs
                   if run[0] == name and future.result()[0] is not None]
        Knobs.used = set()
        good = [not compare_run(tensors, recompute(rule, case)) for case, tensors in answers]
        if not all(good) or not answers:
            out.append(f"{name}: fails even without being spoilt")
        for kind in sorted(Knobs.used):
            count += 1
            if not notices(rule, answers, kind):
                out.append(f"{name}: nobody notices a wrong {kind}")
    return out, count


def main():
    parser = argparse.ArgumentParser(description="Recomputes the steps of all dialects in numpy.")
    parser.add_argument("assay", nargs="?", default="build/assay")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        program = Program(arguments.assay, folder)
        runs = start(pool, program)
        if arguments.self_test:
            failures, count = self_test(runs)
            done = f"{count} spoilt constants noticed"
        else:
            failures = check_steps(runs) + check_pairs(program, runs)
            failures += check_newton_schulz(pool, program) + check_cosh_rms(pool, program)
            failures += check_momentum(pool, program)
            done = f"{len(runs)} runs of {len(DIALECTS)} dialects and {len(VARIANTS)} variants agree"
    print("\n".join(failures) if failures else f"step_numpy: {done}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
