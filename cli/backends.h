#pragma once
// The backend a plan names: the CPU's is linked in, others are plug-ins beside the program.

#include <memory>
#include <string>

#include "runtime/core/backend.h"

namespace aforo::cli {

std::unique_ptr<Backend> backend_for(const std::string& target, int n_threads);

}  // namespace aforo::cli
