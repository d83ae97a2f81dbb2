#include "cli/backends.h"

#include "runtime/core/plugin.h"

namespace aforo::cli {

std::unique_ptr<Backend> backend_for(const std::string& target, int n_threads) {
  static constexpr BackendFactory linked[] = {{"cpu", make_cpu_backend}};
  return open_backend(target, n_threads, linked, program_folder());
}

}  // namespace aforo::cli
