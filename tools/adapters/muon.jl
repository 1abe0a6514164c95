# A Muon in Julia: python3 golden.py golden/vectors results.safetensors julia muon.jl
using LinearAlgebra

function newton_schulz(g::Matrix{Float32})
    x = g ./ Float32(sqrt(sum(abs2, Float64.(g))) + 1e-7)
    turned = size(g, 1) > size(g, 2)
    x = turned ? permutedims(x) : x
    for _ in 1:5
        a = x * x'
        x = 3.4445f0 .* x .+ (-4.7750f0 .* a .+ 2.0315f0 .* (a * a)) * x
    end
    turned ? permutedims(x) : x
end

function my_port(p, g, m, ratio, (lr, beta, decay))
    m = beta .* m .+ (1 - beta) .* g
    o = newton_schulz(beta .* m .+ (1 - beta) .* g)
    p .* (1 - lr * decay) .- lr * sqrt(max(1, ratio)) .* o, m
end

# ---- the adapter: tools/adapters/golden.py says what is asked and answered
take(T, count) = read!(stdin, Vector{T}(undef, count))
# Arrays are column-major here: the r x c matrix number k of a stack, and back.
get(x, k, r, c) = permutedims(reshape(x[(k - 1) * r * c .+ (1:r * c)], c, r))
put(x) = vec(permutedims(x))

while !eof(stdin)
    kind, ndim, shape... = Int.(take(Int32, 6))
    numbers, count = take(Float32, 3), prod(shape)
    stack, rows = ndim == 3 ? (shape[1], shape[2]) : (1, shape[1])
    cols = count ÷ stack ÷ rows
    ratio = Float32(ndim == 4 ? shape[3] / shape[4] : rows / cols)
    arrays = [take(Float32, count) for _ in 1:(kind == 1 ? 3 : 1)]
    each = [get.(arrays, k, rows, cols) for k in 1:stack]
    answers = [kind == 1 ? my_port(x..., ratio, numbers) : (newton_schulz(x...),) for x in each]
    for n in 1:(kind == 1 ? 2 : 1), x in answers
        write(stdout, put(x[n]))
    end
    flush(stdout)
end
