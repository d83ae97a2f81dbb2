#pragma once
// Element types of buffers.

#include <cstdint>
#include <optional>
#include <string_view>

namespace aforo {

/// Spelled as in YAML. `fp64` is used for scalars that sum over many tokens (loss, gradient norm).
enum class Dtype : std::uint8_t { fp64, fp32, bf16, fp16, int32 };

constexpr std::int64_t size_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp64:
      return 8;
    case Dtype::fp32:
      return 4;
    case Dtype::int32:
      return 4;
    case Dtype::bf16:
      return 2;
    case Dtype::fp16:
      return 2;
  }
  return 0;
}

constexpr std::string_view name_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp64:
      return "fp64";
    case Dtype::fp32:
      return "fp32";
    case Dtype::bf16:
      return "bf16";
    case Dtype::fp16:
      return "fp16";
    case Dtype::int32:
      return "int32";
  }
  return "?";
}

}  // namespace aforo
