// One step of a recurrent layer for all rows of a batch: what every cell has in common.
//
// T steps, B rows, H hidden units, G gates: 4H (LSTM), 3H (GRU), H (plain). A cell says
//   gates, has_memory, splits      multiples of H; a memory c beside h; the part of h stays apart from that of x
//   activate(x, h, H)              pre-activations -> gates, in place in x; with `splits` h are those of h
//   state(gates, row, H)           gates -> the new h (and c)
//   backward(gates, row, H)        gradients of the pre-activations of x, in place in gates; with `splits` those of h
//                                  in gates.h; writes dh (what reaches the old h not through a product) and dc
//
// Without normalisation the gates take the place of the products in forward, and their gradients that of the gates in
// backward. With it the products stay, the gates are computed again in backward, and the gradients take the place of
// the products: memory and its traffic cost more than the arithmetic.
#pragma once

#include <omp.h>

#include <algorithm>
#include <vector>

#include "layer_norm.h"

struct Steps {               // mirrored by step_kernels.py, field by field
  void* x_gates;             // TBG, storage: x W^T; then gates; then gradients
  void* h_gates;             // TBG (or BG where nothing is kept), storage: h W^T; then gradients
  void* h;                   // (T+1)BH, storage: all states, with the one before the first step
  void* c;                   // (T+1)BH, real
  void* moments;             // TB4, real: mean and inverse deviation of x's and of h's products
  const void *bias_x, *bias_h;    // G, real
  const void *scale_x, *scale_h;  // G, real; null: no normalisation
  const void* dy;            // TBH, storage: gradient of the outputs
  void* dh;                  // BH, storage: gradient of the state, from later steps
  void* dc;                  // BH, real
  void* dvectors;            // (threads)4G, real: gradients of bias_x, bias_h, scale_x, scale_h
  long rows, hidden;
  long keeps_all;            // h_gates has a place for every step
  long reverse;              // the layer runs from the last step to the first
  long threads;
  bool is_normed() const { return scale_x != nullptr; }
};

template <class Storage, class Real>
struct Row {  // of one sequence at one step
  Storage *x, *h_part;
  const Storage* h_before;
  Storage* h_after;
  const Real* c_before;
  Real *c_after, *moments;
  const Storage* dy;
  Storage* dh;
  Real* dc;
};

template <class Real>
struct Gates {
  Real *x, *h;
};

template <class Cell, class Storage, class Real>
INLINE Row<Storage, Real> row_of(const Steps& s, long t, long b) {
  const long H = s.hidden, G = Cell::gates * H;
  const long step = t * s.rows + b, before = (t + s.reverse) * s.rows + b, after = (t + 1 - s.reverse) * s.rows + b;
  Storage* h = static_cast<Storage*>(s.h);
  Real* c = static_cast<Real*>(s.c);
  const Storage* dy = static_cast<const Storage*>(s.dy);
  return {static_cast<Storage*>(s.x_gates) + step * G,
          static_cast<Storage*>(s.h_gates) + (s.keeps_all ? step : b) * G,
          h + before * H,
          h + after * H,
          c + before * H,
          c + after * H,
          static_cast<Real*>(s.moments) + step * 4,
          dy + step * H,
          static_cast<Storage*>(s.dh) + b * H,
          static_cast<Real*>(s.dc) + b * H};
}

// Pre-activations: normalised, with their biases, in `gates`.
template <class Cell, class Storage, class Real>
INLINE void prepare(const Steps& s, const Row<Storage, Real>& row, Gates<Real> gates) {
  const long G = Cell::gates * s.hidden;
  const Real *bias_x = static_cast<const Real*>(s.bias_x), *bias_h = static_cast<const Real*>(s.bias_h);
  if (s.is_normed()) {
    const Real* m = row.moments;
    normalise<Storage, Real>(row.x, {m[0], m[1]}, static_cast<const Real*>(s.scale_x), bias_x, G, gates.x);
    normalise<Storage, Real>(row.h_part, {m[2], m[3]}, static_cast<const Real*>(s.scale_h), bias_h, G, gates.h);
    if constexpr (!Cell::splits) {
#pragma omp simd
      for (long j = 0; j < G; j++) gates.x[j] += gates.h[j];
    }
  } else {
#pragma omp simd
    for (long j = 0; j < G; j++) gates.x[j] = widen(row.x[j]) + bias_x[j];
    if constexpr (Cell::splits) {
#pragma omp simd
      for (long j = 0; j < G; j++) gates.h[j] = widen(row.h_part[j]) + bias_h[j];
    } else {  // the product of h has been added to that of x
#pragma omp simd
      for (long j = 0; j < G; j++) gates.x[j] += bias_h[j];
    }
  }
}

template <class Storage, class Real>
INLINE void narrow_all(const Real* from, long n, Storage* to) {
#pragma omp simd
  for (long j = 0; j < n; j++) narrow(from[j], to + j);
}

template <class Storage, class Real>
INLINE void widen_all(const Storage* from, long n, Real* to) {
#pragma omp simd
  for (long j = 0; j < n; j++) to[j] = widen(from[j]);
}

template <class Real>
INLINE void add_all(const Real* from, long n, Real* to) {
#pragma omp simd
  for (long j = 0; j < n; j++) to[j] += from[j];
}

template <class Cell, class Storage, class Real>
void forward_step(const Steps& s, long t) {
  const long H = s.hidden, G = Cell::gates * H;
#pragma omp parallel num_threads(s.threads)
  {
    std::vector<Real> scratch(2 * G);
    const Gates<Real> gates = {scratch.data(), scratch.data() + G};
#pragma omp for schedule(static)
    for (long b = 0; b < s.rows; b++) {
      const Row<Storage, Real> row = row_of<Cell, Storage, Real>(s, t, b);
      if (s.is_normed()) {
        const Moments<Real> x = moments_of<Storage, Real>(row.x, G), h = moments_of<Storage, Real>(row.h_part, G);
        row.moments[0] = x.mean, row.moments[1] = x.inverse_deviation;
        row.moments[2] = h.mean, row.moments[3] = h.inverse_deviation;
      }
      prepare<Cell>(s, row, gates);
      Cell::template activate<Real>(gates, H);
      Cell::template state<Storage, Real>(gates, row, H);
      if (!s.is_normed()) {
        narrow_all(gates.x, G, row.x);
        if constexpr (Cell::splits) narrow_all(gates.h, G, row.h_part);
      }
    }
  }
}

template <class Cell, class Storage, class Real>
void backward_step(const Steps& s, long t) {
  const long H = s.hidden, G = Cell::gates * H;
#pragma omp parallel num_threads(s.threads)
  {
    // The sums over rows are gathered for this step alone and then added: shorter sums, smaller rounding errors.
    std::vector<Real> scratch(6 * G, Real(0));
    const Gates<Real> gates = {scratch.data(), scratch.data() + G};
    Real* sums = scratch.data() + 2 * G;
#pragma omp for schedule(static)
    for (long b = 0; b < s.rows; b++) {
      const Row<Storage, Real> row = row_of<Cell, Storage, Real>(s, t, b);
      if (s.is_normed()) {
        prepare<Cell>(s, row, gates);
        Cell::template activate<Real>(gates, H);
      } else {
        widen_all(row.x, G, gates.x);
        if constexpr (Cell::splits) widen_all(row.h_part, G, gates.h);
      }
      Cell::template backward<Storage, Real>(gates, row, H);
      const Real* dh_part = Cell::splits ? gates.h : gates.x;
      add_all(gates.x, G, sums);
      if constexpr (Cell::splits) add_all(dh_part, G, sums + G);
      if (s.is_normed()) {
        const Real* m = row.moments;
        normalise_backward<Storage, Real>(row.x, {m[0], m[1]}, static_cast<const Real*>(s.scale_x), gates.x, G,
                                          sums + 2 * G);
        normalise_backward<Storage, Real>(row.h_part, {m[2], m[3]}, static_cast<const Real*>(s.scale_h), dh_part, G,
                                          sums + 3 * G);
      } else {
        narrow_all(gates.x, G, row.x);
        if constexpr (Cell::splits) narrow_all(gates.h, G, row.h_part);
      }
    }
    if constexpr (!Cell::splits) std::copy(sums, sums + G, sums + G);  // both biases are added to the same number
    add_all(sums, 4 * G, static_cast<Real*>(s.dvectors) + omp_get_thread_num() * 4 * G);
  }
}

#define EXPORT_TYPE(Cell, Storage, suffix)                        \
  extern "C" void forward_##suffix(const Steps* s, long t) {      \
    forward_step<Cell, Storage, Arithmetic<Storage>::Real>(*s, t);  \
  }                                                               \
  extern "C" void backward_##suffix(const Steps* s, long t) {     \
    backward_step<Cell, Storage, Arithmetic<Storage>::Real>(*s, t); \
  }
