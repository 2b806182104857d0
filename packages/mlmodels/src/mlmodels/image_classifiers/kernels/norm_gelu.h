// BatchNorm with a shift and no scale, and exact GELU behind it, of N rows of C channels:
//   z = (x - mean) * rate + shift,  y = z Phi(z),  rate = 1 / sqrt(variance + epsilon).
// Nothing in between is written to memory: backward makes z again from x.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "../../native/numbers.h"
#include "../../native/vector_math.h"

// Sums over the rows of what `add_row(n, sums)` adds. Blocks are added up in double, and the parts in one order: equal bits
// on any number of threads.
template <class Real, class AddRow>
std::vector<double> sum_over_rows(long rows, long width, int threads, AddRow add_row) {
  constexpr int parts = 16;
  constexpr long block = 256;
  std::vector<double> totals(size_t(parts) * width, 0.0);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < parts; part++) {
    std::vector<Real> sums(width);
    const long end = rows * (part + 1) / parts;
    for (long begin = rows * part / parts; begin < end; begin += block) {
      std::fill(sums.begin(), sums.end(), Real(0));
      for (long n = begin; n < std::min(begin + block, end); n++) add_row(n, sums.data());
      for (long j = 0; j < width; j++) totals[size_t(part) * width + j] += sums[j];
    }
  }
  for (int part = 1; part < parts; part++)
    for (long j = 0; j < width; j++) totals[j] += totals[size_t(part) * width + j];
  totals.resize(width);
  return totals;
}

// Mean and (biased) variance of each channel.
template <class Stored, class Real>
void moments(const Stored* x, Real* mean, Real* variance, long rows, long channels, int threads) {
  const auto sums = sum_over_rows<Real>(rows, channels, threads, [=](long n, Real* sum) {
    const Stored* xn = x + n * channels;
#pragma omp simd
    for (long c = 0; c < channels; c++) sum[c] += to_real(xn[c]);
  });
  for (long c = 0; c < channels; c++) mean[c] = Real(sums[c] / double(rows));
  const auto squares = sum_over_rows<Real>(rows, channels, threads, [=](long n, Real* sum) {
    const Stored* xn = x + n * channels;
#pragma omp simd
    for (long c = 0; c < channels; c++) {
      const Real distance = to_real(xn[c]) - mean[c];
      sum[c] += distance * distance;
    }
  });
  for (long c = 0; c < channels; c++) variance[c] = Real(squares[c] / double(rows));
}

template <class Stored, class Real>
void norm_gelu_forward(const Stored* x, const Real* mean, const Real* rate, const Real* shift, Stored* y, long rows,
                       long channels, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long n = 0; n < rows; n++) {
    const Stored* xn = x + n * channels;
    Stored* yn = y + n * channels;
#pragma omp simd
    for (long c = 0; c < channels; c++) {
      Real phi, density;
      const Real z = (to_real(xn[c]) - mean[c]) * rate[c] + shift[c];
      normal_distribution(z, phi, density);
      yn[c] = Stored_as<Stored>::from(z * phi);
    }
  }
}

// With g = dy * (Phi(z) + z density(z)) and normed = z - shift:
//   dshift = sum(g),  dx = (g - mean(g) - normed * mean(g * normed)) * rate.
// Between the two passes dx holds g.
template <class Stored, class Real>
void norm_gelu_backward(const Stored* dy, const Stored* x, const Real* mean, const Real* rate, const Real* shift,
                        Stored* dx, Real* dshift, long rows, long channels, int threads) {
  const auto sums = sum_over_rows<Real>(rows, 2 * channels, threads, [=](long n, Real* sum) {
    const Stored *xn = x + n * channels, *dyn = dy + n * channels;
    Stored* gn = dx + n * channels;
#pragma omp simd
    for (long c = 0; c < channels; c++) {
      Real phi, density;
      const Real normed = (to_real(xn[c]) - mean[c]) * rate[c], z = normed + shift[c];
      normal_distribution(z, phi, density);
      const Real g = to_real(dyn[c]) * (phi + z * density);
      sum[c] += g;
      sum[channels + c] += g * normed;
      gn[c] = Stored_as<Stored>::from(g);
    }
  });
  std::vector<Real> means(2 * channels);
  for (long c = 0; c < channels; c++) dshift[c] = Real(sums[c]);
  for (long j = 0; j < 2 * channels; j++) means[j] = Real(sums[j] / double(rows));
  const Real *mean_g = means.data(), *mean_product = mean_g + channels;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long n = 0; n < rows; n++) {
    const Stored* xn = x + n * channels;
    Stored* dxn = dx + n * channels;
#pragma omp simd
    for (long c = 0; c < channels; c++) {
      const Real normed = (to_real(xn[c]) - mean[c]) * rate[c];
      dxn[c] = Stored_as<Stored>::from((to_real(dxn[c]) - mean_g[c] - normed * mean_product[c]) * rate[c]);
    }
  }
}

// Of y = GELU(x + shift) the gradient by the shift alone: dshift = sum(dy * (Phi(z) + z density(z))), z = x + shift.
template <class Stored, class Real>
void shift_gelu_backward(const Stored* dy, const Stored* x, const Real* shift, Real* dshift, long rows, long channels,
                         int threads) {
  const auto sums = sum_over_rows<Real>(rows, channels, threads, [=](long n, Real* sum) {
    const Stored *xn = x + n * channels, *dyn = dy + n * channels;
#pragma omp simd
    for (long c = 0; c < channels; c++) {
      Real phi, density;
      const Real z = to_real(xn[c]) + shift[c];
      normal_distribution(z, phi, density);
      sum[c] += to_real(dyn[c]) * (phi + z * density);
    }
  });
  for (long c = 0; c < channels; c++) dshift[c] = Real(sums[c]);
}
