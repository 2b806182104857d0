// Large products on tile registers: panels of B and blocks of A that fit a core's second-level cache (see tiles.h).
#pragma once

#include "tiles.h"

#ifdef HAS_TILES

// A panel of B is up to 1 MB; a block of A, 32 rows of it, up to 64 KB.
constexpr long kPanelColumns = 512, kPanelDepth = 1024, kDeepRows = 256;

struct TilePanels {
  bfloat16* b = aligned_array<bfloat16>(kPanelColumns * kPanelDepth);
  bfloat16* a = aligned_array<bfloat16>(kBlock * kPanelDepth);
  float* sums = aligned_array<float>(kDeepRows * kPanelColumns);
  ~TilePanels() {
    std::free(b);
    std::free(a);
    std::free(sums);
  }
};

// The valid part of a block of sums goes to C: over it, or added to it, with the bias of the columns.
template <class Out>
inline void write_sums(const float* sums, long sums_stride, Out* c, long c_stride, long rows, long columns, bool add,
                       const float* bias) {
  for (long j = 0; j < columns; j += 16) {
    const __mmask16 valid = first_lanes(columns - j);
    const __m512 shift = bias ? load_16(bias + j, valid) : _mm512_setzero_ps();
    for (long r = 0; r < rows; r++) {
      __m512 value = _mm512_add_ps(_mm512_loadu_ps(sums + r * sums_stride + j), shift);
      if (add) value = _mm512_add_ps(value, load_16(c + r * c_stride + j, valid));
      store_16(c + r * c_stride + j, valid, value);
    }
  }
}

// 32 rows of A as tiles, where they lie or packed into `scratch`.
inline Tiles block_of_rows(const Matrix<bfloat16>& a, long first, long rows, long k0, long depth, bfloat16* scratch) {
  if (a.column_stride == 1 && rows >= kBlock && depth % kTileDepth == 0) return tiles_in_place(a, first, k0);
  pack_tiles(a, first, std::min(rows, kBlock), k0, depth, false, scratch);
  return packed_tiles(scratch, depth);
}

// The part of C in rows [i0, i1) and columns [j0, j1), by one thread. `b` is B transposed: element (j, k). A product that
// is deeper than a panel is summed in float for 256 rows at a time, and rounded once.
template <class Out>
void multiply_part_on_tiles(const Matrix<bfloat16>& a, const Matrix<bfloat16>& b, Out* c, long c_stride, long i0, long i1,
                            long j0, long j1, long depth, bool add, const float* bias) {
  static thread_local TilePanels panels;
  const TileRegisters registers;
  const bool is_deep = depth > kPanelDepth;
  const long row_step = is_deep ? kDeepRows : i1 - i0, depth_step = is_deep ? kPanelDepth / 2 : kPanelDepth;
  alignas(64) float block[kBlock * kBlock];
  for (long jc = j0; jc < j1; jc += kPanelColumns)
    for (long ic = i0; ic < i1; ic += row_step)
      for (long k0 = 0; k0 < depth; k0 += depth_step) {
        const long part = std::min(depth_step, depth - k0), steps = round_up(part, kTileDepth) / kTileDepth;
        const long columns = std::min(kPanelColumns, j1 - jc), last_row = std::min(i1, ic + row_step);
        const bool is_last = k0 + part == depth;
        pack_tiles(b, jc, columns, k0, part, true, panels.b);
        const Tiles b_tiles = packed_tiles(panels.b, part);
        for (long i = ic; i < last_row; i += kBlock) {
          const long rows = std::min(kBlock, last_row - i);
          const Tiles a_tiles = block_of_rows(a, i, rows, k0, part, panels.a);
          for (long j = 0; j < columns; j += kBlock) {
            float* sums = is_deep ? panels.sums + (i - ic) * kPanelColumns + j : block;
            const long stride = is_deep ? kPanelColumns : kBlock;
            multiply_block(a_tiles, 0, b_tiles, j / kTileRows, steps, sums, stride, k0 > 0);
            if (is_last)
              write_sums(sums, stride, c + i * c_stride + jc + j, c_stride, rows, std::min(kBlock, columns - j), add,
                         bias ? bias + jc + j : nullptr);
          }
        }
      }
}

// All of C (rows x columns), over `threads` threads, which share its longer side.
template <class Out>
void multiply_on_tiles(const Matrix<bfloat16>& a, const Matrix<bfloat16>& b, Out* c, long c_stride, long rows,
                       long columns, long depth, bool add, const float* bias, int threads) {
  const bool split_rows = rows >= columns;
  const long length = split_rows ? rows : columns, num_blocks = round_up(length, kBlock) / kBlock;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    const long first = num_blocks * t / threads * kBlock;
    const long last = std::min(length, num_blocks * (t + 1) / threads * kBlock);
    if (first >= last) continue;
    if (split_rows)
      multiply_part_on_tiles(a, b, c, c_stride, first, last, 0, columns, depth, add, bias);
    else
      multiply_part_on_tiles(a, b, c, c_stride, 0, rows, first, last, depth, add, bias);
  }
}

#endif
