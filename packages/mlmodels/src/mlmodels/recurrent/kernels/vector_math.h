// exp, sigmoid and tanh that the compiler vectorises: no call, no branch, no table.
//
// Float: polynomials of Cephes (Moshier, 1992). Against the exact values exp is within 2 units in the last place over
// the range in which it is normal, sigmoid and tanh within 4. NaN stays NaN, infinities give the limits.
// Double is for proofs: libm, one element at a time.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define INLINE static inline __attribute__((always_inline))

INLINE float bits_as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

INLINE std::uint32_t float_as_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

struct Reduced {  // x = n ln 2 + r, |r| <= ln 2 / 2
  float r;
  std::uint32_t n;  // in the lowest bits, two's complement; above them something else
};

INLINE Reduced reduce(float x) {
  constexpr float round_to_integer = 12582912.0f;  // 1.5 * 2^23: adding it leaves no room for fractions
  const float shifted = x * 1.44269504f + round_to_integer;
  const float n = shifted - round_to_integer;
  return {(x - n * 0.693359375f) + n * 2.12194440e-4f, float_as_bits(shifted)};  // ln 2 in two parts
}

INLINE float exp_minus_1_of_reduced(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * r * r + r;
}

INLINE float vector_exp(float x) {
  x = x < -87.33654f ? -87.33654f : x;  // below: the smallest normal number instead of 0 (a NaN passes)
  x = x > 88.37626f ? 88.37626f : x;    // above: 2.4e38 instead of infinity
  const Reduced reduced = reduce(x);
  const float y = exp_minus_1_of_reduced(reduced.r) + 1.0f;
  return bits_as_float(float_as_bits(y) + (reduced.n << 23));  // y * 2^n
}

INLINE float vector_sigmoid(float x) { return 1.0f / (1.0f + vector_exp(-x)); }

INLINE float vector_tanh(float x) {  // e / (e + 2) for e = exp(2x) - 1: no digits are lost for small x
  float twice = 2.0f * x;
  twice = twice < -20.0f ? -20.0f : twice;  // from 18.1 on the result is 1
  twice = twice > 20.0f ? 20.0f : twice;
  const Reduced reduced = reduce(twice);
  const float power = bits_as_float((reduced.n + 127u) << 23);  // 2^n
  const float e = power * exp_minus_1_of_reduced(reduced.r) + (power - 1.0f);
  return e / (e + 2.0f);
}

INLINE double vector_exp(double x) { return std::exp(x); }
INLINE double vector_sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
INLINE double vector_tanh(double x) { return std::tanh(x); }
