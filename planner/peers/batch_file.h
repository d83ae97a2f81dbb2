#pragma once
// Slurm batch files: directives and the commands behind them.

#include "planner/peers/peer_file.h"

namespace aforo {

/// Throws InputError if a directive's quotes are not closed.
BatchFile read_batch(const std::string& text, const std::string& path);

/// "90", "1:30:00", "2-12", "1-06:30" as Slurm reads them, in minutes; nothing if it is none of
/// them or UNLIMITED.
std::optional<double> slurm_minutes(const std::string& text);

/// A count such as "8", "2-4" (the lower end), "h100:8", "gpu:h100:8"; nothing if there is none.
std::optional<std::int64_t> slurm_count(const std::string& text);

/// The value behind a flag of a command, "--flag value" or "--flag=value", "-" and "_" alike; ""
/// for a flag without one; nothing if the command has no such flag.
std::optional<std::string> flag_value(std::string_view command, std::string_view flag);

/// Machines and devices of each that the directives ask for; 0 where they do not say.
struct BatchDevices {
  std::int64_t nodes = 1, per_node = 0, total = 0;
};
BatchDevices batch_devices(const BatchFile& file);

}  // namespace aforo
