#include "runtime/core/environment.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <fstream>
#include <optional>
#include <vector>

namespace aforo {
namespace {

namespace fs = std::filesystem;

/// The number `text` begins with, blanks skipped; nothing for "max" and other words.
std::optional<std::int64_t> leading_number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

std::optional<std::string> first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? std::optional(line) : std::nullopt;
}

std::optional<std::int64_t> number_in(const fs::path& path) {
  const std::optional<std::string> line = first_line(path);
  return line ? leading_number(*line) : std::nullopt;
}

/// What follows `key` on the first line that begins with it; `key` holds its separator, if any.
std::optional<std::string> value_of(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, key.size(), key) == 0) return line.substr(key.size());
  return std::nullopt;
}

std::optional<std::int64_t> number_of(const fs::path& path, std::string_view key) {
  const std::optional<std::string> value = value_of(path, key);
  return value ? leading_number(*value) : std::nullopt;
}

/// Folders of this process's control group and all above it, for version 2 (no `controller`) or one
/// controller of version 1. In a container the path may not exist: then its root is the group.
std::vector<fs::path> control_groups(const fs::path& root, const std::string& controller) {
  const fs::path base = root / "sys/fs/cgroup" / controller;
  std::vector<fs::path> groups{base};
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers.find("," + controller + ",") == std::string::npos) continue;
    fs::path folder = base;
    for (const fs::path& part : fs::path(line.substr(second + 1)).relative_path())
      groups.push_back(folder /= part);
  }
  return groups;
}

/// Names of one version's memory files.
struct MemoryFiles {
  const char *controller, *limit, *used, *droppable;
};
constexpr MemoryFiles memory_files[] = {
    {"", "memory.max", "memory.current", "inactive_file "},
    {"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "},
};

struct MemoryLimits {
  std::int64_t total, free;
};

/// The tightest of the machine's memory and all control groups' limits.
MemoryLimits memory_limits(const fs::path& root) {
  const fs::path meminfo = root / "proc/meminfo";
  MemoryLimits limits{number_of(meminfo, "MemTotal:").value_or(0) * kibi,
                      number_of(meminfo, "MemAvailable:").value_or(0) * kibi};
  for (const MemoryFiles& files : memory_files) {
    for (const fs::path& group : control_groups(root, files.controller)) {
      const auto limit = number_in(group / files.limit);
      if (!limit) continue;
      limits.total = std::min(limits.total, *limit);
      const auto used = number_in(group / files.used).value_or(0);
      const auto droppable = number_of(group / "memory.stat", files.droppable).value_or(0);
      limits.free = std::clamp<std::int64_t>(*limit - used + droppable, 0, limits.free);
    }
  }
  return limits;
}

/// Cores that the control groups' quota amounts to, rounded up; a large number without a quota.
int quota_cores(const fs::path& root) {
  double cores = 1 << 20;
  for (const fs::path& group : control_groups(root, "")) {
    const auto line = first_line(group / "cpu.max");  // "200000 100000" or "max 100000"
    if (!line) continue;
    const auto quota = leading_number(*line);
    const std::size_t blank = line->find(' ');
    const auto period = blank == std::string::npos
                            ? std::nullopt
                            : leading_number(std::string_view(*line).substr(blank));
    if (quota && period && *period > 0)
      cores = std::min(cores, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  for (const fs::path& group : control_groups(root, "cpu")) {
    const auto quota = number_in(group / "cpu.cfs_quota_us");  // -1: none
    const auto period = number_in(group / "cpu.cfs_period_us");
    if (quota && period && *quota > 0 && *period > 0)
      cores = std::min(cores, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  return std::max(1, static_cast<int>(std::ceil(cores)));
}

int affinity_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::string cpu_model(const fs::path& root) {
  const fs::path cpuinfo = root / "proc/cpuinfo";
  const std::string value = value_of(cpuinfo, "model name").value_or("");
  const std::size_t begin = value.find_first_not_of(" \t:");
  return begin == std::string::npos ? "" : value.substr(begin);
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

Environment read_environment(const std::string& backend_description, const fs::path& root) {
  Environment environment;
  environment.aforo_version = AFORO_VERSION;
  environment.date = now_utc();
  utsname system{};
  if (uname(&system) == 0) {
    environment.host = system.nodename;
    environment.kernel = fmt::format("{} {}", system.sysname, system.release);
  }
  environment.cpu = cpu_model(root);
  environment.n_cores = std::min(affinity_cores(), quota_cores(root));
  const MemoryLimits limits = memory_limits(root);
  environment.memory = Bytes(limits.total);
  environment.memory_free = Bytes(limits.free);
  environment.backend = backend_description;
  return environment;
}

ResidentMemory resident_memory() {
  const fs::path status = "/proc/self/status";
  return {Bytes(number_of(status, "VmRSS:").value_or(0) * kibi),
          Bytes(number_of(status, "VmHWM:").value_or(0) * kibi)};
}

}  // namespace aforo
