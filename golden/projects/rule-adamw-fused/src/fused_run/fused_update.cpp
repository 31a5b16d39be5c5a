// The update of Adamw in one pass over memory, for any number of tensors.
//
// fused_update.py builds this file with the machine's compiler and calls it by ctypes.
// What depends on hyperparameters or on the step is computed there, once a tensor, and
// comes as numbers, so that a change of the learning rate needs no new build.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// So many entries are one piece of work: few enough that large tensors are shared out
// evenly among threads, and enough that handing out costs nothing.
constexpr int64_t kPieceSize = 1 << 15;

// The upper half of a float.
struct bfloat16 {
  uint16_t bits;
};

inline float load(float value) { return value; }
inline double load(double value) { return value; }
inline float load(bfloat16 value) {
  const uint32_t bits = uint32_t(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

inline void store(float& target, float value) { target = value; }
inline void store(double& target, double value) { target = value; }
// To the nearest, ties to even; NaN stays NaN.
inline void store(bfloat16& target, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  target.bits = uint16_t(value != value ? 0x7fc0 : rounded);
}

// As torch does it: from the nearer end, so that a weight of 1 gives b.
template <typename T>
inline T lerp(T a, T b, T weight) {
  return std::abs(weight) < T(0.5) ? a + weight * (b - a) : b - (b - a) * (1 - weight);
}

// Where the entries of one parameter begin, those of its gradient, and of each state.
struct Row {
  const int64_t* addresses;
  int64_t stride;

  template <typename T>
  T* entries(int64_t role) const {
    return reinterpret_cast<T*>(addresses[role * stride]);
  }
};

// AdamW, decoupled weight decay (arXiv:1711.05101), Algorithm 2.
template <typename P, typename T>
void update(Row row, const double* numbers, int64_t begin, int64_t end) {
  const T grad_factor = T(numbers[0]);
  const T c1 = T(numbers[1]);  // 1 - lr * weight_decay
  const T c2 = T(numbers[2]);  // 1 - beta1
  const T beta2 = T(numbers[3]);
  const T c3 = T(numbers[4]);  // 1 - beta2
  const T c4 = T(numbers[5]);  // (1 - beta2**step)**0.5
  const T eps = T(numbers[6]);
  const T step_size = T(numbers[7]);
  P* __restrict params = row.entries<P>(0);
  const P* __restrict grads = row.entries<P>(1);
  T* __restrict exp_avgs = row.entries<T>(2);
  T* __restrict exp_avg_sqs = row.entries<T>(3);
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    T param = load(params[i]);
    const T grad = load(grads[i]) * grad_factor;
    T exp_avg = exp_avgs[i];
    T exp_avg_sq = exp_avg_sqs[i];
    param *= c1;
    exp_avg = lerp(exp_avg, grad, c2);
    exp_avg_sq = beta2 * exp_avg_sq + c3 * grad * grad;
    const T denom = std::sqrt(exp_avg_sq) / c4 + eps;
    param -= step_size * exp_avg / denom;
    store(params[i], param);
    exp_avgs[i] = exp_avg;
    exp_avg_sqs[i] = exp_avg_sq;
  }
}

struct Piece {
  int64_t tensor;
  int64_t begin;
  int64_t end;
};

// Runs an update over all tensors. `addresses` has a row of `count` for each role; the
// numbers of a tensor come `number_stride` after those of the one before.
template <typename Update>
void run(Update update, int64_t threads, int64_t count, int64_t number_stride,
         const int64_t* sizes, const int64_t* addresses, const double* numbers) {
  std::vector<Piece> pieces;
  int64_t entries = 0;
  for (int64_t tensor = 0; tensor < count; ++tensor) {
    entries += sizes[tensor];
    for (int64_t begin = 0; begin < sizes[tensor]; begin += kPieceSize) {
      pieces.push_back({tensor, begin, std::min(begin + kPieceSize, sizes[tensor])});
    }
  }
  const int64_t piece_count = static_cast<int64_t>(pieces.size());
  threads = std::min(threads, entries / kPieceSize + 1);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int64_t i = 0; i < piece_count; ++i) {
    const Piece piece = pieces[i];
    const Row row = {addresses + piece.tensor, count};
    update(row, numbers + piece.tensor * number_stride, piece.begin, piece.end);
  }
}

}  // namespace

// P is the type of parameters and gradients, T that of states and of the computation.
extern "C" {

void update_float32(int64_t threads, int64_t count, int64_t number_stride,
                    const int64_t* sizes, const int64_t* addresses,
                    const double* numbers) {
  run(update<float, float>, threads, count, number_stride, sizes, addresses,
      numbers);
}

void update_float64(int64_t threads, int64_t count, int64_t number_stride,
                    const int64_t* sizes, const int64_t* addresses,
                    const double* numbers) {
  run(update<double, double>, threads, count, number_stride, sizes, addresses,
      numbers);
}

void update_bfloat16(int64_t threads, int64_t count, int64_t number_stride,
                     const int64_t* sizes, const int64_t* addresses,
                     const double* numbers) {
  run(update<bfloat16, float>, threads, count, number_stride, sizes, addresses,
      numbers);
}

}  // extern "C"
