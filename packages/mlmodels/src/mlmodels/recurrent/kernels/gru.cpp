// Gated recurrent unit (Cho et al., 2014) in cuDNN's and torch's form: the reset gate multiplies the product of h.
// Gates r, z, n.
#include "steps.h"

struct Gru {
  static constexpr int gates = 3;
  static constexpr bool splits = true;

  template <class Real>
  INLINE void activate(Gates<Real> a, long H) {
    Real *r = a.x, *z = a.x + H, *n = a.x + 2 * H;
    const Real *h_r = a.h, *h_z = a.h + H, *h_n = a.h + 2 * H;
#pragma omp simd
    for (long j = 0; j < H; j++) {
      r[j] = vector_sigmoid(r[j] + h_r[j]);
      z[j] = vector_sigmoid(z[j] + h_z[j]);
      n[j] = vector_tanh(n[j] + r[j] * h_n[j]);
    }
  }

  template <class Storage, class Real>
  INLINE void state(Gates<Real> a, const Row<Storage, Real>& row, long H) {
    const Real *z = a.x + H, *n = a.x + 2 * H;
#pragma omp simd
    for (long j = 0; j < H; j++) narrow(n[j] + z[j] * (widen(row.h_before[j]) - n[j]), row.h_after + j);
  }

  template <class Storage, class Real>
  INLINE void backward(Gates<Real> a, const Row<Storage, Real>& row, long H) {
    Real *r = a.x, *z = a.x + H, *n = a.x + 2 * H;
    Real *h_r = a.h, *h_z = a.h + H, *h_n = a.h + 2 * H;
#pragma omp simd
    for (long j = 0; j < H; j++) {
      const Real dh = widen(row.dy[j]) + widen(row.dh[j]);  // h = n + z * (h_before - n)
      const Real dz = dh * (widen(row.h_before[j]) - n[j]), dn = dh * (1 - z[j]);
      narrow(dh * z[j], row.dh + j);
      n[j] = dn * (1 - n[j] * n[j]);  // n = tanh(x_n + r * h_n)
      const Real dr = n[j] * h_n[j];
      h_n[j] = n[j] * r[j];
      r[j] = h_r[j] = dr * r[j] * (1 - r[j]);
      z[j] = h_z[j] = dz * z[j] * (1 - z[j]);
    }
  }
};

EXPORT_TYPE(Gru, float, f32)
EXPORT_TYPE(Gru, double, f64)
EXPORT_TYPE(Gru, Bf16, bf16)
