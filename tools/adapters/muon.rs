// A Muon in Rust: rustc --edition 2021 -O muon.rs -o my_port; python3 golden.py golden/vectors results.safetensors ./my_port
use std::io::{Read, Write};

#[derive(Clone)]
struct Matrix { rows: usize, cols: usize, at: Vec<f32> }

fn matrix(rows: usize, cols: usize, entry: impl Fn(usize, usize) -> f32) -> Matrix {
    Matrix { rows, cols, at: (0..rows * cols).map(|k| entry(k / cols, k % cols)).collect() }
}
impl Matrix {
    fn get(&self, i: usize, j: usize) -> f32 { self.at[i * self.cols + j] }
    fn transposed(&self) -> Matrix { matrix(self.cols, self.rows, |i, j| self.get(j, i)) }
    fn times(&self, y: &Matrix) -> Matrix {
        matrix(self.rows, y.cols, |i, j| (0..self.cols).map(|k| self.get(i, k) * y.get(k, j)).sum())
    }
}

fn newton_schulz(g: &Matrix) -> Matrix {
    let norm = (g.at.iter().map(|&v| v as f64 * v as f64).sum::<f64>().sqrt() + 1e-7) as f32;
    let mut x = matrix(g.rows, g.cols, |i, j| g.get(i, j) / norm);
    if g.rows > g.cols { x = x.transposed() }
    for _ in 0..5 {
        let a = x.times(&x.transposed());
        let a2 = a.times(&a);
        let y = matrix(a.rows, a.cols, |i, j| -4.7750 * a.get(i, j) + 2.0315 * a2.get(i, j)).times(&x);
        x = matrix(x.rows, x.cols, |i, j| 3.4445 * x.get(i, j) + y.get(i, j));
    }
    if g.rows > g.cols { x.transposed() } else { x }
}

fn my_port(p: &mut [f32], g: &[f32], m: &mut [f32], rows: usize, cols: usize, ratio: f32, numbers: &[f32]) {
    let (lr, beta, decay) = (numbers[0], numbers[1], numbers[2]);
    for (m, g) in m.iter_mut().zip(g) { *m = beta * *m + (1.0 - beta) * g }
    let o = newton_schulz(&matrix(rows, cols, |i, j| beta * m[i * cols + j] + (1.0 - beta) * g[i * cols + j]));
    for (p, o) in p.iter_mut().zip(&o.at) { *p = *p * (1.0 - lr * decay) - lr * ratio.max(1.0).sqrt() * o }
}

// ---- the adapter: tools/adapters/golden.py says what is asked and answered
fn take(count: usize) -> Option<Vec<[u8; 4]>> {
    let mut bytes = vec![0; 4 * count];
    std::io::stdin().read_exact(&mut bytes).ok()?;
    Some(bytes.chunks(4).map(|b| b.try_into().unwrap()).collect())
}
fn floats(count: usize) -> Vec<f32> { take(count).unwrap().into_iter().map(f32::from_le_bytes).collect() }

fn main() {
    while let Some(q) = take(6) {
        let q: Vec<usize> = q.into_iter().map(|b| i32::from_le_bytes(b) as usize).collect();
        let (numbers, count, stack) = (floats(3), q[2] * q[3] * q[4] * q[5], if q[1] == 3 { q[2] } else { 1 });
        let rows = if q[1] == 3 { q[3] } else { q[2] };
        let (cols, size) = (count / stack / rows, count / stack);
        let ratio = if q[1] == 4 { q[4] as f32 / q[5] as f32 } else { rows as f32 / cols as f32 };
        let mut p = floats(count);
        let (g, mut m) = if q[0] == 1 { (floats(count), floats(count)) } else { (vec![], vec![]) };
        for k in (0..count).step_by(size).map(|k| k..k + size) {
            if q[0] == 1 { my_port(&mut p[k.clone()], &g[k.clone()], &mut m[k], rows, cols, ratio, &numbers) }
            else { let y = newton_schulz(&Matrix { rows, cols, at: p[k.clone()].to_vec() }); p[k].copy_from_slice(&y.at) }
        }
        let answer: Vec<u8> = p.iter().chain(&m).flat_map(|x| x.to_le_bytes()).collect();
        std::io::stdout().write_all(&answer).and_then(|_| std::io::stdout().flush()).unwrap();
    }
}
