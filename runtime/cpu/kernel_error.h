#pragma once
// How kernels report that they were called wrongly. Defined once, in backend.cpp: an exception
// class used in a kernel file would put its inline functions, compiled for a newer instruction set,
// where the linker may pick them for everyone.

#include "planner/base/dtype.h"

namespace aforo::cpu {

/// Throws InternalError with this message.
[[noreturn]] void kernel_error(const char* message);

/// Throws InternalError: kernel `op` does not take operands of this type.
[[noreturn]] void refuse_type(const char* op, Dtype dtype);

}  // namespace aforo::cpu
