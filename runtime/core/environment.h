#pragma once
// What a measurement was made on: without it a number cannot be compared with another.

#include <filesystem>
#include <string>

#include "planner/base/units.h"

namespace aforo {

struct Environment {
  std::string aforo_version;
  std::string date;  ///< UTC, "2026-11-24T10:22:31Z"
  std::string host;
  std::string kernel;   ///< "Linux 6.1.0-18-amd64"
  std::string cpu;      ///< model name, "AMD EPYC 9R14"
  int n_cores = 0;      ///< that this process may use: affinity and control group respected
  Bytes memory;         ///< that this process may use at most: the control group's limit, if lower
  Bytes memory_free;    ///< of that, free now (caches that can be dropped count as free)
  std::string backend;  ///< its description
  bool operator==(const Environment&) const = default;
};

/// Reads it from the files under `root` (which tests replace); a field that the system does not
/// tell is empty or 0. Never throws for want of a file.
Environment read_environment(const std::string& backend_description,
                             const std::filesystem::path& root = "/");

/// Resident memory of this process, now and at its highest, from /proc/self/status; zero without.
struct ResidentMemory {
  Bytes now;
  Bytes peak;
};
ResidentMemory resident_memory();

}  // namespace aforo
