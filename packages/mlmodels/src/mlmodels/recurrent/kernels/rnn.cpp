// The plain recurrent network (Elman, 1990): h = tanh(x W^T + h W^T + biases).
#include "steps.h"

struct Rnn {
  static constexpr int gates = 1;
  static constexpr bool splits = false;

  template <class Real>
  INLINE void activate(Gates<Real> a, long H) {
#pragma omp simd
    for (long j = 0; j < H; j++) a.x[j] = vector_tanh(a.x[j]);
  }

  template <class Storage, class Real>
  INLINE void state(Gates<Real> a, const Row<Storage, Real>& row, long H) {
    narrow_all(a.x, H, row.h_after);
  }

  template <class Storage, class Real>
  INLINE void backward(Gates<Real> a, const Row<Storage, Real>& row, long H) {
#pragma omp simd
    for (long j = 0; j < H; j++) {
      const Real dh = widen(row.dy[j]) + widen(row.dh[j]);
      a.x[j] = dh * (1 - a.x[j] * a.x[j]);  // h = tanh(a)
    }
  }
};

EXPORT_TYPE(Rnn, float, f32)
EXPORT_TYPE(Rnn, double, f64)
EXPORT_TYPE(Rnn, Bf16, bf16)
