"""A Muon in numpy, and how it is run over the golden cases: python3 numpy_muon.py golden/vectors results.safetensors"""
import sys

import numpy as np

import golden


def newton_schulz(g, dtype="f4"):
    """KellerJordan's: five steps of one quintic, in `dtype`."""
    x = g.astype(dtype)
    tall = x.shape[-2] > x.shape[-1]
    x = x.swapaxes(-2, -1) if tall else x
    x = x / (np.sqrt((x * x).sum((-2, -1), keepdims=True)) + np.dtype(dtype).type(1e-7))
    for _ in range(5):
        a = x @ x.swapaxes(-2, -1)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x.swapaxes(-2, -1) if tall else x


def step(p, g, m, lr, beta, decay):
    """One step: (parameter, buffer). Decay comes first, of the parameter as it was."""
    m = beta * m + (1 - beta) * g
    u = beta * m + (1 - beta) * g
    o = newton_schulz(u.reshape(len(u), -1) if u.ndim == 4 else u).reshape(u.shape)
    return p * (1 - lr * decay) - lr * max(1, u.shape[-2] / u.shape[-1]) ** 0.5 * o, m


def main(folder, output):
    results = {}
    for case in golden.cases(folder, "newton-schulz"):
        g = case["G"].astype("f4")
        results[case["id"] + "/Y"] = newton_schulz(g.reshape(len(g), -1) if g.ndim == 4 else g).reshape(g.shape)
    for case in golden.cases(folder, "momentum"):
        beta, m, g = case["parameters"]["momentum"], case["momentum"].astype("f4"), case["grad"].astype("f4")
        m = beta * m + (1 - beta) * g
        results[case["id"] + "/momentum"], results[case["id"] + "/u"] = m, beta * m + (1 - beta) * g
    for case in golden.cases(folder, "step"):
        beta, decay = case["parameters"]["momentum"], case["parameters"]["weight_decay"]
        for suffix, param, grads, lr, present in golden.runs(case):
            p, m, trace = param.astype("f4"), np.zeros_like(param, "f4"), []
            for g, rate, here in zip(grads.astype("f4"), lr, present):
                before = p  # without a gradient KellerJordan's code takes zeros
                p, m = step(p, g if here else 0 * g, m, rate, beta, decay)
                trace.append((p, p - before, m))
            for name, values in zip(("params", "updates", "momentum"), zip(*trace)):
                results[f"{case['id']}/{name}{suffix}"] = np.array(values, "f4")
    golden.save(output, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
