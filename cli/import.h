#pragma once
// Configuration files of other tools as plans: `aforo estimate --from` and `aforo lint --model`.

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"
#include "planner/base/json.h"
#include "planner/peers/import.h"
#include "planner/peers/lint.h"

namespace aforo::cli {

struct Imported {
  PeerFile file;
  ImportedPlan plan;
  std::vector<std::string> overruled;  ///< options of the file that the command line names itself
};

/// Options of `aforo estimate`; outlives nothing.
void add_estimate_options(po::options_description& options);

/// The file of a path, and `line` with the options it becomes, where the user names none. The
/// file's number of devices is appended to a --gpu without one.
Imported read_import(const std::string& path, std::optional<PeerKind> kind, const Arguments& args);
CommandLine with_import(const CommandLine& line, const Arguments& args, Imported& imported);

/// What was taken from the file, and what was assumed.
std::string imported_text(const Imported& imported);
void write_imported(JsonWriter& json, const Imported& imported);

/// The kind of --as; nothing without. Throws InputError.
std::optional<PeerKind> peer_kind(const Arguments& args);

/// Settings that do not fit the device of --gpu, or the time limit of the file: with the estimate.
std::vector<Finding> feasibility(const PeerFile& file, const Arguments& args,
                                 const CommandLine& options);

}  // namespace aforo::cli
