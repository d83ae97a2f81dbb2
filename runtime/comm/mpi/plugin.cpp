// The C functions by which the program finds this transport; see runtime/core/plugin.h.
#include "runtime/core/plugin.h"

#include <cstdio>
#include <exception>

#include "runtime/comm/mpi/communicator.h"

#define AFORO_EXPORT extern "C" __attribute__((visibility("default")))

AFORO_EXPORT int aforo_communicator_abi_version() { return aforo::communicator_abi_version; }

/// Null with the reason in `error` if MPI does not start. No exception crosses a C function.
AFORO_EXPORT aforo::Communicator* aforo_communicator_create(double timeout_s, char* error,
                                                            std::size_t error_size) {
  try {
    return aforo::mpi::open_world(aforo::Seconds(timeout_s)).release();
  } catch (const std::exception& reason) {
    std::snprintf(error, error_size, "%s", reason.what());
  } catch (...) {
    std::snprintf(error, error_size, "%s", "unknown error");
  }
  return nullptr;
}
