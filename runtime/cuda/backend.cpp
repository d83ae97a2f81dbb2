#include "runtime/cuda/backend.h"

#include <fmt/format.h>

#include "planner/base/error.h"
#include "runtime/cuda/device_error.h"
#include "runtime/cuda/executor.h"
#include "runtime/cuda/probe.h"

namespace aforo::cuda {
namespace {

/// 12040 is 12.4; 0: none. What the calls themselves return does not matter: without a driver they
/// fail and leave 0.
struct Versions {
  int driver = 0, runtime = 0;

  Versions() {
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    cudaGetLastError();
  }
};

[[noreturn]] void no_device(const std::string& why) {
  const Versions versions;
  throw EnvironmentError(fmt::format("no usable CUDA device (driver {}, runtime {}: {})",
                                     versions.driver, versions.runtime, why));
}

int count_devices() {
  int n_devices = 0;
  const cudaError_t code = cudaGetDeviceCount(&n_devices);
  if (code != cudaSuccess) no_device(cudaGetErrorString(code));
  return n_devices;
}

class CudaBackend final : public Backend {
 public:
  CudaBackend() {
    if (count_devices() < 1) no_device("no device is visible; is CUDA_VISIBLE_DEVICES empty?");
    if (const cudaError_t code = cudaSetDevice(0); code != cudaSuccess)
      no_device(cudaGetErrorString(code));
    check(cudaGetDeviceProperties(&device_, 0), "cudaGetDeviceProperties(&device, 0)");
    if (const cudaError_t code = find_kernel(); code != cudaSuccess)
      no_device(fmt::format(
          "{} has compute capability {}.{}, this plug-in was built for {}: {}; build it with "
          "-DAFORO_CUDA_ARCHS={}{}",
          device_.name, device_.major, device_.minor, AFORO_CUDA_ARCHS, cudaGetErrorString(code),
          device_.major, device_.minor));
  }

  std::string name() const override { return "cuda"; }
  std::string description() const override {
    const Versions versions;
    return fmt::format("cuda, {}, sm_{}{}, {:.1f} GiB, driver {}, runtime {}, cuBLASLt {}",
                       device_.name, device_.major, device_.minor,
                       as_gib(Bytes(static_cast<std::int64_t>(device_.totalGlobalMem))),
                       versions.driver, versions.runtime, cublasLtGetVersion());
  }
  int n_threads() const override { return 1; }
  std::unique_ptr<Executor> load(const StepProgram& program, Communicator*) override {
    return std::make_unique<CudaExecutor>(program);
  }

 private:
  cudaDeviceProp device_{};
};

}  // namespace

std::unique_ptr<Backend> open_cuda_backend() { return std::make_unique<CudaBackend>(); }

}  // namespace aforo::cuda
