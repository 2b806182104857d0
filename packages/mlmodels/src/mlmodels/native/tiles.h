// Products of bfloat16 matrices in tiles: C = A B, multiplied in bfloat16, summed in float; on tile registers (AMX) where
// the processor has them and the system lets us use them, else with AVX-512's products of pairs.
//
// Every element of C is summed over k in one order, whatever the number of threads.
#pragma once

#include "tile_layout.h"
#include "tile_registers.h"

#ifdef HAS_TILE_LAYOUT

// The same as `multiply_block_on_registers`: a pair of A, repeated, times 16 pairs of B. Eight rows and 32 columns of sums
// stay in sixteen registers, so that ten loads serve sixteen products.
inline void multiply_block_on_vectors(const Tiles& a, long i, const Tiles& b, long j, long steps, float* c,
                                      long c_stride, bool add) {
  constexpr int kRows = 8, kPairs = kTileDepth / 2;
  const long a_stride = a.stride_bytes / 2, b_stride = b.stride_bytes / 2;
  for (long first = 0; first < kBlock; first += kRows, c += kRows * c_stride) {
    __m512 sums[kRows][2];
    for (int r = 0; r < kRows; r++)
      for (int half = 0; half < 2; half++)
        sums[r][half] = add ? _mm512_loadu_ps(c + r * c_stride + 16 * half) : _mm512_setzero_ps();
    for (long s = 0; s < steps; s++) {
      const bfloat16* left = a.at(i + first / kTileRows, s) + first % kTileRows * a_stride;
      const bfloat16 *right = b.at(j, s), *next_right = b.at(j + 1, s);
      for (int pair = 0; pair < kPairs; pair++) {
        const auto columns = __m512bh(_mm512_loadu_si512(right + pair * b_stride));
        const auto next_columns = __m512bh(_mm512_loadu_si512(next_right + pair * b_stride));
        for (int r = 0; r < kRows; r++) {
          int two;
          std::memcpy(&two, left + r * a_stride + 2 * pair, sizeof two);
          const auto repeated = __m512bh(_mm512_set1_epi32(two));
          sums[r][0] = _mm512_dpbf16_ps(sums[r][0], repeated, columns);
          sums[r][1] = _mm512_dpbf16_ps(sums[r][1], repeated, next_columns);
        }
      }
    }
    for (int r = 0; r < kRows; r++)
      for (int half = 0; half < 2; half++) _mm512_storeu_ps(c + r * c_stride + 16 * half, sums[r][half]);
  }
}

// 32 x 32 of C = or += rows of A (from tile i on) times columns of B (from tile j on), over `steps` tiles of k.
inline void multiply_block(const Tiles& a, long i, const Tiles& b, long j, long steps, float* c, long c_stride,
                           bool add) {
#ifdef HAS_TILES
  if (tiles_are_allowed()) return multiply_block_on_registers(a, i, b, j, steps, c, c_stride, add);
#endif
  multiply_block_on_vectors(a, i, b, j, steps, c, c_stride, add);
}

// All of C (rows x columns, whole blocks) for operands in a cache.
inline void multiply_tiles(const Tiles& a, const Tiles& b, long depth, float* c, long c_stride, long rows, long columns,
                           bool add) {
  const long steps = round_up(depth, kTileDepth) / kTileDepth;
  for (long j = 0; j < columns; j += kBlock)
    for (long i = 0; i < rows; i += kBlock)
      multiply_block(a, i / kTileRows, b, j / kTileRows, steps, c + i * c_stride + j, c_stride, add);
}

#endif
