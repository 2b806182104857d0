// How bfloat16 matrices lie for products of pairs: in tiles of 16 rows of 32 numbers of A, or of B 16 pairs of rows, the
// two numbers of a pair side by side.
#pragma once

#include "matrix_product.h"
#include "numbers.h"
#include "vectors_of_16.h"

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define HAS_TILE_LAYOUT

constexpr long kTileRows = 16, kTileDepth = 32, kBlock = 2 * kTileRows;

// A matrix in tiles: tile (row / 16, k / 32) begins at data + row / 16 * row_step + k / 32 * depth_step.
struct Tiles {
  const bfloat16* data;
  long row_step, depth_step, stride_bytes;
  const bfloat16* at(long row_tile, long depth_tile) const {
    return data + row_tile * row_step + depth_tile * depth_step;
  }
};

inline Tiles packed_tiles(const bfloat16* data, long depth) {
  return {data, round_up(depth, kTileDepth) * kTileRows, kTileRows * kTileDepth, 64};
}

// Rows of a matrix whose k lies side by side can be multiplied as they lie.
inline Tiles tiles_in_place(const Matrix<bfloat16>& m, long first, long k0) {
  return {m.at(first, k0), kTileRows * m.row_stride, kTileDepth, m.row_stride * 2};
}

inline void transpose_pairs(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // Quarter q of r[4 i + c] is column 4 q + c of rows 4 i to 4 i + 3.
  for (int c = 0; c < 4; c++) {
    const __m512i even_top = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88);
    const __m512i even_bottom = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
    const __m512i odd_top = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
    const __m512i odd_bottom = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
    t[c] = _mm512_shuffle_i32x4(even_top, even_bottom, 0x88);
    t[4 + c] = _mm512_shuffle_i32x4(odd_top, odd_bottom, 0x88);
    t[8 + c] = _mm512_shuffle_i32x4(even_top, even_bottom, 0xdd);
    t[12 + c] = _mm512_shuffle_i32x4(odd_top, odd_bottom, 0xdd);
  }
  for (int i = 0; i < 16; i++) r[i] = t[i];
}

// 16 rows of M times 32 of k, a row a register; rows and k beyond the matrix are 0.
inline void load_rows(const bfloat16* from, long stride, long rows, long depth, __m512i (&to)[16]) {
  const __mmask32 wanted = depth >= 32 ? 0xffffffffu : (1u << depth) - 1;
  for (long i = 0; i < 16; i++)
    to[i] = i < rows ? _mm512_maskz_loadu_epi16(wanted, from + i * stride) : _mm512_setzero_si512();
}

// The same from a matrix whose rows lie side by side: a register holds two of k, in pairs.
inline void load_pairs(const bfloat16* from, long stride, long rows, long depth, __m512i (&to)[16]) {
  const __mmask16 wanted = first_lanes(std::max(0L, rows));
  const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                       20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (long p = 0; p < 16; p++) {
    const __mmask16 first = 2 * p < depth ? wanted : 0, second = 2 * p + 1 < depth ? wanted : 0;
    const __m256i low = _mm256_maskz_loadu_epi16(first, from + 2 * p * stride);
    const __m256i high = _mm256_maskz_loadu_epi16(second, from + (2 * p + 1) * stride);
    to[p] = _mm512_permutexvar_epi16(zip, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
  }
}

// Tiles of rows [first, first + count) and k in [k0, k0 + depth), filled up with zeros to whole blocks of 32 x 32.
// `as_pairs`: as the second operand of a product, of which M is the transpose; else as the first.
inline void pack_tiles(const Matrix<bfloat16>& m, long first, long count, long k0, long depth, bool as_pairs,
                       bfloat16* to) {
  const bool along_depth = m.column_stride == 1;
  for (long i = 0; i < round_up(count, kBlock); i += kTileRows)
    for (long k = 0; k < depth; k += kTileDepth, to += kTileRows * kTileDepth) {
      __m512i tile[16];
      const bfloat16* from = m.at(first + i, k0 + k);
      if (along_depth)
        load_rows(from, m.row_stride, count - i, depth - k, tile);
      else
        load_pairs(from, m.column_stride, count - i, depth - k, tile);
      if (along_depth == as_pairs) transpose_pairs(tile);
      for (int r = 0; r < 16; r++) _mm512_store_si512(to + r * kTileDepth, tile[r]);
    }
}

#endif
