// Tile registers (AMX): one instruction multiplies two tiles, 8,192 multiplications in 16 cycles.
#pragma once

#include "tile_layout.h"

#if defined(HAS_TILE_LAYOUT) && defined(__AMX_BF16__) && defined(__linux__)
#define HAS_TILES

#include <sys/syscall.h>
#include <unistd.h>

// Linux lets a process use tiles when it has asked once.
inline bool tiles_are_allowed() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  static const bool allowed = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return allowed;
}

// Makes this thread's eight registers 16 rows of 64 bytes, and gives them back at the end of the scope.
struct TileRegisters {
  TileRegisters() {
    if (!tiles_are_allowed()) return;
    alignas(64) struct {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shapes;
    _tile_loadconfig(&shapes);
  }
  ~TileRegisters() {
    if (tiles_are_allowed()) _tile_release();
  }
  TileRegisters(const TileRegisters&) = delete;
};

// 32 x 32 of C = or += rows of A (from tile i on) times columns of B (from tile j on), over `steps` tiles of k. The sums
// stay in four registers; four tiles are loaded for four instructions: with one operand in the first-level cache it
// waits for nothing.
inline void multiply_block_on_registers(const Tiles& a, long i, const Tiles& b, long j, long steps, float* c,
                                        long c_stride, bool add) {
  const long c_bytes = c_stride * 4;
  float *c10 = c + kTileRows * c_stride, *c01 = c + kTileRows, *c11 = c10 + kTileRows;
  if (add) {
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, c01, c_bytes);
    _tile_loadd(2, c10, c_bytes);
    _tile_loadd(3, c11, c_bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (long s = 0; s < steps; s++) {
    _tile_loadd(4, a.at(i, s), a.stride_bytes);
    _tile_loadd(6, b.at(j, s), b.stride_bytes);
    _tile_loadd(7, b.at(j + 1, s), b.stride_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a.at(i + 1, s), a.stride_bytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, c01, c_bytes);
  _tile_stored(2, c10, c_bytes);
  _tile_stored(3, c11, c_bytes);
}

#else
inline constexpr bool tiles_are_allowed() { return false; }
struct TileRegisters {
  TileRegisters() {}
};
#endif
