#include "runtime/core/launcher.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "planner/base/error.h"
#include "planner/base/numbers.h"

namespace aforo {
namespace {

std::optional<int> launcher_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const auto value = parse_integer(text);
  if (!value || *value < 0 || *value > 1 << 20)
    throw InputError(fmt::format("{} is \"{}\"; expected a number of ranks", name, text));
  return static_cast<int>(*value);
}

struct LauncherVariables {
  const char *rank, *n_ranks, *beside;  ///< `beside` must be set too
};

}  // namespace

Launch read_launch() {
  constexpr LauncherVariables launchers[] = {
      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr},
      {"PMI_RANK", "PMI_SIZE", nullptr},
      {"SLURM_PROCID", "SLURM_NTASKS", "PMIX_RANK"}};
  for (const LauncherVariables& names : launchers) {
    const auto rank = launcher_number(names.rank), n_ranks = launcher_number(names.n_ranks);
    if (!rank || !n_ranks) continue;
    if (names.beside != nullptr && std::getenv(names.beside) == nullptr) continue;
    if (*rank >= *n_ranks)
      throw InputError(fmt::format("{} is {}, but {} is {}; start again with the launcher",
                                   names.rank, *rank, names.n_ranks, *n_ranks));
    return {*rank, *n_ranks};
  }
  return {};
}

}  // namespace aforo
