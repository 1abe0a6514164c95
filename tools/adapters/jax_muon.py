"""A Muon in JAX: python3 jax_muon.py golden/vectors results.safetensors [bf16]. Judge as --dialect jordan --dtype f32."""
import sys

import jax.numpy as jnp
import numpy as np

import golden

DTYPE = jnp.bfloat16 if "bf16" in sys.argv else jnp.float32


def orthogonalise(g):
    x = (g.reshape(len(g), -1) if g.ndim == 4 else g).astype(DTYPE)
    turned = x.shape[-2] > x.shape[-1]
    x = x.swapaxes(-2, -1) if turned else x
    x = x / (jnp.sqrt((x * x).sum((-2, -1), keepdims=True)) + 1e-7)
    for _ in range(5):
        a = x @ x.swapaxes(-2, -1)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.swapaxes(-2, -1) if turned else x).reshape(g.shape).astype(jnp.float32)


def my_port(p, g, m, lr, beta, decay):
    m = beta * m + (1 - beta) * g
    u = beta * m + (1 - beta) * g
    return p * (1 - lr * decay) - lr * max(1, u.shape[-2] / u.shape[-1]) ** 0.5 * orthogonalise(u), m


def step(p, g, m, *numbers):
    return tuple(np.asarray(x) for x in my_port(*map(jnp.asarray, (p, g, m)), *map(float, numbers)))


golden.run(sys.argv[1], sys.argv[2], lambda g: np.asarray(orthogonalise(jnp.asarray(g))), step)
