// A plug-in that finds no device.
#include <cstdio>

#include "runtime/core/plugin.h"

extern "C" int aforo_backend_abi_version() { return aforo::backend_abi_version; }

extern "C" aforo::Backend* aforo_backend_create(char* error, std::size_t n) {
  std::snprintf(error, n, "cudaGetDeviceCount: no CUDA-capable device is detected");
  return nullptr;
}
