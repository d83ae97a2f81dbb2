#include "cli/layout_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/base/quantity.h"
#include "planner/fast/setup_of_job.h"
#include "planner/search/suggest.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {

std::vector<Offer> read_offers(const Arguments& args) {
  std::vector<Offer> offers;
  for (const std::string& text : args.list("gpu")) {
    Device device = read_gpu(args, text);
    const AcceleratorSpec card = find_accelerator(device.reference);
    const DeviceLine line = device.line;
    offers.push_back({std::move(device), card, line});
  }
  if (offers.empty()) throw InputError("no device: give --gpu NAME[:n], or several with commas");
  return offers;
}

Objective read_objective(const Arguments& args) {
  const std::string text = args.find<std::string>("objective").value_or("time");
  if (text == "time") return Objective::time;
  if (text == "money") return Objective::money;
  throw InputError(fmt::format("--objective is \"{}\"; expected time or money", text));
}

namespace {

/// The engines of --engine, else all that are proposed for this card and job.
std::vector<const fast::EngineSpec*> engines_for(const Arguments& args, const LayoutWorld& world,
                                                 const TrainingJob& job, const Offer& offer) {
  std::vector<const fast::EngineSpec*> engines;
  for (const std::string& name : args.list("engine"))
    engines.push_back(&fast::find_engine(world.engines, name));
  if (!engines.empty()) return engines;
  for (const fast::EngineSpec& engine : world.engines) {
    const bool experts = !job.model.is_moe() || engine.supports.moe;
    // A TPU engine runs on GPUs too, but nobody asks for it there.
    const bool usual = engine.runs_on.front() == offer.card.kind;
    const bool alone =
        !engine.native || (offer.line.count == 1 && !job.model.is_mla() && !job.examples.given() &&
                           job.optimizer.kind <= OptimizerKind::sgd);
    if (engine.proposed && usual && experts && alone && engine.trains(job.method))
      engines.push_back(&engine);
  }
  return engines;
}

/// Types to try: those of --precision, else 16 bits, and fp8 where card and engine have it.
std::vector<fast::MatrixType> types_for(const Arguments& args, const fast::EngineSpec& engine,
                                        const AcceleratorSpec& card) {
  std::vector<fast::MatrixType> types;
  for (const std::string& name : args.list("precision")) {
    const Precision* precision = find_enum<Precision>(name);
    if (precision == nullptr)
      throw InputError(fmt::format("--precision has \"{}\"; expected {}", name,
                                   fmt::join(enum_choices<Precision>(), ", ")));
    const fast::MatrixType type = fast::matrix_of(*precision);
    const bool narrow = type >= fast::MatrixType::fp8;
    if (fast::multiplies(card, type) && (!narrow || engine.supports.fp8)) types.push_back(type);
  }
  if (!args.list("precision").empty()) return types;
  return {fast::usual_matrix(card)};
}

/// --sharding, --tp ..., --recompute and the offload options of `aforo plan`.
void limit_space(const Arguments& args, LatticeSpace& space) {
  for (const std::string& name : args.list("sharding")) {
    const Sharding* sharding = find_enum<Sharding>(name);
    if (sharding == nullptr)
      throw InputError(fmt::format("--sharding has \"{}\"; expected {}", name,
                                   fmt::join(enum_choices<Sharding>(), ", ")));
    space.shardings.push_back(*sharding);
  }
  const std::pair<const char*, std::vector<int>*> degrees[] = {
      {"tp", &space.tp}, {"pp", &space.pp}, {"cp", &space.cp}, {"ep", &space.ep}};
  for (const auto& [option, values] : degrees)
    if (args.has(option)) *values = {positive(args, option, 1)};
  const Recompute most = choice(args, "recompute", Recompute::full);
  space.selective = !args.has("recompute") || most == Recompute::selective;
  space.full_recompute = most == Recompute::full;
  space.offload_states = choice(args, "offload-states", OffloadTo::cpu) != OffloadTo::none;
  space.offload_activations =
      choice(args, "offload-activations", OffloadTo::cpu) != OffloadTo::none;
}

void set_limits(const Arguments& args, const Offer& offer, LatticeRequest& request) {
  // A twentieth stays free: predictions of memory are off by some 4 % in the median.
  request.memory_limit = 0.95 * static_cast<double>(offer.card.usable_memory.value);
  if (const auto limit = quantity<Bytes>(args, "memory-limit", parse_bytes, expected_bytes))
    request.memory_limit = static_cast<double>(limit->value);
  if (const auto deadline = quantity<Seconds>(args, "deadline", parse_seconds, expected_seconds))
    request.deadline_hours = deadline->value / 3600;
  if (offer.line.price_per_device) request.usd_per_device_hour = offer.line.price_per_device->value;
  if (const auto budget = args.find<double>("budget-usd")) {
    if (!(*budget > 0))
      throw InputError(fmt::format("--budget-usd is {}; expected more than 0", *budget));
    if (!offer.line.price_per_device)
      throw InputError(
          fmt::format("--budget-usd needs a price: no offer is known for {} x {}, so "
                      "give --price",
                      offer.line.count, offer.card.name));
    request.budget_usd = *budget;
  }
}

LatticeRequest request_for(const Arguments& args, const LayoutWorld& world, const TrainingJob& job,
                           const Offer& offer, const fast::EngineSpec& engine) {
  LatticeRequest request;
  request.base = fast::setup_of(job, Plan{}, engine, offer.card);
  request.cluster = cluster_of(offer.device, offer.card);
  if (offer.device.machine && offer.device.machine->host_memory)
    request.host_memory =
        static_cast<double>(offer.device.machine->host_memory->value) / offer.device.machine->count;
  if (offer.device.machine && offer.device.machine->nvme)
    request.disk =
        static_cast<double>(offer.device.machine->nvme->value) / offer.device.machine->count;
  request.engine = &engine;
  request.constants = &world.constants;
  request.space.n_devices = {offer.line.count};
  request.space.types = types_for(args, engine, offer.card);
  if (const auto size = args.find<int>("micro-batch-size"))
    request.space.micro_batch_sizes = {*size};
  limit_space(args, request.space);
  request.n_tokens = static_cast<double>(job.n_tokens);
  request.objective = read_objective(args);
  request.keep = 3;
  request.n_threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  set_limits(args, offer, request);
  return request;
}

/// Searches every offer with every engine and ranks what fits.
class LayoutSearch {
 public:
  LayoutSearch(const Arguments& args, const LayoutWorld& world, const TrainingJob& job)
      : args_(args), world_(world), job_(job) {}

  LayoutRanking run(const std::vector<Offer>& offers) {
    for (const Offer& offer : offers)
      for (const fast::EngineSpec* engine : engines_for(args_, world_, job_, offer))
        search(offer, *engine);
    const bool money = read_objective(args_) == Objective::money;
    std::stable_sort(
        ranking_.ranked.begin(), ranking_.ranked.end(), [money](const Layout& a, const Layout& b) {
          return money ? a.plan.usd < b.plan.usd : a.estimate.hours.mid < b.estimate.hours.mid;
        });
    front();
    return std::move(ranking_);
  }

 private:
  void search(const Offer& offer, const fast::EngineSpec& engine) {
    const LatticeRequest request = request_for(args_, world_, job_, offer, engine);
    if (request.space.types.empty()) return;
    const LatticeResult result = search_lattice(request);
    ranking_.counts.n_considered += result.n_considered;
    ranking_.counts.n_evaluated += result.n_evaluated;
    ranking_.counts.n_fit += result.n_fit;
    for (int i = 0; i < n_obstacles; ++i) ranking_.counts.rejected[i] += result.rejected[i];
    for (const LatticePlan& plan : result.best) {
      Layout layout{&job_, &engine, &world_.constants, request.cluster};
      layout.plan = plan;
      layout.device = offer.line;
      layout.network_note = network_note(offer.device, request.cluster);
      layout.failures = &world_.assumptions.failures;
      layout.estimate = estimate_layout(job_, plan.setup, request.cluster, engine, world_.constants,
                                        world_.ranges);
      ranking_.ranked.push_back(std::move(layout));
    }
    if (result.best.empty() && result.nearest) suggest(request, offer);
  }

  void suggest(const LatticeRequest& request, const Offer& offer) {
    without_limits(request, offer);
    const LatticePlan nearest = *search_lattice(request).nearest;
    // Prices of other cards are not known here, so under a budget none is suggested.
    const bool priced = request.budget_usd || request.deadline_hours;
    for (const Suggestion& change :
         suggest_changes(request, priced ? std::vector<AcceleratorSpec>{} : world_.cards))
      ranking_.suggestions.push_back(
          fmt::format("{} x {}, {}: {}: then {:.1f} GiB, {}", offer.line.count, offer.card.name,
                      request.engine->name, change.text, change.plan.memory / gibi,
                      format_time(Seconds(change.plan.hours * 3600))));
    ranking_.suggestions.push_back(
        fmt::format("{} x {} with {} needs {:.1f} GiB at least ({}); {:.1f} GiB are there",
                    offer.line.count, offer.card.name, request.engine->name, nearest.memory / gibi,
                    describe(nearest), as_gib(offer.card.usable_memory)));
  }

  /// What the job costs and takes if budget and deadline are lifted.
  void without_limits(LatticeRequest request, const Offer& offer) {
    if (!request.budget_usd && !request.deadline_hours) return;
    request.budget_usd.reset();
    request.deadline_hours.reset();
    double cheapest = -1;
    for (Objective objective : {Objective::money, Objective::time}) {
      request.objective = objective;
      const LatticeResult result = search_lattice(request);
      if (result.best.empty()) return;
      const LatticePlan& plan = result.best.front();
      if (objective == Objective::time && plan.usd == cheapest) return;
      cheapest = plan.usd;
      ranking_.suggestions.push_back(
          fmt::format("{} x {}, {}: without budget and deadline the {} plan takes {} and {}",
                      offer.line.count, offer.card.name, request.engine->name,
                      objective == Objective::money ? "cheapest" : "fastest",
                      format_time(Seconds(plan.hours * 3600)), format_dollars(Dollars(plan.usd))));
    }
  }

  void front() {
    std::vector<Layout> sorted = ranking_.ranked;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Layout& a, const Layout& b) {
      return a.estimate.hours.mid < b.estimate.hours.mid;
    });
    for (const Layout& layout : sorted) {
      if (!layout.device.price_per_device) continue;
      if (ranking_.pareto.empty() || layout.plan.usd < ranking_.pareto.back().plan.usd)
        ranking_.pareto.push_back(layout);
    }
  }

  const Arguments& args_;
  const LayoutWorld& world_;
  const TrainingJob& job_;
  LayoutRanking ranking_;
};

}  // namespace

LayoutRanking rank_layouts(const Arguments& args, const LayoutWorld& world, const TrainingJob& job,
                           const std::vector<Offer>& offers) {
  return LayoutSearch(args, world, job).run(offers);
}

}  // namespace aforo::cli
