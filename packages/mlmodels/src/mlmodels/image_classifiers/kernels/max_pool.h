// The largest value of each window of 2 x 2, of images whose channels lie together. What is left of an odd height or width
// is dropped. Of equals the first is taken, and a NaN before everything, as torch does.
#pragma once

#include "../../native/numbers.h"

template <class Real>
inline Real kept_if(bool wanted, Real value) {
  return wanted ? value : Real(0);
}
inline bfloat16 kept_if(bool wanted, bfloat16 value) { return {uint16_t(wanted ? value.bits : 0)}; }

template <class Real>
inline void take_if_better(Real value, int32_t number, Real& best, int32_t& choice) {
  const bool is_better = value > best || value != value;
  best = is_better ? value : best;
  choice = is_better ? number : choice;
}

// y: the values; choice: which of the window's four they were, row by row.
template <class Stored>
void max_pool_forward(const Stored* x, Stored* y, uint8_t* choice, long images, long height, long width, long channels,
                      int threads) {
  typedef RealOf<Stored> Real;
  const long rows = height / 2, columns = width / 2, line = width * channels;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long row = 0; row < images * rows; row++) {
    const Stored* from = x + (row / rows * height + row % rows * 2) * line;
    for (long column = 0; column < columns; column++) {
      const Stored *x0 = from + 2 * column * channels, *x1 = x0 + channels, *x2 = x0 + line, *x3 = x2 + channels;
      const long first = (row * columns + column) * channels;
#pragma omp simd
      for (long c = 0; c < channels; c++) {
        Real best = to_real(x0[c]);
        int32_t which = 0;
        take_if_better(to_real(x1[c]), 1, best, which);
        take_if_better(to_real(x2[c]), 2, best, which);
        take_if_better(to_real(x3[c]), 3, best, which);
        y[first + c] = Stored_as<Stored>::from(best);
        choice[first + c] = uint8_t(which);
      }
    }
  }
}

// dx: dy where the largest value was, 0 elsewhere.
template <class Stored>
void max_pool_backward(const Stored* dy, const uint8_t* choice, Stored* dx, long images, long height, long width,
                       long channels, int threads) {
  const long rows = height / 2, columns = width / 2, line = width * channels;
  const long next[4] = {0, channels, line, line + channels};
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long row = 0; row < images * rows; row++) {
    Stored* to = dx + (row / rows * height + row % rows * 2) * line;
    for (long column = 0; column < columns; column++) {
      Stored* window = to + 2 * column * channels;
      const long first = (row * columns + column) * channels;
      for (int k = 0; k < 4; k++) {
#pragma omp simd
        for (long c = 0; c < channels; c++)
          window[next[k] + c] = kept_if(choice[first + c] == k, dy[first + c]);
      }
    }
    if (width % 2) {  // the last column of both lines
      std::memset(to + line - channels, 0, channels * sizeof(Stored));
      std::memset(to + 2 * line - channels, 0, channels * sizeof(Stored));
    }
    if (height % 2 && row % rows == rows - 1) std::memset(to + 2 * line, 0, line * sizeof(Stored));
  }
}
