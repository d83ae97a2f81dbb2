#include "runtime/cpu/backend.h"

#include <fmt/format.h>
#include <sched.h>

#include <cstdlib>
#include <thread>

#include "planner/base/error.h"
#include "runtime/cpu/executor.h"
#include "runtime/cpu/kernel_error.h"
#include "runtime/cpu/onednn_gemm.h"

namespace aforo {
namespace {

/// Cores in the affinity mask of this process: what a container or taskset leaves it.
int n_usable_cores() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) return CPU_COUNT(&mask);
  // More cores than a cpu_set_t has bits.
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(int n_threads, cpu::Placement placement)
      : n_threads_(n_threads > 0 ? n_threads : n_usable_cores()),
        placement_(placement),
        isa_(cpu::chosen_isa()) {}

  std::string name() const override { return "cpu"; }
  std::string description() const override {
    const std::string onednn = cpu::onednn_version();
    return fmt::format("cpu, {} thread{}, {}{}{}", n_threads_, n_threads_ == 1 ? "" : "s",
                       isa_.name, onednn.empty() ? "" : ", ", onednn);
  }
  int n_threads() const override { return n_threads_; }
  std::unique_ptr<Executor> load(const StepProgram& program, Communicator* communicator) override {
    return cpu::make_executor(program, n_threads_, isa_.execute, placement_, communicator);
  }

 private:
  int n_threads_;
  cpu::Placement placement_;
  cpu::Isa isa_;
};

[[maybe_unused]] bool supports_avx2() {  // x86-64-v3, which the kernels are compiled for
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("lzcnt") &&
         __builtin_cpu_supports("movbe");
}
[[maybe_unused]] bool supports_avx512() {  // x86-64-v4
  return supports_avx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(int n_threads) {
  return std::make_unique<CpuBackend>(n_threads, cpu::Placement::arena);
}

std::unique_ptr<Backend> make_cpu_backend_separate(int n_threads) {
  return std::make_unique<CpuBackend>(n_threads, cpu::Placement::separate);
}

namespace cpu {

Isa chosen_isa() {
  struct Candidate {
    Isa isa;
    bool supported;
  };
  const Candidate candidates[] = {
  // widest first
#ifdef AFORO_HAVE_AVX512
      {{"avx512", avx512::execute}, supports_avx512()},
#endif
#ifdef AFORO_HAVE_AVX2
      {{"avx2", avx2::execute}, supports_avx2()},
#endif
#ifdef AFORO_HAVE_BASELINE
      {{"baseline", baseline::execute}, true},
#endif
  };
  const char* wanted = std::getenv("AFORO_CPU_ISA");
  for (const auto& [isa, supported] : candidates) {
    if (wanted == nullptr && supported) return isa;
    if (wanted == nullptr || isa.name != wanted) continue;
    if (supported) return isa;
    throw EnvironmentError(fmt::format(
        "AFORO_CPU_ISA is \"{}\", but this machine does not have it; unset it", wanted));
  }
  throw InputError(
      fmt::format("AFORO_CPU_ISA is \"{}\"; expected avx512, avx2 or baseline", wanted));
}

void kernel_error(const char* message) { throw InternalError(message); }

void refuse_type(const char* op, Dtype dtype) {
  throw InternalError(fmt::format("{}: the cpu kernel does not take {}", op, name_of(dtype)));
}

}  // namespace cpu
}  // namespace aforo
