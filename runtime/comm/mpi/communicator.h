#pragma once
// Ranks as processes that an MPI launcher started.

#include <memory>

#include "runtime/core/communicator.h"

namespace aforo::mpi {

/// Initializes MPI; the object's end finalizes it. At most one in a process. Throws EnvironmentError
/// if MPI does not start.
std::unique_ptr<Communicator> open_world(Seconds timeout);

}  // namespace aforo::mpi
