// The twins of mma.cuh: a warp's lanes exchange what they hold through memory and meet at real barriers, and
// asynchronous copies happen no earlier than the wait for them, so that a wait or a barrier too few shows. For blocks
// of one dimension.
#pragma once

#include "threads.h"

#include <deque>
#include <vector>

namespace emulation {

struct lane_operands {
  uint32_t a[4], b[2];
  const void *row;
};

// What the lanes of this thread's warp hold now. The one barrier suffices: consecutive exchanges use different memory,
// and no lane is two exchanges ahead of another.
inline const lane_operands *exchange(const lane_operands &own) {
  static lane_operands operands[32][2][32];
  static unsigned turns[1024];
  const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32, turn = turns[threadIdx.x]++ % 2;
  operands[warp][turn][lane] = own;
  __syncwarp();
  return operands[warp][turn];
}

inline float half(uint32_t pair, unsigned index) {
  return bit_cast<float>((index ? pair >> 16 : pair & 0xffff) << 16);
}

inline void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  const lane_operands *lanes = exchange({{a[0], a[1], a[2], a[3]}, {b0, b1}, nullptr});
  const unsigned lane = threadIdx.x % 32, column = lane % 4 * 2;
  for (unsigned i = 0; i < 4; i++) {
    const unsigned row = lane / 4, lower = i / 2;
    float sum = c[i];
    for (unsigned k = 0; k < 16; k++) {
      const unsigned holder = k % 8 / 2, upper = k / 8;
      sum += half(lanes[row * 4 + holder].a[lower + 2 * upper], k % 2)
             * half(lanes[(column + i % 2) * 4 + holder].b[upper], k % 2);
    }
    c[i] = sum;
  }
}

inline void load_matrices(uint32_t (&x)[4], const void *row, bool transposed) {
  const lane_operands *lanes = exchange({{}, {}, row});
  const unsigned g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (unsigned i = 0; i < 4; i++) {
    auto element = [&](unsigned r, unsigned c) -> uint32_t {
      return static_cast<const uint16_t *>(lanes[i * 8 + r].row)[c];
    };
    x[i] = transposed ? element(2 * t, g) | element(2 * t + 1, g) << 16
                      : element(g, 2 * t) | element(g, 2 * t + 1) << 16;
  }
}

struct async_copy {
  void *to;
  const void *from;
  unsigned count, size;
};

struct thread_copies {
  std::deque<std::vector<async_copy>> groups;
  std::vector<async_copy> open;
};

inline thread_copies &copies() {
  static thread_copies threads[1024];
  return threads[threadIdx.x];
}

inline void copy_async(void *to, const void *from, unsigned count, unsigned size) {
  copies().open.push_back({to, from, count, size});
}

inline void commit_copies() {
  copies().groups.push_back(std::move(copies().open));
  copies().open.clear();
}

inline void wait_for_copies(unsigned left) {
  auto &groups = copies().groups;
  for (; groups.size() > left; groups.pop_front()) {
    for (const async_copy &copy : groups.front()) {
      if (copy.count) memcpy(copy.to, copy.from, copy.count);
      memset(static_cast<char *>(copy.to) + copy.count, 0, copy.size - copy.count);
    }
  }
}

}  // namespace emulation
