// The activation inside the feed-forward network, exact GELU (y = x Phi(x)) or ReLU, over arrays of any length.
//
// Forward reads x and writes y. For backward `activation_split` makes y again, for the gradient of the next weight, and
// puts the slope dy/dx over x: one exponential for both, and the chain rule is then one multiplication.
#pragma once

#include <vector>

#include "../../../native/numbers.h"
#include "../../../native/vector_math.h"

enum { kGelu = 0, kRelu = 1 };
constexpr long kChunk = 4096;

template <class Stored>
void activation_forward(const Stored* x, Stored* y, long count, int kind, int threads) {
  typedef RealOf<Stored> Real;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long begin = 0; begin < count; begin += kChunk) {
    const long end = begin + kChunk < count ? begin + kChunk : count;
    if (kind == kGelu) {
#pragma omp simd
      for (long i = begin; i < end; i++) {
        Real phi, density;
        const Real value = to_real(x[i]);
        normal_distribution(value, phi, density);
        y[i] = Stored_as<Stored>::from(value * phi);
      }
    } else {
#pragma omp simd
      for (long i = begin; i < end; i++) {
        const Real value = to_real(x[i]);
        y[i] = Stored_as<Stored>::from(value < 0 ? Real(0) : value);  // NaN stays
      }
    }
  }
}

// y = f(x), and x becomes f'(x) = Phi(x) + x density(x).
template <class Stored>
void activation_split(Stored* x, Stored* y, long count, int kind, int threads) {
  typedef RealOf<Stored> Real;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long begin = 0; begin < count; begin += kChunk) {
    const long end = begin + kChunk < count ? begin + kChunk : count;
    if (kind == kGelu) {
#pragma omp simd
      for (long i = begin; i < end; i++) {
        Real phi, density;
        const Real value = to_real(x[i]);
        normal_distribution(value, phi, density);
        y[i] = Stored_as<Stored>::from(value * phi);
        x[i] = Stored_as<Stored>::from(phi + value * density);
      }
    } else {
#pragma omp simd
      for (long i = begin; i < end; i++) {
        const Real value = to_real(x[i]);
        y[i] = Stored_as<Stored>::from(value < 0 ? Real(0) : value);
        x[i] = Stored_as<Stored>::from(value > 0 ? Real(1) : Real(0));
      }
    }
  }
}

// dy *= slope (null: dy stays), and sum += the sums of its columns, the gradient of the bias before the activation. Every
// row is read once, front to back; a fixed number of parts of the rows, added up in order, gives equal bits on any number
// of threads.
template <class Stored, class Real>
void scale_and_sum_columns(Stored* dy, const Stored* slope, Real* sum, long rows, long columns, int threads) {
  constexpr int parts = 16;
  std::vector<Real> sums(size_t(parts) * columns, Real(0));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < parts; part++) {
    Real* total = sums.data() + size_t(part) * columns;
    for (long n = rows * part / parts; n < rows * (part + 1) / parts; n++) {
      Stored* to = dy + n * columns;
      if (slope) {
        const Stored* by = slope + n * columns;
#pragma omp simd
        for (long j = 0; j < columns; j++) to[j] = Stored_as<Stored>::from(to_real(to[j]) * to_real(by[j]));
      }
#pragma omp simd
      for (long j = 0; j < columns; j++) total[j] += to_real(to[j]);
    }
  }
  for (int part = 0; part < parts; part++)
    for (long j = 0; j < columns; j++) sum[j] += sums[size_t(part) * columns + j];
}
