// Causal attention for Python, in three forms: stored and computed in float; stored in bfloat16 and computed in float;
// stored and computed in double, for the proofs.
#include "attention.h"

#include <type_traits>

#include "tile_attention.h"

// bfloat16 has a form of its own where the processor multiplies it.
template <class Stored, class Real>
static void forward_of_attention(const Stored* qkv, Stored* out, Real* log_sums, Shape s, int threads) {
#ifdef HAS_TILE_LAYOUT
  if constexpr (std::is_same_v<Stored, bfloat16>)
    return attention_forward_on_tiles(qkv, out, log_sums, s, threads);
#endif
  attention_forward(qkv, out, log_sums, s, threads);
}
template <class Stored, class Real>
static void backward_of_attention(const Stored* dout, const Stored* qkv, const Stored* out, const Real* log_sums,
                                  Stored* dqkv, Shape s, int threads) {
#ifdef HAS_TILE_LAYOUT
  if constexpr (std::is_same_v<Stored, bfloat16>)
    return attention_backward_on_tiles(dout, qkv, out, log_sums, dqkv, s, threads);
#endif
  attention_backward(dout, qkv, out, log_sums, dqkv, s, threads);
}

#define ATTENTION(suffix, Stored, Real)                                                                              \
  void attention_forward_##suffix(const Stored* qkv, Stored* out, Real* log_sums, long batch, long time, long heads, \
                                  long head_size, int threads) {                                                     \
    forward_of_attention(qkv, out, log_sums, {batch, time, heads, head_size}, threads);                              \
  }                                                                                                                  \
  void attention_backward_##suffix(const Stored* dout, const Stored* qkv, const Stored* out, const Real* log_sums,   \
                                   Stored* dqkv, long batch, long time, long heads, long head_size, int threads) {   \
    backward_of_attention(dout, qkv, out, log_sums, dqkv, {batch, time, heads, head_size}, threads);                 \
  }

extern "C" {
ATTENTION(f32, float, float)
ATTENTION(bf16, bfloat16, float)
ATTENTION(f64, double, double)
}
