#pragma once
// The best way to run a job on many devices: exhaustive over precision, tensor, context, expert,
// pipeline and data parallelism, sharding, offload, micro-batch and recomputation, by the fast
// evaluation.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "planner/fast/memory.h"
#include "planner/fast/time.h"

namespace aforo {

enum class Objective { time, money };

/// Values that may be tried. Empty lists mean every legal value.
struct LatticeSpace {
  std::vector<int> n_devices = {1};
  std::vector<fast::MatrixType> types = {fast::MatrixType::bf16};
  std::vector<Sharding> shardings;
  std::vector<int> micro_batch_sizes;
  std::vector<int> tp, pp, cp, ep;
  bool selective = true;        ///< recomputing norms and activations may be tried
  bool full_recompute = true;   ///< and whole layers, from none to all
  bool uneven_stages = true;    ///< pipelines with other numbers of layers at their ends (stages.h)
  bool zero_bubble = true;      ///< schedules that put off weight gradients
  bool offload_states = false;  ///< optimizer states and masters on the host or its drives may be
                                ///< tried
  bool offload_activations = false;
};

struct LatticeRequest {
  fast::Setup base;       ///< model, method, lengths, batch, optimizer, states, kernels
  fast::Cluster cluster;  ///< device and links; n_devices is set from the space
  const fast::EngineSpec* engine = nullptr;
  const fast::Constants* constants = nullptr;
  LatticeSpace space;
  double memory_limit = 0;  ///< bytes of a device; 0: what the card has
  double host_memory = 0;   ///< bytes of host memory per device that offload may use; 0: unlimited
  double disk = 0;          ///< bytes of local drives per device that offload may use; 0: unlimited
  double n_tokens = 0;      ///< of the whole job; 0: no totals, no budget, no deadline
  double usd_per_device_hour = 0;
  std::optional<double> budget_usd, deadline_hours;
  Objective objective = Objective::time;
  int keep = 64;  ///< plans that are returned
  int n_threads = 1;
};

struct LatticePlan {
  fast::Setup setup;
  int n_devices = 1;
  double step_s = 0;
  double tokens_per_s = 0;
  double memory = 0;  ///< bytes of the fullest device
  double hours = 0;   ///< of the whole job
  double usd = 0;     ///< of the whole job; 0 without a price
};

/// Why a part of the space holds no plan.
enum class Obstacle {
  devices_do_not_divide,  ///< degrees do not multiply to the number of devices
  heads_do_not_divide,    ///< tp does not divide heads or MLP width
  layers_do_not_divide,   ///< more stages or chunks than layers, or uneven ones
  batch_does_not_divide,  ///< micro_batch_size x dp does not divide the batch
  experts_do_not_divide,
  sharding_is_illegal,  ///< gathered weights with pipelines, sharding over one rank
  does_not_fit,         ///< device memory, even with every layer computed again
  host_does_not_fit,
  disk_does_not_fit,
  over_budget,
  over_deadline,
  count
};
constexpr int n_obstacles = static_cast<int>(Obstacle::count);
std::string describe(Obstacle obstacle);

struct LatticeResult {
  std::vector<LatticePlan> best;    ///< by the objective, best first; see `prefer_simple`
  std::vector<LatticePlan> pareto;  ///< no other plan is both cheaper and faster
  std::int64_t n_considered = 0;    ///< plans decided on, one by one or as a dominated run
  std::int64_t n_evaluated = 0;     ///< of which memory or time was computed
  std::int64_t n_fit = 0;           ///< with `rejected` they add up to n_considered
  std::array<std::int64_t, n_obstacles> rejected{};
  double least_memory = 0;             ///< smallest need seen among plans that do not fit
  std::optional<LatticePlan> nearest;  ///< that plan
};

/// Exhaustive: the result is the best of all legal plans of the space (a test compares with brute
/// force). Along the number of layers computed again memory falls and time grows, so the least
/// number that fits stands for all of them; only with offloaded activations may time fall too, and
/// there every number is tried. Throws InputError if the request names no device, or a
/// type that the card lacks.
LatticeResult search_lattice(const LatticeRequest& request);

/// How much machinery a plan needs: 0 for plain data parallelism.
int complexity(const LatticePlan& plan);

/// Among plans at most `loss` worse than the first, the one with the least machinery comes first.
void prefer_simple(std::vector<LatticePlan>& plans, Objective objective, double loss = 0.01);

/// "tp 4, pp 2, dp 8, zero1, micro_batch_size 2, recompute full x12"
std::string describe(const LatticePlan& plan);

}  // namespace aforo
