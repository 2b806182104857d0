// Causal attention of one layer from the joined projections: rows of `qkv` hold queries, keys and values of all heads.
//
// One (sequence, head) is one task. Its keys and values are packed once (64 KB each for 256 positions of 64 features);
// queries come in blocks of kQueries rows, and a block multiplies only the keys that it may see, so that about half of
// the scores are never computed. The weights exist for one block at a time: nothing of T x T is kept. Forward leaves the
// logarithm of each row's sum, from which backward makes the weights again (Dao et al., 2022).
#pragma once

#include <limits>

#include "matrix_product.h"
#include "numbers.h"
#include "vector_math.h"

template <class Real>
constexpr long kQueries = Tile<Real>::rows * 8;

struct Shape {
  long batch, time, heads, head_size;
  long width() const { return heads * head_size; }
};

// C (rows x columns) = or += A B for operands in cache: A as it lies, B in slivers packed `b_depth` deep, of which the
// first `depth` are multiplied.
template <class Real>
__attribute__((noinline)) void multiply_small(const Matrix<Real>& a, const Real* b, long b_depth, Real* c,
                                              long c_stride, long rows, long columns, long depth, bool add) {
  constexpr int tile_rows = Tile<Real>::rows, tile_columns = Tile<Real>::columns;
  for (long j = 0; j < columns; j += tile_columns)
    for (long i = 0; i < rows; i += tile_rows) {
      typename Simd<Real>::Vector sum[tile_rows][2];
      const long valid = std::min<long>(tile_rows, rows - i);
      multiply_tile<Real, false>(depth, {a.at(i, 0), a.row_stride, a.column_stride}, valid, b + j * b_depth, sum);
      write_tile<Real>(sum, c + i * c_stride + j, c_stride, valid, std::min<long>(tile_columns, columns - j), add,
                       nullptr);
    }
}

// Scratch memory of one thread for one size of task.
template <class Real>
struct AttentionScratch {
  long time, padded_time, head_size, padded_size;
  Real *q, *k, *v, *dout, *out, *packed_k, *packed_k_by_time, *packed_v, *packed_block, *scores, *dscores, *dk, *dv, *dq;
  Real* memory;

  explicit AttentionScratch(const Shape& s, bool backward) : time(s.time), head_size(s.head_size) {
    padded_time = round_up(time, Tile<Real>::columns);
    padded_size = round_up(head_size, Tile<Real>::columns);
    const long rows = time * padded_size, panel = padded_time * padded_size, block = kQueries<Real> * padded_time;
    const long per_block = kQueries<Real> * padded_size;
    const long total = 5 * rows + 3 * panel + 2 * per_block + block + (backward ? 2 * rows + block : 0);
    Real* next = memory = aligned_array<Real>(total + 256);
    auto take = [&next](long count) { return (next += count) - count; };
    q = take(rows), k = take(rows), v = take(rows), dout = take(rows), out = take(rows);
    packed_k = take(panel), packed_k_by_time = take(panel), packed_v = take(panel);
    packed_block = take(per_block), dq = take(per_block), scores = take(block);
    dscores = dk = dv = nullptr;
    if (backward) dscores = take(block), dk = take(rows), dv = take(rows);
  }
  ~AttentionScratch() { std::free(memory); }
};

template <class Stored, class Real>
inline void read_rows(const Stored* from, long stride, Real* to, long rows, long columns) {
  for (long t = 0; t < rows; t++)
#pragma omp simd
    for (long d = 0; d < columns; d++) to[t * columns + d] = to_real(from[t * stride + d]);
}

template <class Stored, class Real>
inline void write_rows(const Real* from, Stored* to, long stride, long rows, long columns) {
  for (long t = 0; t < rows; t++)
#pragma omp simd
    for (long d = 0; d < columns; d++) to[t * stride + d] = Stored_as<Stored>::from(from[t * columns + d]);
}

// scores[r][j] = exp(scale * (scores - largest)) over j <= first + r, and 0 from there to `width`; what makes them a
// softmax is one factor a row, `inverse_sums`, which the caller multiplies with what they were multiplied with.
// Loops run over whole vectors: what a row may not see is minus infinity, whose exponential is 0.
template <class Real>
inline void exponentials_of_rows(Real* scores, long stride, long width, long first, long rows, Real scale,
                                 Real* log_sums, Real* inverse_sums) {
  for (long r = 0; r < rows; r++) {
    Real* row = scores + r * stride;
    std::fill(row + first + r + 1, row + width, -std::numeric_limits<Real>::infinity());
    Real largest = row[0], sum = 0;
#pragma omp simd reduction(max : largest)
    for (long j = 0; j < width; j++) largest = row[j] > largest ? row[j] : largest;
#pragma omp simd reduction(+ : sum)
    for (long j = 0; j < width; j++) {
      row[j] = exp_of((row[j] - largest) * scale);
      sum += row[j];
    }
    inverse_sums[r] = 1 / sum;
    log_sums[r] = largest * scale + std::log(sum);
  }
}

template <class Real>
inline void scale_rows(Real* values, long stride, long rows, long columns, const Real* factors) {
  for (long r = 0; r < rows; r++)
#pragma omp simd
    for (long d = 0; d < columns; d++) values[r * stride + d] *= factors[r];
}

template <class Stored, class Real>
void attention_forward(const Stored* qkv, Stored* out, Real* log_sums, Shape s, int threads) {
  const long width = s.width(), row = 3 * width, size = s.head_size;
  const Real scale = 1 / std::sqrt(Real(size));
#pragma omp parallel num_threads(threads)
  {
    AttentionScratch<Real> w(s, false);
    Real inverse_sums[kQueries<Real>];
#pragma omp for schedule(static)
    for (long task = 0; task < s.batch * s.heads; task++) {
      const long b = task / s.heads, h = task % s.heads;
      const Stored* base = qkv + b * s.time * row + h * size;
      read_rows(base, row, w.q, s.time, size);
      read_rows(base + width, row, w.k, s.time, size);
      read_rows(base + 2 * width, row, w.v, s.time, size);
      pack<Tile<Real>::columns, Real>({w.k, size, 1}, 0, s.time, 0, size, w.packed_k);  // scores: a column a time
      pack<Tile<Real>::columns, Real>({w.v, 1, size}, 0, size, 0, s.time, w.packed_v);  // out: a column a feature
      for (long first = 0; first < s.time; first += kQueries<Real>) {
        const long rows = std::min(kQueries<Real>, s.time - first), seen = first + rows;
        const long stride = round_up(seen, Tile<Real>::columns);
        multiply_small<Real>({w.q + first * size, size, 1}, w.packed_k, size, w.scores, stride, rows, stride, size, false);
        exponentials_of_rows(w.scores, stride, stride, first, rows, scale, log_sums + task * s.time + first,
                             inverse_sums);
        multiply_small<Real>({w.scores, stride, 1}, w.packed_v, s.time, w.dq, size, rows, size, seen, false);
        scale_rows(w.dq, size, rows, size, inverse_sums);
        write_rows(w.dq, out + (b * s.time + first) * width + h * size, width, rows, size);
      }
    }
  }
}

// dscores = weights * (dweights - delta) * scale with weights = exp(scale * scores - log-sum-exp), which go to `scores`.
template <class Real>
inline void softmax_backward_rows(Real* scores, Real* dscores, long stride, long first, long rows, Real scale,
                                  const Real* log_sums, const Real* out, const Real* dout, long size) {
  for (long r = 0; r < rows; r++) {
    Real *row = scores + r * stride, *drow = dscores + r * stride, delta = 0;
#pragma omp simd reduction(+ : delta)
    for (long d = 0; d < size; d++) delta += out[r * size + d] * dout[r * size + d];
#pragma omp simd
    for (long j = 0; j < stride; j++) {
      row[j] = exp_of(row[j] * scale - log_sums[r]);
      drow[j] = row[j] * (drow[j] - delta) * scale;
    }
    std::fill(row + first + r + 1, row + stride, Real(0));
    std::fill(drow + first + r + 1, drow + stride, Real(0));
  }
}

template <class Stored, class Real>
void attention_backward(const Stored* dout, const Stored* qkv, const Stored* out, const Real* log_sums, Stored* dqkv,
                        Shape s, int threads) {
  const long width = s.width(), row = 3 * width, size = s.head_size;
  constexpr int columns = Tile<Real>::columns;
  const Real scale = 1 / std::sqrt(Real(size));
#pragma omp parallel num_threads(threads)
  {
    AttentionScratch<Real> w(s, true);
#pragma omp for schedule(static)
    for (long task = 0; task < s.batch * s.heads; task++) {
      const long b = task / s.heads, h = task % s.heads;
      const Stored* base = qkv + b * s.time * row + h * size;
      read_rows(base, row, w.q, s.time, size);
      read_rows(base + width, row, w.k, s.time, size);
      read_rows(base + 2 * width, row, w.v, s.time, size);
      read_rows(dout + b * s.time * width + h * size, width, w.dout, s.time, size);
      read_rows(out + b * s.time * width + h * size, width, w.out, s.time, size);
      pack<columns, Real>({w.k, size, 1}, 0, s.time, 0, size, w.packed_k);
      pack<columns, Real>({w.k, 1, size}, 0, size, 0, s.time, w.packed_k_by_time);
      pack<columns, Real>({w.v, size, 1}, 0, s.time, 0, size, w.packed_v);
      std::fill(w.dk, w.dk + s.time * size, Real(0));
      std::fill(w.dv, w.dv + s.time * size, Real(0));
      Stored* dbase = dqkv + b * s.time * row + h * size;
      for (long first = 0; first < s.time; first += kQueries<Real>) {
        const long rows = std::min(kQueries<Real>, s.time - first), seen = first + rows;
        const long stride = round_up(seen, columns);
        const Real *q = w.q + first * size, *d = w.dout + first * size;
        // scores = q k', out = weights v
        multiply_small<Real>({q, size, 1}, w.packed_k, size, w.scores, stride, rows, stride, size, false);
        multiply_small<Real>({d, size, 1}, w.packed_v, size, w.dscores, stride, rows, stride, size, false);
        softmax_backward_rows(w.scores, w.dscores, stride, first, rows, scale, log_sums + task * s.time + first,
                              w.out + first * size, d, size);
        // out = weights v
        pack<columns, Real>({d, 1, size}, 0, size, 0, rows, w.packed_block);
        multiply_small<Real>({w.scores, 1, stride}, w.packed_block, rows, w.dv, size, seen, size, rows, true);
        // scores = q k'
        pack<columns, Real>({q, 1, size}, 0, size, 0, rows, w.packed_block);
        multiply_small<Real>({w.dscores, 1, stride}, w.packed_block, rows, w.dk, size, seen, size, rows, true);
        multiply_small<Real>({w.dscores, stride, 1}, w.packed_k_by_time, s.time, w.dq, size, rows, size, seen, false);
        write_rows(w.dq, dbase + first * row, row, rows, size);
      }
      write_rows(w.dk, dbase + width, row, s.time, size);
      write_rows(w.dv, dbase + 2 * width, row, s.time, size);
    }
  }
}
