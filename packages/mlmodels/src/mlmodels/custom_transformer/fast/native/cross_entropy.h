// Cross-entropy of rows of logits with token ids, and its gradient in the logits' place.
//
// A row is read once from memory; its three passes (largest, exponentials and their sum, gradient) find it in a cache
// (16 KB for 4,096 tokens, 200 KB for 50,257). One exponential a logit (two in bfloat16), and nothing else of the logits'
// size is written.
#pragma once

#include "../../../native/numbers.h"
#include "../../../native/vector_math.h"

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
    Real largest = to_real(z[0]);
#pragma omp simd reduction(max : largest)
    for (long v = 0; v < vocab_size; v++) largest = to_real(z[v]) > largest ? to_real(z[v]) : largest;
    const Real at_target = to_real(z[target]);
    if (at_target == largest) {
      hits[n] = 1;
      for (long v = 0; v < target; v++) hits[n] = to_real(z[v]) == largest ? 0 : hits[n];
    }
    // Where a logit's place can hold the exponential, it is kept for the gradient; bfloat16 is too coarse for that.
    constexpr bool keeps = sizeof(Stored) == sizeof(Real);
    Real sum = 0, plain_sum = 0;
#pragma omp simd reduction(+ : sum, plain_sum)
    for (long v = 0; v < vocab_size; v++) {
      const Real shifted = to_real(z[v]) - largest, e = exp_of(shifted);
      if (keeps) z[v] = Stored_as<Stored>::from(e);
      sum += e;
      plain_sum += shifted;
    }
    const Real log_sum = std::log(sum);
    // Without smoothing the mean must not count at all: it may be infinite, and 0 * infinity is not a number.
    const Real mean = smoothing == 0 ? 0 : plain_sum / Real(vocab_size);
    const Real expected = (1 - smoothing) * (at_target - largest) + smoothing * mean;
    loss[n] = log_sum - expected;
    if (factor == 0) continue;
    const Real even = factor * smoothing / Real(vocab_size), share = factor / sum;
#pragma omp simd
    for (long v = 0; v < vocab_size; v++) {
      const Real e = keeps ? to_real(z[v]) : exp_of(to_real(z[v]) - largest);
      z[v] = Stored_as<Stored>::from(e * share - even);
    }
    // Made anew from the logit: a stored gradient, rounded to bfloat16, is not subtracted from.
    const Real probability = exp_of(at_target - largest - log_sum);
    z[target] = Stored_as<Stored>::from((probability - (1 - smoothing)) * factor - even);
  }
}
