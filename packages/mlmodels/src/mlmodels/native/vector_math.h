// exp and the normal distribution function in a form that the compiler turns into vector instructions.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

// exp(x) = 2^n exp(r), n the nearest whole number to x / log 2, |r| <= log(2) / 2, by the polynomial of Cephes (Moshier,
// 1992). Relative error below 2e-7; 0 below -87.3, infinity from 88.03 on (what is asked for here is never above 0, and
// floats up to 88.7 would need 2^n in two factors); NaN stays NaN.
inline float exp_of(float x) {
  const float clamped = x < -87.4f ? -87.4f : (x > 88.8f ? 88.8f : x);
  const float n = (clamped * 1.44269504f + 12582912.0f) - 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;     // log 2 in two parts
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (int32_t(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  const float y = p * power;
  return x < -87.3f ? 0.0f : y;
}
inline double exp_of(double x) { return std::exp(x); }

#if defined(__AVX512F__)
// The same for sixteen at once, with the instruction that multiplies by 2^n.
inline __m512 exp_of(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  const __m512 y = _mm512_scalef_ps(p, n);
  return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.3f), _CMP_LT_OS), _mm512_setzero_ps());
}
#endif

// Phi(x) = erfc(-x / sqrt 2) / 2 and the density exp(-x^2 / 2) / sqrt(2 pi), which share one exponential: erfc(z) =
// exp(-z^2) t (a1 + t (a2 + ...)), t = 1 / (1 + p z) for z >= 0 (Abramowitz and Stegun, 1964, 7.1.26; error of Phi below
// 1e-7, about one unit in a float's last place).
inline void normal_distribution(float x, float& phi, float& density) {
  const float z = std::fabs(x) * 0.70710678f;
  const float e = exp_of(-z * z);
  const float t = 1.0f / (1.0f + 0.3275911f * z);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float tail = 0.5f * p * t * e;
  phi = x > 0.0f ? 1.0f - tail : tail;
  density = 0.39894228f * e;
}
inline void normal_distribution(double x, double& phi, double& density) {
  phi = 0.5 * std::erfc(-x * 0.70710678118654752440);
  density = 0.39894228040143267794 * std::exp(-0.5 * x * x);
}
