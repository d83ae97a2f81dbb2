// A plug-in that works.
#include "runtime/core/plugin.h"
#include "tests/core/fake_backend.h"

extern "C" int aforo_backend_abi_version() { return aforo::backend_abi_version; }

extern "C" aforo::Backend* aforo_backend_create(char*, std::size_t) {
  return new aforo::fake::Backend();
}
