// Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000). Gates i, f, g, o.
#include "steps.h"

struct Lstm {
  static constexpr int gates = 4;
  static constexpr bool splits = false;

  template <class Real>
  INLINE void activate(Gates<Real> a, long H) {
    Real *i = a.x, *f = a.x + H, *g = a.x + 2 * H, *o = a.x + 3 * H;
#pragma omp simd
    for (long j = 0; j < H; j++) {
      i[j] = vector_sigmoid(i[j]);
      f[j] = vector_sigmoid(f[j]);
      g[j] = vector_tanh(g[j]);
      o[j] = vector_sigmoid(o[j]);
    }
  }

  template <class Storage, class Real>
  INLINE void state(Gates<Real> a, const Row<Storage, Real>& row, long H) {
    const Real *i = a.x, *f = a.x + H, *g = a.x + 2 * H, *o = a.x + 3 * H;
#pragma omp simd
    for (long j = 0; j < H; j++) {
      const Real c = f[j] * row.c_before[j] + i[j] * g[j];
      row.c_after[j] = c;
      narrow(o[j] * vector_tanh(c), row.h_after + j);
    }
  }

  template <class Storage, class Real>
  INLINE void backward(Gates<Real> a, const Row<Storage, Real>& row, long H) {
    Real *i = a.x, *f = a.x + H, *g = a.x + 2 * H, *o = a.x + 3 * H;
#pragma omp simd
    for (long j = 0; j < H; j++) {
      const Real dh = widen(row.dy[j]) + widen(row.dh[j]), squashed = vector_tanh(row.c_after[j]);
      const Real dc = row.dc[j] + dh * o[j] * (1 - squashed * squashed);  // h = o * tanh(c)
      row.dc[j] = dc * f[j];                                              // c = f * c_before + i * g
      const Real di = dc * g[j], df = dc * row.c_before[j], dg = dc * i[j], d_o = dh * squashed;
      i[j] = di * i[j] * (1 - i[j]);
      f[j] = df * f[j] * (1 - f[j]);
      g[j] = dg * (1 - g[j] * g[j]);
      o[j] = d_o * o[j] * (1 - o[j]);
    }
  }
};

EXPORT_TYPE(Lstm, float, f32)
EXPORT_TYPE(Lstm, double, f64)
EXPORT_TYPE(Lstm, Bf16, bf16)
