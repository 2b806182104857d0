// C = A B: packed panels around a kernel that keeps one tile of C in registers (Goto and van de Geijn, 2008; Van Zee
// and van de Geijn, 2015).
//
// A panel of B (kDepth x kColumns) stays in the shared cache, a block of A (kRows x kDepth) in a core's second-level
// cache, a sliver of B (kDepth x tile columns) in its first: every number is moved once for many multiplications, and
// the kernel does two fused multiply-adds a cycle. Any strides: packing reads transposed operands as they lie.
//
// Every element of C is summed over k in one order, whatever the number of threads: equal bits on one and on many.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "simd.h"

template <class Real>
struct Matrix {  // element (i, k) at data[i * row_stride + k * column_stride]
  const Real* data;
  long row_stride, column_stride;
  const Real* at(long i, long k) const { return data + i * row_stride + k * column_stride; }
};

template <class Real>
struct Tile {  // of C, in registers: 12 accumulators of 16 (AVX2), 24 of 32 (AVX-512), 16 of 32 (NEON)
  static constexpr int rows = kVectorBytes == 64 ? 12 : (kVectorBytes == 32 ? 6 : 8);
  static constexpr int vectors = 2;
  static constexpr int columns = vectors * Simd<Real>::width;
};

constexpr long kDepth = 256, kRows = 192, kColumns = 2048;

template <class T>
inline T* aligned_array(long count) {
  const long bytes = (count * long(sizeof(T)) + 63) / 64 * 64;
  return static_cast<T*>(std::aligned_alloc(64, bytes));
}

inline long round_up(long n, long step) { return (n + step - 1) / step * step; }

// Slivers of `width` rows of M (or columns, with the strides exchanged), k by k, the last one filled up with zeros.
template <int width, class Real>
void pack(const Matrix<Real>& m, long first, long count, long k0, long depth, Real* to) {
  for (long i = 0; i < count; i += width) {
    const long valid = std::min<long>(width, count - i);
    const Real* from = m.at(first + i, k0);
    if (valid == width && m.row_stride == 1) {
      for (long k = 0; k < depth; k++, from += m.column_stride)
        for (int r = 0; r < width; r++) to[k * width + r] = from[r];
    } else if (valid == width) {
      for (long k = 0; k < depth; k++)
        for (int r = 0; r < width; r++) to[k * width + r] = from[r * m.row_stride + k * m.column_stride];
    } else {
      for (long k = 0; k < depth; k++)
        for (int r = 0; r < width; r++)
          to[k * width + r] = r < valid ? from[r * m.row_stride + k * m.column_stride] : Real(0);
    }
    to += width * depth;
  }
}

// One tile: the sum over k of rows of A with a sliver of B. A is a packed sliver, or lies anywhere with its own strides
// (then only its first `rows` rows are read, and the others repeat the first).
template <class Real, bool is_packed>
inline void multiply_tile(long depth, const Matrix<Real>& a, long rows, const Real* b,
                          typename Simd<Real>::Vector (&sum)[Tile<Real>::rows][Tile<Real>::vectors]) {
  typedef typename Simd<Real>::Vector Vector;
  constexpr int tile_rows = Tile<Real>::rows, width = Simd<Real>::width;
  Vector c[tile_rows][2] = {};
  const Real* from[tile_rows];
  for (int r = 0; r < tile_rows; r++) from[r] = a.data + (is_packed ? r : (r < rows ? r : 0) * a.row_stride);
  const long step = is_packed ? tile_rows : a.column_stride;
  for (long k = 0; k < depth; k++, b += 2 * width) {
    const Vector b0 = load(b), b1 = load(b + width);
#pragma GCC unroll 12
    for (int r = 0; r < tile_rows; r++) {
      const Real value = is_packed ? from[0][k * tile_rows + r] : from[r][k * step];
      c[r][0] += value * b0;
      c[r][1] += value * b1;
    }
  }
  for (int r = 0; r < tile_rows; r++)
    for (int v = 0; v < 2; v++) sum[r][v] = c[r][v];
}

// Write a tile, or its part inside C: C = sum, C = sum + bias (a row), or C += sum.
template <class Real>
inline void write_tile(typename Simd<Real>::Vector (&sum)[Tile<Real>::rows][Tile<Real>::vectors], Real* c, long c_stride,
                       long rows, long columns, bool add, const Real* bias) {
  constexpr int width = Simd<Real>::width;
  if (rows == Tile<Real>::rows && columns == Tile<Real>::columns) {
    for (int r = 0; r < Tile<Real>::rows; r++)
      for (int v = 0; v < 2; v++) {
        Real* to = c + r * c_stride + v * width;
        if (add) sum[r][v] += load(to);
        if (bias) sum[r][v] += load(bias + v * width);
        store(to, sum[r][v]);
      }
    return;
  }
  for (long r = 0; r < rows; r++)
    for (long j = 0; j < columns; j++) {
      Real value = sum[r][j / width][j % width];
      if (add) value += c[r * c_stride + j];
      if (bias) value += bias[j];
      c[r * c_stride + j] = value;
    }
}

// Scratch memory of one thread, made at its first product and kept.
template <class Real>
struct Panels {
  Real* a = aligned_array<Real>(round_up(kRows, Tile<Real>::rows) * kDepth);
  Real* b = aligned_array<Real>(round_up(kColumns, Tile<Real>::columns) * kDepth);
  ~Panels() {
    std::free(a);
    std::free(b);
  }
};

// The part of C in rows [i0, i1) and columns [j0, j1), by one thread. `b` is B transposed: element (j, k).
template <class Real>
__attribute__((noinline)) void multiply_part(const Matrix<Real>& a, const Matrix<Real>& b, Real* c, long c_stride,
                                             long i0, long i1, long j0, long j1, long depth, bool add,
                                             const Real* bias) {
  constexpr int tile_rows = Tile<Real>::rows, tile_columns = Tile<Real>::columns;
  static thread_local Panels<Real> panels;
  for (long jc = j0; jc < j1; jc += kColumns) {
    const long columns = std::min(kColumns, j1 - jc);
    for (long k0 = 0; k0 < depth; k0 += kDepth) {
      const long part = std::min(kDepth, depth - k0);
      pack<tile_columns>(b, jc, columns, k0, part, panels.b);
      for (long ic = i0; ic < i1; ic += kRows) {
        const long rows = std::min(kRows, i1 - ic);
        // Rows that are contiguous in memory are read as they lie; packing them would only move them.
        const bool is_packed = a.column_stride != 1;
        if (is_packed) pack<tile_rows>(a, ic, rows, k0, part, panels.a);
        for (long j = 0; j < columns; j += tile_columns)
          for (long i = 0; i < rows; i += tile_rows) {
            typename Simd<Real>::Vector sum[tile_rows][2];
            const long valid = std::min<long>(tile_rows, rows - i);
            const long valid_columns = std::min<long>(tile_columns, columns - j);
            if (is_packed)
              multiply_tile<Real, true>(part, {panels.a + i * part, 1, tile_rows}, valid, panels.b + j * part, sum);
            else
              multiply_tile<Real, false>(part, {a.at(ic + i, k0), a.row_stride, 1}, valid, panels.b + j * part, sum);
            write_tile<Real>(sum, c + (ic + i) * c_stride + jc + j, c_stride, valid, valid_columns, add || k0 > 0,
                             bias && k0 == 0 ? bias + jc + j : nullptr);
          }
      }
    }
  }
}

// All of C (rows x columns), over `threads` threads, which share its longer side.
template <class Real>
void multiply(const Matrix<Real>& a, const Matrix<Real>& b, Real* c, long c_stride, long rows, long columns, long depth,
              bool add, const Real* bias, int threads) {
  const bool split_rows = rows >= columns;
  const long step = split_rows ? Tile<Real>::rows : Tile<Real>::columns, length = split_rows ? rows : columns;
  const long num_tiles = round_up(length, step) / step;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    const long first = num_tiles * t / threads * step, last = std::min(length, num_tiles * (t + 1) / threads * step);
    if (first >= last) continue;
    if (split_rows)
      multiply_part(a, b, c, c_stride, first, last, 0, columns, depth, add, bias);
    else
      multiply_part(a, b, c, c_stride, 0, rows, first, last, depth, add, bias);
  }
}
