// Vectors as wide as this processor's registers, in the compiler's own vector types.
#pragma once

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;  // SSE2 and NEON
#endif

template <class Real>
struct Simd {
  static constexpr int width = kVectorBytes / sizeof(Real);
  typedef Real Vector __attribute__((vector_size(kVectorBytes)));
  typedef Real Loose __attribute__((vector_size(kVectorBytes), aligned(sizeof(Real)), may_alias));
};

template <class Real>
inline typename Simd<Real>::Vector load(const Real* from) {
  return *reinterpret_cast<const typename Simd<Real>::Loose*>(from);
}

template <class Real>
inline void store(Real* to, typename Simd<Real>::Vector values) {
  *reinterpret_cast<typename Simd<Real>::Loose*>(to) = values;
}
