// The kernels of the fast path for Python, in three forms: stored and computed in float; stored in bfloat16 and computed
// in float; stored and computed in double, for the proofs.
#include "activation.h"
#include "cross_entropy.h"
#include "layer_norm.h"

#define KERNELS(suffix, Stored, Real)                                                                                  \
  void layer_norm_forward_##suffix(const Real* x, const Real* weight, const Real* bias, double epsilon, Stored* y,      \
                                   Real* mean, Real* inverse_deviation, long rows, long features, int threads) {        \
    layer_norm_forward(x, weight, bias, Real(epsilon), y, mean, inverse_deviation, rows, features, threads);            \
  }                                                                                                                     \
  void layer_norm_backward_##suffix(const Stored* dy, const Real* x, const Real* weight, const Real* mean,              \
                                    const Real* inverse_deviation, Real* dx, Real* dweight, Real* dbias, long rows,     \
                                    long features, int threads) {                                                       \
    layer_norm_backward(dy, x, weight, mean, inverse_deviation, dx, dweight, dbias, rows, features, threads);           \
  }                                                                                                                     \
  void activation_forward_##suffix(const Stored* x, Stored* y, long count, int kind, int threads) {                     \
    activation_forward(x, y, count, kind, threads);                                                                     \
  }                                                                                                                     \
  void activation_split_##suffix(Stored* x, Stored* y, long count, int kind, int threads) {                             \
    activation_split(x, y, count, kind, threads);                                                                       \
  }                                                                                                                     \
  void scale_and_sum_columns_##suffix(Stored* dy, const Stored* slope, Real* sum, long rows, long columns,              \
                                      int threads) {                                                                    \
    scale_and_sum_columns(dy, slope, sum, rows, columns, threads);                                                      \
  }                                                                                                                     \
  void cross_entropy_##suffix(Stored* logits, const int64_t* targets, double factor, double smoothing, Real* loss,      \
                              int32_t* hits, long rows, long vocab_size, int threads) {                                 \
    cross_entropy(logits, targets, Real(factor), Real(smoothing), loss, hits, rows, vocab_size, threads);               \
  }

extern "C" {
KERNELS(f32, float, float)
KERNELS(bf16, bfloat16, float)
KERNELS(f64, double, double)
}
