// Matrix products for Python: see matrix_product.h, and tile_product.h for bfloat16.
#include "matrix_product.h"
#include "tile_product.h"

template <class Real>
static void product(const Real* a, long a_rows, long a_columns, const Real* b, long b_rows, long b_columns, Real* c,
                    long c_stride, long rows, long columns, long depth, int add, const Real* bias, int threads) {
  // B comes as (k, j); the packing wants its transpose.
  multiply<Real>({a, a_rows, a_columns}, {b, b_columns, b_rows}, c, c_stride, rows, columns, depth, add != 0, bias,
                 threads);
}

#ifdef HAS_TILES
template <class Out>
static void tile_product(const bfloat16* a, long a_rows, long a_columns, const bfloat16* b, long b_rows, long b_columns,
                         Out* c, long c_stride, long rows, long columns, long depth, int add, const float* bias,
                         int threads) {
  multiply_on_tiles<Out>({a, a_rows, a_columns}, {b, b_columns, b_rows}, c, c_stride, rows, columns, depth, add != 0,
                         bias, threads);
}
#endif

extern "C" {
void product_f32(const float* a, long a_rows, long a_columns, const float* b, long b_rows, long b_columns, float* c,
                 long c_stride, long rows, long columns, long depth, int add, const float* bias, int threads) {
  product(a, a_rows, a_columns, b, b_rows, b_columns, c, c_stride, rows, columns, depth, add, bias, threads);
}
void product_f64(const double* a, long a_rows, long a_columns, const double* b, long b_rows, long b_columns, double* c,
                 long c_stride, long rows, long columns, long depth, int add, const double* bias, int threads) {
  product(a, a_rows, a_columns, b, b_rows, b_columns, c, c_stride, rows, columns, depth, add, bias, threads);
}

#ifdef HAS_TILES
int has_tiles() { return tiles_are_allowed(); }
void product_bf16(const bfloat16* a, long a_rows, long a_columns, const bfloat16* b, long b_rows, long b_columns,
                  bfloat16* c, long c_stride, long rows, long columns, long depth, int add, const float* bias,
                  int threads) {
  tile_product(a, a_rows, a_columns, b, b_rows, b_columns, c, c_stride, rows, columns, depth, add, bias, threads);
}
void product_bf16_to_f32(const bfloat16* a, long a_rows, long a_columns, const bfloat16* b, long b_rows, long b_columns,
                         float* c, long c_stride, long rows, long columns, long depth, int add, const float* bias,
                         int threads) {
  tile_product(a, a_rows, a_columns, b, b_rows, b_columns, c, c_stride, rows, columns, depth, add, bias, threads);
}
#else
int has_tiles() { return 0; }
#endif
}
