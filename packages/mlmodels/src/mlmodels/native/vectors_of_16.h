// Sixteen numbers at a time with AVX-512, stored as float or as bfloat16; lanes that are not wanted read as 0 and are not
// written.
#pragma once

#include "numbers.h"

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__)
// GCC 12 warns of its own headers (its bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

inline __mmask16 first_lanes(long count) { return count >= 16 ? 0xffff : __mmask16((1u << count) - 1); }

inline __m512 load_16(const float* from, __mmask16 wanted) { return _mm512_maskz_loadu_ps(wanted, from); }
inline __m512 load_16(const bfloat16* from, __mmask16 wanted) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(wanted, from)), 16));
}
inline void store_16(float* to, __mmask16 wanted, __m512 values) { _mm512_mask_storeu_ps(to, wanted, values); }
inline void store_16(bfloat16* to, __mmask16 wanted, __m512 values) {  // to the nearest, ties to even
  _mm256_mask_storeu_epi16(to, wanted, __m256i(_mm512_cvtneps_pbh(values)));
}
#endif
