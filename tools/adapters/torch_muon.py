"""A Muon in PyTorch: python3 torch_muon.py golden/vectors results.safetensors [bf16]. Judge as --dialect jordan."""
import sys

import torch

import golden

DTYPE = torch.bfloat16 if "bf16" in sys.argv else torch.float32


def orthogonalise(g):
    x = (g.reshape(len(g), -1) if g.ndim == 4 else g).to(DTYPE)
    turned = x.shape[-2] > x.shape[-1]
    x = x.mT if turned else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if turned else x).reshape(g.shape).float()


def my_port(p, g, m, lr, beta, decay):
    m.lerp_(g, 1 - beta)
    u = g.lerp(m, beta)
    scale = max(1, u.shape[-2] / u.shape[-1]) ** 0.5
    return p.mul_(1 - lr * decay).add_(orthogonalise(u), alpha=-lr * scale), m


def step(p, g, m, *numbers):
    return tuple(x.numpy() for x in my_port(*(torch.from_numpy(x.copy()) for x in (p, g, m)), *numbers))


golden.run(sys.argv[1], sys.argv[2], lambda g: orthogonalise(torch.from_numpy(g)).numpy(), step)
