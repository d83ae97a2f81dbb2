#include "cli/layout.h"

#include <fmt/format.h>

#include "cli/import.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/quantity.h"
#include "planner/fast/setup_of_job.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {
namespace {

constexpr const char* layout_options[] = {"engine",
                                          "tp",
                                          "pp",
                                          "vpp",
                                          "cp",
                                          "ep",
                                          "sharding",
                                          "zeropp",
                                          "shard-group",
                                          "pipeline-schedule",
                                          "first-stage-layers",
                                          "last-stage-layers",
                                          "why",
                                          "offload-states",
                                          "offload-activations"};

/// The parallel degrees of the options; dp is what they leave of the devices.
Parallelism read_parallelism(const Arguments& args, int n_devices) {
  Parallelism p;
  p.tp = positive(args, "tp", 1);
  p.pp = positive(args, "pp", 1);
  p.vpp = positive(args, "vpp", 1);
  p.cp = positive(args, "cp", 1);
  p.ep = positive(args, "ep", 1);
  const std::int64_t others = static_cast<std::int64_t>(p.tp) * p.pp * p.cp;
  if (others > n_devices || n_devices % others != 0)
    throw InputError(fmt::format(
        "tp {} x pp {} x cp {} = {} does not divide the {} devices of --gpu; the rest is dp", p.tp,
        p.pp, p.cp, others, n_devices));
  p.dp = static_cast<int>(n_devices / others);
  p.sequence_parallel = p.tp > 1;
  p.shard_group = positive(args, "shard-group", 0);
  p.pipeline_schedule = choice(args, "pipeline-schedule", p.pipeline_schedule);
  p.first_stage_layers = positive(args, "first-stage-layers", 0);
  p.last_stage_layers = positive(args, "last-stage-layers", 0);
  return p;
}

/// Asked for, else what can run it: native on one device, Megatron for pipelines and tensor
/// parallelism, MaxText on TPUs, PyTorch for the rest.
std::string engine_name(const Arguments& args, const Parallelism& p, const TrainingJob& job,
                        const AcceleratorSpec& card) {
  if (const auto name = args.find<std::string>("engine")) return *name;
  if (card.kind == "tpu") return "maxtext";
  if (p.pipeline_schedule == PipelineSchedule::zb_h2) return "megatron-zb";
  if (p.pipeline_schedule == PipelineSchedule::zb_h1) return "torch";
  if (p.tp * p.pp > 1) return "megatron";
  const auto sharding = args.find<std::string>("sharding").value_or("");
  if (sharding == "zero++" || args.find<std::string>("offload-states").value_or("") == "nvme")
    return "deepspeed";
  const bool native = p.world_size() == 1 && job.method == Method::full && !job.model.is_moe() &&
                      !job.model.is_mla() && !job.examples.given() &&
                      job.optimizer.kind <= OptimizerKind::sgd;
  return native ? "native" : "torch";
}

void check_supported(const fast::EngineSpec& engine, const AcceleratorSpec& card,
                     const TrainingJob& job, const Plan& plan) {
  const Parallelism& p = plan.parallel;
  const fast::EngineSupport& can = engine.supports;
  const auto refuse = [&](bool bad, const std::string& what) {
    if (bad)
      throw InputError(
          fmt::format("engine {} does not do {}; profiles/engines/{}.yaml says what it "
                      "does, --engine names another",
                      engine.name, what, engine.name));
  };
  refuse(engine.native && job.optimizer.kind > OptimizerKind::sgd,
         fmt::format("optimizer {}", enum_name(job.optimizer.kind)));
  refuse(engine.native && job.examples.given(), "examples of different lengths");
  refuse(!engine.trains(job.method), fmt::format("method {}", enum_name(job.method)));
  refuse(job.model.is_moe() && !can.moe, "mixtures of experts");
  refuse(p.tp > 1 && !can.tp, fmt::format("tp {}", p.tp));
  refuse(p.pp > 1 && !can.pp, fmt::format("pp {}", p.pp));
  refuse(p.vpp > 1 && !can.interleaving, fmt::format("vpp {}", p.vpp));
  const bool schedule = std::find(can.schedules.begin(), can.schedules.end(),
                                  p.pipeline_schedule) != can.schedules.end();
  refuse(!schedule, fmt::format("pipeline_schedule {}", enum_name(p.pipeline_schedule)));
  refuse(p.uneven_stages() && !can.uneven_stages, "stages of different sizes");
  refuse(p.cp > 1 && !can.cp, fmt::format("cp {}", p.cp));
  refuse(p.ep > 1 && !can.ep, fmt::format("ep {}", p.ep));
  refuse(std::find(can.shardings.begin(), can.shardings.end(), p.sharding) == can.shardings.end(),
         fmt::format("sharding {}", enum_name(p.sharding)));
  refuse(plan.precision >= Precision::fp8 && !can.fp8,
         fmt::format("precision {}", enum_name(plan.precision)));
  refuse(plan.offload_states != OffloadTo::none && !can.offload_states, "offload of states");
  refuse(plan.offload_states == OffloadTo::nvme && !can.offload_nvme, "offload of states to nvme");
  refuse(plan.offload_activations == OffloadTo::nvme, "offload of activations to nvme");
  refuse(plan.offload_activations != OffloadTo::none && !can.offload_activations,
         "offload of activations");
  refuse(!engine.runs_on_kind(card.kind), fmt::format("devices of kind {}", card.kind));
}

void check_type(const AcceleratorSpec& card, const Plan& plan) {
  if (!fast::multiplies(card, fast::matrix_of(plan.precision)))
    throw InputError(fmt::format("{} has no {} peak in its profile; use another --precision",
                                 card.name, enum_name(plan.precision)));
}

void check_batch(const TrainingJob& job, const Plan& plan) {
  const std::int64_t per_step = static_cast<std::int64_t>(plan.micro_batch_size) * plan.parallel.dp;
  if (job.global_batch_size % per_step != 0)
    throw InputError(
        fmt::format("micro_batch_size {} x dp {} = {} does not divide global_batch_size {}",
                    plan.micro_batch_size, plan.parallel.dp, per_step, job.global_batch_size));
  if (const std::string problem = stage_problem(plan.parallel, job.model.n_layers);
      !problem.empty())
    throw InputError(problem);
  const Parallelism& p = plan.parallel;
  if (p.pipeline_schedule != PipelineSchedule::one_f_one_b && (p.pp == 1 || p.vpp > 1))
    throw InputError(
        fmt::format("pipeline_schedule {} needs pp above 1 and vpp 1; they are {} and "
                    "{}",
                    enum_name(p.pipeline_schedule), p.pp, p.vpp));
  if (plan.parallel.pp > job.model.n_layers)
    throw InputError(fmt::format("pp is {}, but {} has {} layers", plan.parallel.pp, job.model.name,
                                 job.model.n_layers));
}

/// --recompute optimal: the fastest layers to compute again that keep within --memory-limit, else
/// within 95 % of the card, as `aforo plan` does.
void choose_recompute(const Arguments& args, const Device& device, Layout& layout) {
  RecomputeRequest request;
  request.setup = layout.plan.setup;
  request.cluster = layout.cluster;
  request.rates =
      fast::rate_recipe(*layout.constants, layout.cluster, *layout.engine).rates(*layout.constants);
  request.engine = layout.engine;
  request.memory_limit =
      0.95 * static_cast<double>(layout.cluster.accelerator->usable_memory.value);
  if (const auto limit = quantity<Bytes>(args, "memory-limit", parse_bytes, expected_bytes))
    request.memory_limit = static_cast<double>(limit->value);
  if (device.machine && device.machine->host_memory)
    request.host_memory =
        static_cast<double>(device.machine->host_memory->value) / device.machine->count;
  layout.recompute_choices = recompute_choices(request);
  layout.recompute_limit = request.memory_limit;
  // Without one that fits, all layers are computed again: what comes closest.
  layout.plan.setup.recompute = {};
  layout.plan.setup.recompute.full_layers = layout.job->model.n_layers;
  for (const RecomputeChoice& choice : layout.recompute_choices)
    if (choice.name == "optimal") layout.plan.setup.recompute = choice.counts;
}

bool wants_optimal_recompute(const Arguments& args) {
  return args.find<std::string>("recompute").value_or("") == "optimal";
}

}  // namespace

void add_layout_options(po::options_description& options) {
  options.add_options()("engine", po::value<std::string>(),
                        "who runs it: native, torch, deepspeed, yafsdp, megatron, maxtext ... "
                        "(profiles/engines)")("tp", po::value<int>(), "tensor-parallel degree")(
      "pp", po::value<int>(), "pipeline stages")("vpp", po::value<int>(),
                                                 "chunks a pipeline stage holds")(
      "cp", po::value<int>(), "context-parallel degree")("ep", po::value<int>(),
                                                         "expert-parallel degree")(
      "sharding", po::value<std::string>(),
      "of model states: ddp, zero1, zero2, zero3, fsdp, hsdp, yafsdp, zero++")(
      "zeropp", po::value<std::string>(),
      "parts of zero++: qwz (quantized weights), hpz (second copy in a machine), qgz (quantized "
      "gradients); default all")("shard-group", po::value<int>(),
                                 "ranks of an hsdp group or a zero++ copy; default: a machine")(
      "pipeline-schedule", po::value<std::string>(), "1f1b (default), zb_h1, zb_h2")(
      "first-stage-layers", po::value<int>(), "layers of the first pipeline stage")(
      "last-stage-layers", po::value<int>(), "layers of the last pipeline stage")(
      "offload-states", po::value<std::string>(), "optimizer states wait in: none, cpu, nvme")(
      "memory-limit", po::value<std::string>(),
      "of a device, for --recompute optimal; default: 95 % of what it has")(
      "offload-activations", po::value<std::string>(), "activations wait in: none, cpu");
}

bool lists_devices(const Arguments& args) { return args.list("gpu").size() > 1; }

bool wants_layout(const Arguments& args, const TrainingJob& job, const Device& device) {
  for (const char* option : layout_options)
    if (args.has(option)) return true;
  if (args.find<std::string>("recompute").value_or("") == "optimal") return true;
  const auto precision = args.find<std::string>("precision").value_or("");
  const bool narrow = precision == "tf32" || precision == "fp8" || precision == "fp4";
  return job.optimizer.kind > OptimizerKind::sgd || job.examples.given() || device.line.count > 1 ||
         device.machine || job.method != Method::full || job.model.is_moe() || job.model.is_mla() ||
         job.model.attention.sinks || narrow;
}

std::string network_note(const Device& device, const fast::Cluster& cluster) {
  if (!device.machine) return fast::network_note(cluster);
  std::string note = fmt::format("{} x {}", device.n_machines, device.machine->name);
  if (device.n_machines > 1 && device.machine->network)
    note += fmt::format(": {:g} Gb/s a machine ({})", 8e-9 * device.machine->network->value,
                        device.machine->network_kind);
  return note;
}

fast::Cluster cluster_of(const Device& device, const AcceleratorSpec& card) {
  return device.machine ? fast::cluster_of(card, *device.machine, device.n_machines)
                        : fast::cluster_of(card, device.line.count);
}

Layout layout_of(const Arguments& args, const LayoutWorld& world, const AcceleratorSpec& card,
                 const TrainingJob& job, const Device& device) {
  const bool optimal = wants_optimal_recompute(args);
  Plan plan = read_plan(args, job, 1, Precision::bf16);
  if (!args.has("precision") && fast::usual_matrix(card) == fast::MatrixType::fp16)
    plan.precision = Precision::fp16;
  plan.parallel = read_parallelism(args, device.line.count);
  plan.offload_states = choice(args, "offload-states", OffloadTo::none);
  plan.offload_activations = choice(args, "offload-activations", OffloadTo::none);
  const fast::EngineSpec& engine =
      fast::find_engine(world.engines, engine_name(args, plan.parallel, job, card));
  plan.parallel.sharding = choice(args, "sharding", engine.supports.shardings.front());
  if (const auto parts = args.find<std::string>("zeropp")) {
    if (plan.parallel.sharding != Sharding::zeropp)
      throw InputError(fmt::format("--zeropp needs --sharding zero++; it is {}",
                                   enum_name(plan.parallel.sharding)));
    plan.parallel.zeropp = parse_zeropp(*parts);
  }
  check_supported(engine, card, job, plan);
  check_type(card, plan);
  check_batch(job, plan);

  Layout layout{&job, &engine, &world.constants, cluster_of(device, card)};
  layout.device = device.line;
  layout.network_note = network_note(device, layout.cluster);
  layout.failures = &world.assumptions.failures;
  layout.plan.setup = fast::setup_of(job, plan, engine, card);
  layout.plan.n_devices = device.line.count;
  if (optimal) choose_recompute(args, device, layout);
  layout.estimate = estimate_layout(job, layout.plan.setup, layout.cluster, engine, world.constants,
                                    world.ranges);
  return layout;
}

int estimate_layout_command(const Arguments& args, const TrainingJob& job, const Device& device,
                            const Imported* imported) {
  if (!args.has("gpu"))
    throw InputError("layouts and other engines are estimated for a card of --gpu");
  if (args.has("memory-limit") && !wants_optimal_recompute(args))
    throw InputError("--memory-limit needs --recompute optimal");
  const LayoutWorld world;
  const AcceleratorSpec card = find_accelerator(device.reference);
  const Layout layout = layout_of(args, world, card, job, device);
  if (const auto output = args.find<std::string>("output"))
    write_file(*output, write_plan_file(plan_file_of(layout, "the layout that was asked for")));
  if (args.json()) {
    JsonWriter json;
    json.begin_object().field("schema_version", 1);
    write_layout_json(json, layout);
    if (imported != nullptr) write_imported(json, *imported);
    json.end_object();
    fmt::print("{}\n", json.text());
  } else {
    fmt::print("{}", layout_text(layout, args.has("why")));
  }
  return static_cast<int>(layout.estimate.verdict == Verdict::too_big ? ExitCode::infeasible
                                                                      : ExitCode::ok);
}

}  // namespace aforo::cli
