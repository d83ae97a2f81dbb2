// Dispatch of one op to its kernel, compiled once per instruction set.
#include <variant>

#include "runtime/cpu/kernel.h"

namespace aforo::cpu::AFORO_ISA {

void execute(const OpAttrs& attrs, const KernelArgs& args) {
  std::visit([&](const auto& op) { run(op, args); }, attrs);
}

}  // namespace aforo::cpu::AFORO_ISA
