// What lies between the convolutions of SpeedNet's blocks, for Python: stored and computed in float; stored in bfloat16 and
// computed in float; stored and computed in double, for the proofs.
#include "max_pool.h"
#include "norm_gelu.h"

#define KERNELS(suffix, Stored, Real)                                                                                    \
  void max_pool_forward_##suffix(const Stored* x, Stored* y, uint8_t* choice, long images, long height, long width,     \
                                 long channels, int threads) {                                                         \
    max_pool_forward(x, y, choice, images, height, width, channels, threads);                                           \
  }                                                                                                                     \
  void max_pool_backward_##suffix(const Stored* dy, const uint8_t* choice, Stored* dx, long images, long height,        \
                                  long width, long channels, int threads) {                                             \
    max_pool_backward(dy, choice, dx, images, height, width, channels, threads);                                        \
  }                                                                                                                     \
  void moments_##suffix(const Stored* x, Real* mean, Real* variance, long rows, long channels, int threads) {           \
    moments(x, mean, variance, rows, channels, threads);                                                                \
  }                                                                                                                     \
  void norm_gelu_forward_##suffix(const Stored* x, const Real* mean, const Real* rate, const Real* shift, Stored* y,    \
                                  long rows, long channels, int threads) {                                              \
    norm_gelu_forward(x, mean, rate, shift, y, rows, channels, threads);                                                \
  }                                                                                                                     \
  void norm_gelu_backward_##suffix(const Stored* dy, const Stored* x, const Real* mean, const Real* rate,               \
                                   const Real* shift, Stored* dx, Real* dshift, long rows, long channels,               \
                                   int threads) {                                                                       \
    norm_gelu_backward(dy, x, mean, rate, shift, dx, dshift, rows, channels, threads);                                  \
  }                                                                                                                     \
  void shift_gelu_backward_##suffix(const Stored* dy, const Stored* x, const Real* shift, Real* dshift, long rows,      \
                                    long channels, int threads) {                                                       \
    shift_gelu_backward(dy, x, shift, dshift, rows, channels, threads);                                                 \
  }

extern "C" {
KERNELS(f32, float, float)
KERNELS(bf16, bfloat16, float)
KERNELS(f64, double, double)
}
