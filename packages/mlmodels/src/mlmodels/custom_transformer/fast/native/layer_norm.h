// LayerNorm of N rows of D features: y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
//
// A row (1 KB at D = 256) is read once from memory and stays in the first-level cache for its three passes. Forward
// moves N*D numbers in and N*D out; backward reads x and dy and updates dx: nothing normalised is kept, it is made again
// from x and two numbers a row.
#pragma once

#include <cmath>
#include <vector>

#include "../../../native/numbers.h"

template <class Real, class Stored>
void layer_norm_forward(const Real* x, const Real* weight, const Real* bias, Real epsilon, Stored* y, Real* mean,
                        Real* inverse_deviation, long rows, long features, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long n = 0; n < rows; n++) {
    const Real* xn = x + n * features;
    Stored* yn = y + n * features;
    Real sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (long d = 0; d < features; d++) sum += xn[d];
    const Real m = sum / Real(features);
#pragma omp simd reduction(+ : squares)
    for (long d = 0; d < features; d++) squares += (xn[d] - m) * (xn[d] - m);
    const Real r = 1 / std::sqrt(squares / Real(features) + epsilon);
    mean[n] = m;
    inverse_deviation[n] = r;
    if (weight) {
#pragma omp simd
      for (long d = 0; d < features; d++)
        yn[d] = Stored_as<Stored>::from((xn[d] - m) * r * weight[d] + bias[d]);
    } else {
#pragma omp simd
      for (long d = 0; d < features; d++) yn[d] = Stored_as<Stored>::from((xn[d] - m) * r);
    }
  }
}

// dx += the gradient by x, dweight and dbias += theirs (weight null: none). With normed = (x - mean) * inverse_deviation
// and g = dy * weight: dx = (g - mean(g) - normed * mean(g * normed)) * inverse_deviation.
template <class Real, class Stored>
void layer_norm_backward(const Stored* dy, const Real* x, const Real* weight, const Real* mean,
                         const Real* inverse_deviation, Real* dx, Real* dweight, Real* dbias, long rows, long features,
                         int threads) {
  // A fixed number of parts, added up in order: equal bits on any number of threads.
  constexpr int parts = 16;
  std::vector<Real> sums(size_t(parts) * 2 * features, Real(0));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < parts; part++) {
    Real* part_dweight = sums.data() + size_t(part) * 2 * features;
    Real* part_dbias = part_dweight + features;
    for (long n = rows * part / parts; n < rows * (part + 1) / parts; n++) {
      const Real *xn = x + n * features, m = mean[n], r = inverse_deviation[n];
      const Stored* dyn = dy + n * features;
      Real* dxn = dx + n * features;
      Real sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
      for (long d = 0; d < features; d++) {
        const Real g = weight ? to_real(dyn[d]) * weight[d] : to_real(dyn[d]);
        sum += g;
        product += g * ((xn[d] - m) * r);
      }
      const Real mean_g = sum / Real(features), mean_product = product / Real(features);
#pragma omp simd
      for (long d = 0; d < features; d++) {
        const Real g = weight ? to_real(dyn[d]) * weight[d] : to_real(dyn[d]);
        const Real normed = (xn[d] - m) * r;
        dxn[d] += (g - mean_g - normed * mean_product) * r;
      }
      if (!weight) continue;
#pragma omp simd
      for (long d = 0; d < features; d++) {
        part_dweight[d] += to_real(dyn[d]) * ((xn[d] - m) * r);
        part_dbias[d] += to_real(dyn[d]);
      }
    }
  }
  if (!weight) return;
  for (int part = 0; part < parts; part++)
    for (long d = 0; d < features; d++) {
      dweight[d] += sums[size_t(part) * 2 * features + d];
      dbias[d] += sums[size_t(part) * 2 * features + features + d];
    }
}
