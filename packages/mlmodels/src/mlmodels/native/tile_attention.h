// Causal attention in bfloat16 by products of tiles: the same mathematics as attention.h.
//
// One (sequence, head) is one task, whose operands (32 KB each for 256 positions of 64 features) stay in the second-level
// cache. Queries come in blocks of 64, and a block multiplies only the keys that it may see. Scores, softmax and sums are
// float; weights and their gradients are rounded to bfloat16 where they are multiplied, as the stored tensors are.
// Backward works on transposed scores (a row a key, a column a query): what a query needs (its log-sum-exp, its delta)
// is then a vector beside the row, and the transposed weights are the first operand of dk and dv as they lie.
#pragma once

#include "tiles.h"
#include "attention.h"

#ifdef HAS_TILE_LAYOUT

constexpr long kTileQueries = 64;

// Scratch memory of one thread for one size of task; everything in whole blocks of 32 x 32.
struct TileScratch {
  long time, size;  // rounded up
  bfloat16 *q, *q_by_query, *k, *k_by_time, *v, *dout, *dout_by_query, *weights, *dscores, *dscores_rows;
  float *scores, *dweights, *out, *dk, *dv, *log_sums, *delta;
  void* memory;

  TileScratch(const Shape& s, bool backward)
      : time(round_up(s.time, kBlock)), size(round_up(s.head_size, kBlock)) {
    const long rows = time * size, block = kTileQueries * size, square = kTileQueries * time;
    const long halves = 4 * rows + 4 * block + 3 * square, floats = 2 * square + block + 2 * rows + 2 * kTileQueries;
    auto* next = aligned_array<bfloat16>(halves + 2 * floats + 32 * 32);
    memory = next;
    auto take = [&next](long count) { return (next += round_up(count, 32)) - round_up(count, 32); };
    auto take_floats = [&take](long count) { return reinterpret_cast<float*>(take(2 * count)); };
    q = take(block), k = take(rows), v = take(rows), weights = take(square);
    scores = take_floats(square), out = take_floats(block);
    if (!backward) return;
    k_by_time = take(rows), q_by_query = take(block), dout = take(block), dout_by_query = take(block);
    dscores = take(square), dscores_rows = take(square);
    dweights = take_floats(square), dk = take_floats(rows), dv = take_floats(rows);
    log_sums = take_floats(kTileQueries), delta = take_floats(kTileQueries);
  }
  ~TileScratch() { std::free(memory); }
};

// Rows of floats, `from_stride` apart, to bfloat16.
inline void round_rows(const float* from, long from_stride, bfloat16* to, long to_stride, long rows, long columns) {
  for (long r = 0; r < rows; r++)
    for (long d = 0; d < columns; d += 16) {
      const __mmask16 valid = first_lanes(columns - d);
      store_16(to + r * to_stride + d, valid, load_16(from + r * from_stride + d, valid));
    }
}

inline void attention_forward_on_tiles(const bfloat16* qkv, bfloat16* out, float* log_sums, Shape s, int threads) {
  const long width = s.width(), row = 3 * width, size = s.head_size;
  const float scale = 1 / std::sqrt(float(size));
#pragma omp parallel num_threads(threads)
  {
    TileScratch w(s, false);
    float inverse_sums[kTileQueries];
    const TileRegisters registers;
#pragma omp for schedule(static)
    for (long task = 0; task < s.batch * s.heads; task++) {
      const long b = task / s.heads, h = task % s.heads;
      const bfloat16* base = qkv + b * s.time * row + h * size;
      pack_tiles({base + width, row, 1}, 0, s.time, 0, size, true, w.k);      // scores = q k': a column a time
      pack_tiles({base + 2 * width, 1, row}, 0, size, 0, s.time, true, w.v);  // out = weights v: a column a feature
      for (long first = 0; first < s.time; first += kTileQueries) {
        const long rows = std::min(kTileQueries, s.time - first), padded_rows = round_up(rows, kBlock);
        const long seen = round_up(first + rows, kBlock);
        pack_tiles({base, row, 1}, first, rows, 0, size, false, w.q);
        multiply_tiles(packed_tiles(w.q, size), packed_tiles(w.k, size), size, w.scores, w.time, padded_rows, seen, false);
        exponentials_of_rows(w.scores, w.time, seen, first, rows, scale, log_sums + task * s.time + first, inverse_sums);
        round_rows(w.scores, w.time, w.weights, w.time, padded_rows, seen);
        const Tiles weights = tiles_in_place({w.weights, w.time, 1}, 0, 0);
        multiply_tiles(weights, packed_tiles(w.v, s.time), seen, w.out, w.size, padded_rows, w.size, false);
        scale_rows(w.out, w.size, rows, size, inverse_sums);
        round_rows(w.out, w.size, out + (b * s.time + first) * width + h * size, width, rows, size);
      }
    }
  }
}

// delta = out . dout of each query, and its log-sum-exp; 0 where the block is longer than the sequence.
inline void read_query_sums(const bfloat16* out, const bfloat16* dout, long stride, const float* log_sums, long rows,
                            long size, TileScratch& w) {
  for (long r = 0; r < kTileQueries; r++) {
    float delta = 0;
    if (r < rows)
#pragma omp simd reduction(+ : delta)
      for (long d = 0; d < size; d++) delta += to_real(out[r * stride + d]) * to_real(dout[r * stride + d]);
    w.delta[r] = delta;
    w.log_sums[r] = r < rows ? log_sums[r] : 0;
  }
}

// Rows are keys, columns the block's queries: weights = exp(scale * scores - log-sum-exp), dscores = weights * (dweights -
// delta) * scale; 0 where the query (first + column) comes before the key (row).
inline void softmax_backward_columns(TileScratch& w, long first, long seen, float scale) {
  for (long t = 0; t < seen; t++) {
    const float *scores = w.scores + t * kTileQueries, *dweights = w.dweights + t * kTileQueries;
    float weights[kTileQueries], dscores[kTileQueries];
#pragma omp simd
    for (int q = 0; q < kTileQueries; q++) {
      const float weight = int(first) + q >= int(t) ? exp_of(scores[q] * scale - w.log_sums[q]) : 0.0f;
      weights[q] = weight;
      dscores[q] = weight * (dweights[q] - w.delta[q]) * scale;
    }
    round_rows(weights, 0, w.weights + t * kTileQueries, 0, 1, kTileQueries);
    round_rows(dscores, 0, w.dscores + t * kTileQueries, 0, 1, kTileQueries);
  }
}

inline void attention_backward_on_tiles(const bfloat16* dout, const bfloat16* qkv, const bfloat16* out,
                                        const float* log_sums, bfloat16* dqkv, Shape s, int threads) {
  const long width = s.width(), row = 3 * width, size = s.head_size;
  const float scale = 1 / std::sqrt(float(size));
#pragma omp parallel num_threads(threads)
  {
    TileScratch w(s, true);
    const TileRegisters registers;
#pragma omp for schedule(static)
    for (long task = 0; task < s.batch * s.heads; task++) {
      const long b = task / s.heads, h = task % s.heads;
      const bfloat16 *q = qkv + b * s.time * row + h * size, *k = q + width, *v = k + width;
      const bfloat16* dout_rows = dout + b * s.time * width + h * size;
      bfloat16* dq = dqkv + b * s.time * row + h * size;
      pack_tiles({k, row, 1}, 0, s.time, 0, size, false, w.k);
      pack_tiles({v, row, 1}, 0, s.time, 0, size, false, w.v);
      pack_tiles({k, 1, row}, 0, size, 0, s.time, true, w.k_by_time);
      std::fill(w.dk, w.dk + w.time * w.size, 0.0f);
      std::fill(w.dv, w.dv + w.time * w.size, 0.0f);
      for (long first = 0; first < s.time; first += kTileQueries) {
        const long rows = std::min(kTileQueries, s.time - first), seen = round_up(first + rows, kBlock);
        const bfloat16 *q_block = q + first * row, *dout_block = dout_rows + first * width;
        pack_tiles({q_block, row, 1}, 0, rows, 0, size, true, w.q);
        pack_tiles({dout_block, width, 1}, 0, rows, 0, size, true, w.dout);
        pack_tiles({q_block, 1, row}, 0, size, 0, rows, true, w.q_by_query);
        pack_tiles({dout_block, 1, width}, 0, size, 0, rows, true, w.dout_by_query);
        const long columns = round_up(rows, kBlock);
        // scores = q k', out = weights v, both transposed
        multiply_tiles(packed_tiles(w.k, size), packed_tiles(w.q, size), size, w.scores, kTileQueries, seen, columns,
                       false);
        multiply_tiles(packed_tiles(w.v, size), packed_tiles(w.dout, size), size, w.dweights, kTileQueries, seen,
                       columns, false);
        read_query_sums(out + (b * s.time + first) * width + h * size, dout_block, width,
                        log_sums + task * s.time + first, rows, size, w);
        softmax_backward_columns(w, first, seen, scale);
        const Tiles weights = tiles_in_place({w.weights, kTileQueries, 1}, 0, 0);
        const Tiles dscores = tiles_in_place({w.dscores, kTileQueries, 1}, 0, 0);
        multiply_tiles(weights, packed_tiles(w.dout_by_query, rows), rows, w.dv, w.size, seen, w.size, true);
        multiply_tiles(dscores, packed_tiles(w.q_by_query, rows), rows, w.dk, w.size, seen, w.size, true);
        pack_tiles({w.dscores, 1, kTileQueries}, 0, rows, 0, seen, false, w.dscores_rows);
        multiply_tiles(packed_tiles(w.dscores_rows, seen), packed_tiles(w.k_by_time, s.time), seen, w.out, w.size,
                       columns, w.size, false);
        round_rows(w.out, w.size, dq + first * row, row, rows, size);
      }
      round_rows(w.dk, w.size, dq + width, row, s.time, size);
      round_rows(w.dv, w.size, dq + 2 * width, row, s.time, size);
    }
  }
}

#endif
