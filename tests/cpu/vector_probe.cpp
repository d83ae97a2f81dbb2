#include "tests/cpu/vector_probe.h"

#include "runtime/cpu/vector.h"

#define AFORO_TEXT_OF(x) #x
#define AFORO_TEXT(x) AFORO_TEXT_OF(x)

namespace aforo::cpu::AFORO_ISA {
namespace {

template <Vec (*f)(Vec)>
void map(const float* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += width) store(y + i, f(load(x + i)));
}

template <typename T>
void widen_all(const std::uint16_t* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += width) store(y + i, load(reinterpret_cast<const T*>(x) + i));
}
template <typename T>
void narrow_all(const float* x, std::uint16_t* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += width) store(reinterpret_cast<T*>(y) + i, load(x + i));
}

}  // namespace

extern const test::VectorProbe vector_probe;
const test::VectorProbe vector_probe = {
    AFORO_TEXT(AFORO_ISA),
    map<exp>,
    map<tanh>,
    map<erf>,
    map<sigmoid>,
    [](Dtype from, const std::uint16_t* x, float* y, std::int64_t n) {
      from == Dtype::bf16 ? widen_all<Bf16>(x, y, n) : widen_all<Fp16>(x, y, n);
    },
    [](Dtype to, const float* x, std::uint16_t* y, std::int64_t n) {
      to == Dtype::bf16 ? narrow_all<Bf16>(x, y, n) : narrow_all<Fp16>(x, y, n);
    },
    width,
    [](const float* x) { return sum(load(x)); },
    [](const float* x) { return max(load(x)); }};

}  // namespace aforo::cpu::AFORO_ISA
