"""A Muon in numpy: python3 numpy_muon.py golden/vectors results.safetensors [bf16]. Judge as --dialect jordan."""
import sys

import numpy as np

import golden

BF16 = "bf16" in sys.argv


def rounded(x):
    """To bfloat16, nearest even, if that is asked for; numpy has no such type."""
    bits = np.ascontiguousarray(x, "f4").view("u4").astype("u8")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype("u4").view("f4") if BF16 else np.asarray(x, "f4")


def newton_schulz(g):
    """Five steps of one quintic; convolutions are flattened, stacks are taken matrix by matrix."""
    x = g.reshape(len(g), -1) if g.ndim == 4 else g
    turned = x.shape[-2] > x.shape[-1]
    x = x.swapaxes(-2, -1) if turned else x
    x = rounded(rounded(x) / (np.sqrt((x.astype("f8") ** 2).sum((-2, -1), keepdims=True)) + 1e-7).astype("f4"))
    for _ in range(5):
        a = rounded(x @ x.swapaxes(-2, -1))
        b = rounded(-4.7750 * a + 2.0315 * rounded(a @ a))
        x = rounded(3.4445 * x + rounded(b @ x))
    return (x.swapaxes(-2, -1) if turned else x).reshape(g.shape)


def my_port(p, g, m, lr, beta, decay):
    """One step of KellerJordan's Muon: the new parameter and buffer."""
    m = beta * m + (1 - beta) * g
    u = beta * m + (1 - beta) * g
    return p * (1 - lr * decay) - lr * max(1, u.shape[-2] / u.shape[-1]) ** 0.5 * newton_schulz(u), m


if __name__ == "__main__":
    golden.run(sys.argv[1], sys.argv[2], newton_schulz, my_port)
