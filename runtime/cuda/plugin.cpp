// The two C functions by which the program finds this backend; everything else of the library is
// hidden. See runtime/core/plugin.h.
#include "runtime/core/plugin.h"

#include <cstdio>
#include <exception>

#include "runtime/cuda/backend.h"

#define AFORO_EXPORT extern "C" __attribute__((visibility("default")))

AFORO_EXPORT int aforo_backend_abi_version() { return aforo::backend_abi_version; }

/// Null with the reason in `error` if there is no usable device. No exception crosses a C function.
AFORO_EXPORT aforo::Backend* aforo_backend_create(char* error, std::size_t error_size) {
  try {
    return aforo::cuda::open_cuda_backend().release();
  } catch (const std::exception& reason) {
    std::snprintf(error, error_size, "%s", reason.what());
  } catch (...) {
    std::snprintf(error, error_size, "%s", "unknown error");
  }
  return nullptr;
}
