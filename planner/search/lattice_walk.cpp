#include "planner/search/lattice_walk.h"

#include <algorithm>

#include "planner/fast/native_memory.h"
#include "planner/search/divisors.h"
#include "planner/search/stages.h"

namespace aforo {
namespace {

using fast::Setup;

/// Walks the inner degrees of one cell.
class CellWalker {
 public:
  CellWalker(const LatticeRequest& request, const LatticeCell& cell, LatticeResult& result)
      : request_(request), cell_(cell), result_(result), setup_(request.base) {
    cluster_ = request.cluster;
    cluster_.n_devices = cell.n_devices;
    setup_.matrix = cell.type;
    setup_.micro_batch_size = cell.micro_batch_size;
    Parallelism& p = setup_.parallel;
    p.tp = cell.tp, p.cp = cell.cp, p.ep = cell.ep;
    p.sequence_parallel = cell.tp > 1;
    setup_.recompute = {};
    setup_.recompute.norm = setup_.recompute.activation = cell.selective;
    rates_ =
        fast::rate_recipe(*request.constants, cluster_, *request.engine).rates(*request.constants);
    if (!rates_.native && setup_.examples == nullptr)
      blocks_ = fast::block_costs(setup_, cluster_, rates_);
    limit_ = request.memory_limit > 0
                 ? request.memory_limit
                 : static_cast<double>(cluster_.accelerator->usable_memory.value);
  }

  void run() {
    const int rest = cell_.n_devices / (cell_.tp * cell_.cp);
    const std::vector<int> stages =
        request_.engine->supports.pp ? divisors(rest) : std::vector<int>{1};
    for (int pp : allowed(request_.space.pp, stages)) {
      Parallelism& p = setup_.parallel;
      p.pp = pp;
      p.dp = rest / pp;
      if (const Obstacle obstacle = stage_obstacle(); obstacle != Obstacle::count) {
        reject(obstacle);
        continue;
      }
      if (rates_.native || setup_.examples != nullptr) lower_layers();
      for (int vpp : chunks()) {
        p.vpp = vpp;
        schedules();
      }
    }
  }

 private:
  /// The layers of one plan's recompute axis, which stand and fall together.
  std::int64_t axis() const {
    return request_.space.full_recompute ? setup_.model->n_layers + 1 : 1;
  }

  /// What native's programs and padded sequences are composed of; they depend on dp too.
  void lower_layers() {
    blocks_ = fast::block_costs(setup_, cluster_, rates_);
    native_.reset();
    if (rates_.native && fast::has_program(setup_)) native_.emplace(setup_);
  }

  void reject(Obstacle obstacle) {
    result_.n_considered += axis();
    result_.rejected[static_cast<int>(obstacle)] += axis();
  }

  /// Every order of passes and every cut into stages. Chunks and stages are even.
  void schedules() {
    Parallelism& p = setup_.parallel;
    for (PipelineSchedule schedule : request_.engine->supports.schedules) {
      const bool plain = schedule == PipelineSchedule::one_f_one_b;
      if (!plain && (p.pp == 1 || p.vpp > 1 || !request_.space.zero_bubble)) continue;
      p.pipeline_schedule = schedule;
      for (const StageEnds& ends : cuts(p.vpp == 1)) {
        p.first_stage_layers = ends.first, p.last_stage_layers = ends.last;
        shardings();
      }
    }
    p.pipeline_schedule = PipelineSchedule::one_f_one_b;
    p.first_stage_layers = p.last_stage_layers = 0;
  }

  std::vector<StageEnds> cuts(bool uneven) const {
    const bool wanted = request_.engine->supports.uneven_stages && request_.space.uneven_stages;
    return stage_cuts(setup_.model->n_layers, setup_.parallel.pp, uneven && wanted);
  }

  Obstacle stage_obstacle() const {
    const Parallelism& p = setup_.parallel;
    if (cuts(true).empty()) return Obstacle::layers_do_not_divide;
    if (request_.base.global_batch_size % (cell_.micro_batch_size * p.dp) != 0)
      return Obstacle::batch_does_not_divide;
    if (p.ep > 1 && (p.dp * p.cp * p.tp) % p.ep != 0) return Obstacle::experts_do_not_divide;
    return Obstacle::count;
  }

  /// Interleaving needs whole chunks and micro-batches in multiples of the stages.
  std::vector<int> chunks() const {
    const Parallelism& p = setup_.parallel;
    if (p.pp == 1 || !request_.engine->supports.interleaving ||
        setup_.model->n_layers % p.pp != 0 || setup_.grad_accum() % p.pp != 0)
      return {1};
    return divisors(setup_.model->n_layers / p.pp);
  }

  bool sharding_is_legal(Sharding sharding) const {
    const Parallelism& p = setup_.parallel;
    if (sharding == Sharding::ddp) return true;
    if (p.dp * p.cp == 1) return false;
    if (shards_gradients(sharding) && p.pp > 1) return false;
    return sharding != Sharding::hsdp || cell_.n_devices > cluster_.per_node;
  }

  void shardings() {
    const std::vector<Sharding>& wanted = request_.space.shardings;
    for (Sharding sharding : request_.engine->supports.shardings) {
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), sharding) == wanted.end())
        continue;
      setup_.parallel.sharding = sharding;
      if (!sharding_is_legal(sharding)) {
        reject(Obstacle::sharding_is_illegal);
        continue;
      }
      for (OffloadTo states : {OffloadTo::none, OffloadTo::cpu, OffloadTo::nvme})
        for (OffloadTo activations : {OffloadTo::none, OffloadTo::cpu}) {
          const fast::EngineSupport& supports = request_.engine->supports;
          if (states != OffloadTo::none &&
              !(request_.space.offload_states && supports.offload_states))
            continue;
          if (states == OffloadTo::nvme && !supports.offload_nvme) continue;
          if (activations != OffloadTo::none &&
              !(request_.space.offload_activations && supports.offload_activations))
            continue;
          setup_.offload_states = states;
          setup_.offload_activations = activations;
          recompute_axis();
        }
    }
  }

  fast::MemoryParts memory(int full_layers) {
    setup_.recompute.full_layers = full_layers;
    ++result_.n_evaluated;
    return native_ ? native_->parts(full_layers) : fast::memory_parts(setup_, *request_.engine);
  }

  /// The least number of recomputed layers that fits stands for the whole axis: with more of them a
  /// step takes longer. Fewer do not fit.
  void recompute_axis() {
    result_.n_considered += axis();
    const int most = static_cast<int>(axis()) - 1;
    int least = 0;
    fast::MemoryParts need = memory(0);
    if (need.device() > limit_ && most > 0) {
      need = memory(least = most);
      if (need.device() <= limit_) {
        int too_few = 0;
        while (least - too_few > 1) {
          const int middle = (too_few + least) / 2;
          (memory(middle).device() <= limit_ ? least : too_few) = middle;
        }
        need = memory(least);
      }
    }
    if (need.device() > limit_) return too_big(need.device());
    result_.rejected[static_cast<int>(Obstacle::does_not_fit)] += least;
    // Layers computed again need no offloading, so that time may fall along the axis.
    if (setup_.offload_activations != OffloadTo::none) need = fastest(least, most);
    const std::int64_t n_left = most - least + 1;
    if (request_.host_memory > 0 && need.host > request_.host_memory)
      return forget(Obstacle::host_does_not_fit, n_left);
    if (request_.disk > 0 && need.disk > request_.disk)
      return forget(Obstacle::disk_does_not_fit, n_left);
    accept(need, n_left);
  }

  /// The fastest number of recomputed layers in [least, most] that the host has room for.
  fast::MemoryParts fastest(int least, int most) {
    int best = -1;
    double time = 0;
    for (int n = least; n <= most; ++n) {
      const fast::MemoryParts need = memory(n);
      const bool room = request_.host_memory == 0 || need.host <= request_.host_memory;
      const double step = fast::time_parts(setup_, cluster_, rates_, blocks_).step;
      if (need.device() <= limit_ && room && (best < 0 || step < time)) best = n, time = step;
    }
    return memory(best < 0 ? least : best);
  }

  void forget(Obstacle obstacle, std::int64_t n) {
    result_.rejected[static_cast<int>(obstacle)] += n;
  }

  void too_big(double need) {
    forget(Obstacle::does_not_fit, axis());
    const LatticePlan plan{setup_, cell_.n_devices, 0, 0, need, 0, 0};
    if (result_.nearest && !better(plan, *result_.nearest, Objective::time)) return;
    result_.least_memory = need;
    result_.nearest = plan;
  }

  void accept(const fast::MemoryParts& need, std::int64_t n) {
    LatticePlan plan{setup_, cell_.n_devices, 0, 0, need.device(), 0, 0};
    plan.step_s = fast::time_parts(setup_, cluster_, rates_, blocks_).step;
    const double tokens = static_cast<double>(setup_.tokens_per_step());
    plan.tokens_per_s = tokens / plan.step_s;
    plan.hours = request_.n_tokens / plan.tokens_per_s / 3600;
    plan.usd = plan.hours * plan.n_devices * request_.usd_per_device_hour;
    if (request_.deadline_hours && plan.hours > *request_.deadline_hours)
      return forget(Obstacle::over_deadline, n);
    if (request_.budget_usd && plan.usd > *request_.budget_usd)
      return forget(Obstacle::over_budget, n);
    result_.n_fit += n;
    keep(plan);
  }

  /// Keeps the list short: once it is four times as long as wanted, the worse half goes.
  void keep(const LatticePlan& plan) {
    result_.best.push_back(plan);
    const std::size_t limit = 4 * static_cast<std::size_t>(std::max(16, request_.keep));
    if (result_.best.size() >= limit) {
      std::nth_element(result_.best.begin(), result_.best.begin() + limit / 2, result_.best.end(),
                       [this](const LatticePlan& a, const LatticePlan& b) {
                         return better(a, b, request_.objective);
                       });
      result_.best.resize(limit / 2);
    }
    keep_on_front(result_.pareto, plan);
  }

  const LatticeRequest& request_;
  const LatticeCell& cell_;
  LatticeResult& result_;
  Setup setup_;
  fast::Cluster cluster_;
  fast::Rates rates_;
  fast::Blocks blocks_;
  std::optional<fast::NativeMemory> native_;
  double limit_ = 0;
};

}  // namespace

void walk_cell(const LatticeRequest& request, const LatticeCell& cell, LatticeResult& result) {
  CellWalker(request, cell, result).run();
}

}  // namespace aforo
