// Matrix products for Python: see matrix_product.h.
#include "matrix_product.h"

template <class Real>
static void product(const Real* a, long a_rows, long a_columns, const Real* b, long b_rows, long b_columns, Real* c,
                    long c_stride, long rows, long columns, long depth, int add, const Real* bias, int threads) {
  // B comes as (k, j); the packing wants its transpose.
  multiply<Real>({a, a_rows, a_columns}, {b, b_columns, b_rows}, c, c_stride, rows, columns, depth, add != 0, bias,
                 threads);
}

extern "C" {
void product_f32(const float* a, long a_rows, long a_columns, const float* b, long b_rows, long b_columns, float* c,
                 long c_stride, long rows, long columns, long depth, int add, const float* bias, int threads) {
  product(a, a_rows, a_columns, b, b_rows, b_columns, c, c_stride, rows, columns, depth, add, bias, threads);
}
void product_f64(const double* a, long a_rows, long a_columns, const double* b, long b_rows, long b_columns, double* c,
                 long c_stride, long rows, long columns, long depth, int add, const double* bias, int threads) {
  product(a, a_rows, a_columns, b, b_rows, b_columns, c, c_stride, rows, columns, depth, add, bias, threads);
}
}
