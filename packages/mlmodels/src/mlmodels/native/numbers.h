// Numbers as they are stored and as they are computed with: bfloat16 and float in float, double in double.
#pragma once

#include <cstdint>
#include <cstring>

struct bfloat16 {
  uint16_t bits;
};

inline float to_real(float x) { return x; }
inline double to_real(double x) { return x; }
inline float to_real(bfloat16 x) {
  const uint32_t wide = uint32_t(x.bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

template <class Stored>
struct Stored_as;
template <>
struct Stored_as<float> {
  typedef float Real;
  static float from(float x) { return x; }
};
template <>
struct Stored_as<double> {
  typedef double Real;
  static double from(double x) { return x; }
};
template <>
struct Stored_as<bfloat16> {
  typedef float Real;
  static bfloat16 from(float x) {  // to the nearest, ties to even; a NaN stays one
    uint32_t wide;
    std::memcpy(&wide, &x, 4);
    const uint32_t rounded = (wide + 0x7fff + ((wide >> 16) & 1)) >> 16;
    return {uint16_t(x != x ? 0x7fc0 : rounded)};
  }
};

template <class Stored>
using RealOf = typename Stored_as<Stored>::Real;
