#pragma once
// The CPU backend beyond the seam: a mode for tests, and the choice of the instruction set.

#include <memory>
#include <string_view>

#include "runtime/core/backend.h"
#include "runtime/cpu/kernel.h"

namespace aforo {

/// As make_cpu_backend, but every buffer is a heap block of its own and of its exact size:
/// AddressSanitizer then finds every access outside a buffer, and lifetimes that are wrong do not
/// go unnoticed because the arena happens to hold the old contents. Buffers that share memory in
/// place are two blocks here. For tests: it takes more memory than planned.
std::unique_ptr<Backend> make_cpu_backend_separate(int n_threads = 0);

namespace cpu {

struct Isa {
  std::string_view name;
  ExecuteFunction execute;
};

/// The widest instruction set of this machine, or what AFORO_CPU_ISA names: avx512, avx2 or
/// baseline. Throws InputError if that is none of them, EnvironmentError if this machine lacks it.
Isa chosen_isa();

}  // namespace cpu
}  // namespace aforo
