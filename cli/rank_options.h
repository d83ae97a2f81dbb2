#pragma once
// Options of plans that native executes on several ranks.

#include "cli/arguments.h"
#include "cli/inputs.h"

namespace aforo::cli {

/// --ranks, --shard-group, --keep-gathered, --deterministic; --sharding is with the layouts.
void add_rank_options(po::options_description& options);

/// True if the options ask for native's own program on several ranks: --ranks or --deterministic,
/// or several devices with --engine native, and nothing that only layouts of other engines have.
bool wants_native_ranks(const Arguments& args, const Device& device);

/// Ranks that the options ask for: --ranks, else one a device.
int n_ranks_of(const Arguments& args, const Device& device);

/// Sets dp, sharding, group and order of sums of a plan. Throws InputError.
void read_rank_options(const Arguments& args, int n_ranks, Plan& plan);

/// The shardings to try: those of --sharding, else all that divide something, plain first.
std::vector<Sharding> shardings_to_try(const Arguments& args, int n_ranks);

/// The device's cost model with the ranks on its machines.
std::unique_ptr<CostModel> rank_cost_model(const Device& device);

}  // namespace aforo::cli
