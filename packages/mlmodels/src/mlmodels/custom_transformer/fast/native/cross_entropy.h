// Cross-entropy of rows of logits with token ids, and its gradient in the logits' place.
//
// A row is read once from memory; its three passes (largest, exponentials and their sum, gradient) find it in a cache
// (16 KB for 4,096 tokens, 200 KB for 50,257). One exponential a logit (two in bfloat16), and nothing else of the logits'
// size is written.
#pragma once

#include "../../../native/numbers.h"
#include "../../../native/vectors_of_16.h"
#include "../../../native/vector_math.h"

// The three passes over a row of n logits.
template <class Stored>
inline RealOf<Stored> largest_of(const Stored* z, long n) {
  RealOf<Stored> largest = to_real(z[0]);
#pragma omp simd reduction(max : largest)
  for (long v = 0; v < n; v++) largest = to_real(z[v]) > largest ? to_real(z[v]) : largest;
  return largest;
}

// Sums of exp(z - largest) and of z - largest. Where a logit's place can hold the exponential, it is kept there for the
// gradient; bfloat16 is too coarse for that.
template <class Stored, class Real>
inline void sum_exponentials(Stored* z, long n, Real largest, Real& sum, Real& plain_sum) {
  constexpr bool keeps = sizeof(Stored) == sizeof(Real);
  Real total = 0, plain_total = 0;
#pragma omp simd reduction(+ : total, plain_total)
  for (long v = 0; v < n; v++) {
    const Real shifted = to_real(z[v]) - largest, e = exp_of(shifted);
    if (keeps) z[v] = Stored_as<Stored>::from(e);
    total += e;
    plain_total += shifted;
  }
  sum = total, plain_sum = plain_total;
}

// z = exp(z - largest) * share - even.
template <class Stored, class Real>
inline void write_gradient(Stored* z, long n, Real largest, Real share, Real even) {
  constexpr bool keeps = sizeof(Stored) == sizeof(Real);
#pragma omp simd
  for (long v = 0; v < n; v++) {
    const Real e = keeps ? to_real(z[v]) : exp_of(to_real(z[v]) - largest);
    z[v] = Stored_as<Stored>::from(e * share - even);
  }
}

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__)
// The last two for bfloat16 with its own instructions: half the time, for they are all arithmetic.
inline void sum_exponentials(bfloat16* z, long n, float largest, float& sum, float& plain_sum) {
  __m512 total = _mm512_setzero_ps(), plain_total = total;
  for (long v = 0; v < n; v += 16) {
    const __mmask16 valid = first_lanes(n - v);
    const __m512 shifted = _mm512_sub_ps(load_16(z + v, valid), _mm512_set1_ps(largest));
    total = _mm512_mask_add_ps(total, valid, total, exp_of(shifted));
    plain_total = _mm512_mask_add_ps(plain_total, valid, plain_total, shifted);
  }
  sum = _mm512_reduce_add_ps(total), plain_sum = _mm512_reduce_add_ps(plain_total);
}

inline void write_gradient(bfloat16* z, long n, float largest, float share, float even) {
  for (long v = 0; v < n; v += 16) {
    const __mmask16 valid = first_lanes(n - v);
    const __m512 e = exp_of(_mm512_sub_ps(load_16(z + v, valid), _mm512_set1_ps(largest)));
    store_16(z + v, valid, _mm512_fmsub_ps(e, _mm512_set1_ps(share), _mm512_set1_ps(even)));
  }
}
#endif

// For each row n with a target t >= 0: loss[n] = log(sum exp z) - (1 - e) z_t - e mean(z), hits[n] = 1 where z_t is the
// first largest, and z becomes factor * (softmax(z) - (1 - e) onehot(t) - e / V). Rows with t < 0: loss and gradient 0.
// factor 0: only loss and hits, z is spoiled.
template <class Stored, class Real>
void cross_entropy(Stored* logits, const int64_t* targets, Real factor, Real smoothing, Real* loss, int32_t* hits,
                   long rows, long vocab_size, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long n = 0; n < rows; n++) {
    Stored* z = logits + n * vocab_size;
    const int64_t target = targets[n];
    loss[n] = 0;
    hits[n] = 0;
    if (target < 0) {
      for (long v = 0; v < vocab_size; v++) z[v] = Stored_as<Stored>::from(Real(0));
      continue;
    }
    const Real largest = largest_of(z, vocab_size);
    const Real at_target = to_real(z[target]);
    if (at_target == largest) {
      hits[n] = 1;
      for (long v = 0; v < target; v++) hits[n] = to_real(z[v]) == largest ? 0 : hits[n];
    }
    Real sum, plain_sum;
    sum_exponentials(z, vocab_size, largest, sum, plain_sum);
    const Real log_sum = std::log(sum);
    // Without smoothing the mean must not count at all: it may be infinite, and 0 * infinity is not a number.
    const Real mean = smoothing == 0 ? 0 : plain_sum / Real(vocab_size);
    const Real expected = (1 - smoothing) * (at_target - largest) + smoothing * mean;
    loss[n] = log_sum - expected;
    if (factor == 0) continue;
    const Real even = factor * smoothing / Real(vocab_size), share = factor / sum;
    write_gradient(z, vocab_size, largest, share, even);
    // Made anew from the logit: a stored gradient, rounded to bfloat16, is not subtracted from.
    const Real probability = exp_of(at_target - largest - log_sum);
    z[target] = Stored_as<Stored>::from((probability - (1 - smoothing)) * factor - even);
  }
}
