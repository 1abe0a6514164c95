// A Muon in C++: c++ -O2 muon.cpp -o my_port; python3 golden.py golden/vectors results.safetensors ./my_port
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <vector>

using Numbers = std::vector<float>;

struct Matrix {
    int rows, cols;
    Numbers at;
    Matrix(int r, int c, Numbers x = {}) : rows(r), cols(c), at(std::move(x)) { at.resize(std::size_t(r * c)); }
    float &operator()(int i, int j) { return at[std::size_t(i * cols + j)]; }
    float operator()(int i, int j) const { return at[std::size_t(i * cols + j)]; }
    Matrix transposed() const
    {
        Matrix t(cols, rows);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < cols; j++)
                t(j, i) = (*this)(i, j);
        return t;
    }
    Matrix operator*(const Matrix &y) const
    {
        Matrix z(rows, y.cols);
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < cols; k++)
                for (int j = 0; j < y.cols; j++)
                    z(i, j) += (*this)(i, k) * y(k, j);
        return z;
    }
};

Matrix newton_schulz(Matrix x)
{
    bool turned = x.rows > x.cols;
    double norm = 0;
    for (float v : x.at)
        norm += double(v) * v;
    for (float &v : x.at)
        v /= float(std::sqrt(norm) + 1e-7);
    x = turned ? x.transposed() : x;
    for (int step = 0; step < 5; step++) {
        Matrix a = x * x.transposed(), b = a * a;
        for (std::size_t k = 0; k < a.at.size(); k++)
            b.at[k] = -4.7750f * a.at[k] + 2.0315f * b.at[k];
        Matrix y = b * x;
        for (std::size_t k = 0; k < x.at.size(); k++)
            x.at[k] = 3.4445f * x.at[k] + y.at[k];
    }
    return turned ? x.transposed() : x;
}

void my_port(float *p, const float *g, float *m, int r, int c, float ratio, const float numbers[3])
{
    Matrix u(r, c);
    for (int k = 0; k < r * c; k++) {
        m[k] = numbers[1] * m[k] + (1 - numbers[1]) * g[k];
        u.at[std::size_t(k)] = numbers[1] * m[k] + (1 - numbers[1]) * g[k];
    }
    Matrix o = newton_schulz(u);
    for (int k = 0; k < r * c; k++)
        p[k] = p[k] * (1 - numbers[0] * numbers[2]) - numbers[0] * std::sqrt(std::max(1.f, ratio)) * o.at[std::size_t(k)];
}

// ---- the adapter: tools/adapters/golden.py says what is asked and answered
template <class T> bool take(T *x, int count)
{
    return bool(std::cin.read(reinterpret_cast<char *>(x), std::streamsize(sizeof(T)) * count));
}
void give(const float *x, int count)
{
    std::cout.write(reinterpret_cast<const char *>(x), std::streamsize(sizeof *x) * count).flush();
}

int main()
{
    std::int32_t q[6]; // kind, dimensions, shape
    for (float numbers[3]; take(q, 6) && take(numbers, 3);) {
        int count = q[2] * q[3] * q[4] * q[5], rows = q[1] == 3 ? q[3] : q[2], cols = count / rows / (q[1] == 3 ? q[2] : 1);
        float ratio = q[1] == 4 ? float(q[4]) / float(q[5]) : float(rows) / float(cols);
        Numbers x(std::size_t(3 * count));
        take(x.data(), (q[0] ? 3 : 1) * count);
        for (float *p = x.data(); p < x.data() + count; p += rows * cols)
            if (q[0])
                my_port(p, p + count, p + 2 * count, rows, cols, ratio, numbers);
            else
                std::ranges::copy(newton_schulz(Matrix(rows, cols, Numbers(p, p + rows * cols))).at, p);
        give(x.data(), count);
        if (q[0])
            give(x.data() + 2 * count, count);
    }
}
