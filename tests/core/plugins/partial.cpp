// A library of the right version that lacks the function that creates a backend.
#include "runtime/core/plugin.h"

extern "C" int aforo_backend_abi_version() { return aforo::backend_abi_version; }
