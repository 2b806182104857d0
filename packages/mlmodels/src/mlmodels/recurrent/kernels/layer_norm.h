// Layer normalisation of one row (Ba, Kiros and Hinton, 2016), forward and backward.
#pragma once

#include "storage.h"

constexpr double kEpsilon = 1e-5;

template <class Real>
struct Moments {
  Real mean, inverse_deviation;
};

// A sum over j < n in many lanes: a single vector of sums would wait four cycles for each addition.
constexpr long kLanes = 32;

template <class Real>
struct Lanes {
  Real sums[kLanes] = {};
  Real total() const {
    Real sum = 0;
    for (long l = 0; l < kLanes; l++) sum += sums[l];
    return sum;
  }
};

template <class Storage, class Real>
INLINE Moments<Real> moments_of(const Storage* x, long n) {
  const long whole = n / kLanes * kLanes;
  Lanes<Real> sum, squares;
  for (long j = 0; j < whole; j += kLanes) {
#pragma omp simd
    for (long l = 0; l < kLanes; l++) sum.sums[l] += widen(x[j + l]);
  }
  for (long j = whole; j < n; j++) sum.sums[j - whole] += widen(x[j]);
  const Real mean = sum.total() / Real(n);
  for (long j = 0; j < whole; j += kLanes) {
#pragma omp simd
    for (long l = 0; l < kLanes; l++) squares.sums[l] += (widen(x[j + l]) - mean) * (widen(x[j + l]) - mean);
  }
  for (long j = whole; j < n; j++) squares.sums[j - whole] += (widen(x[j]) - mean) * (widen(x[j]) - mean);
  return {mean, Real(1) / std::sqrt(squares.total() / Real(n) + Real(kEpsilon))};
}

// y = (x - mean) * inverse_deviation * scale + bias
template <class Storage, class Real>
INLINE void normalise(const Storage* x, Moments<Real> m, const Real* scale, const Real* bias, long n, Real* y) {
#pragma omp simd
  for (long j = 0; j < n; j++) y[j] = (widen(x[j]) - m.mean) * m.inverse_deviation * scale[j] + bias[j];
}

// The gradient of x takes the place of x; dscale is added to.
template <class Storage, class Real>
INLINE void normalise_backward(Storage* x, Moments<Real> m, const Real* scale, const Real* dy, long n, Real* dscale) {
  Real sum = 0, projection = 0;
#pragma omp simd reduction(+ : sum, projection)
  for (long j = 0; j < n; j++) {
    const Real normed = (widen(x[j]) - m.mean) * m.inverse_deviation;
    const Real dnormed = dy[j] * scale[j];  // y = normed * scale + bias
    dscale[j] += dy[j] * normed;
    sum += dnormed;
    projection += dnormed * normed;
  }
  const Real through_mean = sum / Real(n), through_variance = projection / Real(n);
#pragma omp simd
  for (long j = 0; j < n; j++) {
    const Real normed = (widen(x[j]) - m.mean) * m.inverse_deviation;
    narrow((dy[j] * scale[j] - through_mean - normed * through_variance) * m.inverse_deviation, x + j);
  }
}
