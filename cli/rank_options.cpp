#include "cli/rank_options.h"

#include <algorithm>

#include "cli/layout.h"
#include "planner/fast/setup_of_job.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {
namespace {

constexpr const char* layouts_only[] = {
    "tp", "pp", "vpp", "cp", "ep", "offload-states", "offload-activations"};

}  // namespace

void add_rank_options(po::options_description& options) {
  options.add_options()("ranks", po::value<int>(),
                        "native, on this machine: data-parallel ranks, which share its cores")(
      "shard-group", po::value<int>(), "native: ranks of one hsdp group; default: all")(
      "keep-gathered", po::bool_switch(),
      "native: fsdp, zero3, hsdp keep weights after forward: more memory, fewer gathers")(
      "deterministic", po::bool_switch(),
      "native: the same bits for every number of ranks and sharding; a reduction each micro-step");
}

bool wants_native_ranks(const Arguments& args, const Device& device) {
  const auto engine = args.find<std::string>("engine");
  if (engine && *engine != "native") {
    for (const char* option : {"ranks", "shard-group", "keep-gathered", "deterministic"})
      if (args.has(option))
        throw InputError(
            fmt::format("--{} is an option of engine native, not of {}", option, *engine));
    return false;
  }
  if (std::any_of(std::begin(layouts_only), std::end(layouts_only),
                  [&](const char* option) { return args.has(option); }))
    return false;
  return args.has("ranks") || args.has("deterministic") || (engine && device.line.count > 1);
}

int n_ranks_of(const Arguments& args, const Device& device) {
  const int ranks = positive(args, "ranks", device.line.count);
  if (args.has("gpu") && ranks != device.line.count)
    throw InputError(
        fmt::format("--ranks is {}, but --gpu names {} devices; native runs one rank a "
                    "device, so leave --ranks out",
                    ranks, device.line.count));
  return ranks;
}

void read_rank_options(const Arguments& args, int n_ranks, Plan& plan) {
  plan.parallel.dp = n_ranks;
  plan.parallel.sharding = choice(args, "sharding", Sharding::ddp);
  plan.parallel.shard_group = positive(args, "shard-group", 0);
  plan.parallel.reshard_after_forward = !args.get<bool>("keep-gathered");
  plan.deterministic = args.get<bool>("deterministic");
}

std::vector<Sharding> shardings_to_try(const Arguments& args, int n_ranks) {
  std::vector<Sharding> wanted;
  for (const std::string& name : args.list("sharding")) {
    const Sharding* sharding = find_enum<Sharding>(name);
    if (sharding == nullptr)
      throw InputError(fmt::format("--sharding has \"{}\"; expected {}", name,
                                   fmt::join(enum_choices<Sharding>(), ", ")));
    wanted.push_back(*sharding);
  }
  if (!wanted.empty()) return wanted;
  if (n_ranks == 1) return {Sharding::ddp};
  return {Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::fsdp, Sharding::yafsdp};
}

std::unique_ptr<CostModel> rank_cost_model(const Device& device) {
  if (device.reference.ends_with(".yaml")) return device_of(device.reference, 1).model;
  const AcceleratorSpec card = find_accelerator(device.reference);
  return spec_cost_model(card, cluster_of(device, card));
}

}  // namespace aforo::cli
