// The types that buffers hold; arithmetic is done in `Real`: float for float and bfloat16, double for double.
#pragma once

#include "vector_math.h"

struct Bf16 {
  std::uint16_t bits;
};

template <class Storage>
struct Arithmetic {
  typedef Storage Real;
};
template <>
struct Arithmetic<Bf16> {
  typedef float Real;
};

INLINE float widen(float x) { return x; }
INLINE double widen(double x) { return x; }
INLINE float widen(Bf16 x) { return bits_as_float(std::uint32_t(x.bits) << 16); }

INLINE void narrow(float x, float* to) { *to = x; }
INLINE void narrow(double x, double* to) { *to = x; }
INLINE void narrow(float x, Bf16* to) {  // to the nearest, ties to even; a NaN stays one
  const std::uint32_t bits = float_as_bits(x);
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  to->bits = std::uint16_t(x == x ? rounded : 0x7fc0u);
}
