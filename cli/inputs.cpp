#include "cli/inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cli/version.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/base/quantity.h"
#include "planner/base/yaml_reader.h"
#include "planner/money/catalogue.h"
#include "planner/money/date.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

std::int64_t file_tokens(const DataSpec& data) {
  std::error_code error;
  const auto size = std::filesystem::file_size(data.path, error);
  if (error) throw InputError(fmt::format("{}: cannot read: {}", data.path, error.message()));
  const std::int64_t tokens =
      static_cast<std::int64_t>(size) / (data.format == DataFormat::uint16 ? 2 : 1);
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(tokens) * (1 - data.validation_fraction)));
}

/// --examples, --lengths, --epochs, --batching; nothing given without the first.
ExamplesSpec read_examples(const Arguments& args) {
  ExamplesSpec examples;
  const auto count = args.find<std::string>("examples");
  if (!count) {
    for (const char* option : {"lengths", "epochs", "batching"})
      if (args.has(option))
        throw InputError(fmt::format("--{} needs --examples, their number", option));
    return examples;
  }
  for (const char* option : {"tokens", "steps", "data"})
    if (args.has(option))
      throw InputError(fmt::format(
          "--examples and --{} both say how much is trained; give one of them", option));
  examples.n_examples = parse_tokens(*count, "examples");
  examples.lengths = parse_lengths(args.require("lengths"));
  examples.batching = choice(args, "batching", examples.batching);
  examples.epochs = args.find<double>("epochs").value_or(1);
  if (!(examples.epochs > 0 && examples.epochs <= 1e6))
    throw InputError(fmt::format("--epochs is {}; expected more than 0", examples.epochs));
  return examples;
}

std::int64_t job_tokens(const Arguments& args, const TrainingJob& job) {
  if (job.examples.given())
    return std::max<std::int64_t>(
        1, static_cast<std::int64_t>(static_cast<double>(job.examples.n_examples) *
                                     job.examples.epochs * job.examples.mean()));
  const auto tokens = args.find<std::string>("tokens");
  const auto steps = args.find<int>("steps");
  if (tokens && steps)
    throw InputError("--tokens and --steps say the same thing twice; give one of them");
  if (tokens) return parse_tokens(*tokens, "tokens");
  if (steps) return static_cast<std::int64_t>(positive(args, "steps", 1)) * job.tokens_per_step();
  if (!job.data.path.empty()) return file_tokens(job.data);
  return 20 * count_parameters(job.model).total();
}

void read_optimizer(const Arguments& args, TrainingJob& job) {
  job.optimizer.kind = choice(args, "optimizer", job.optimizer.kind);
  if (const auto rate = args.find<double>("learning-rate")) job.optimizer.learning_rate = *rate;
  if (const auto decay = args.find<double>("weight-decay")) job.optimizer.weight_decay = *decay;
  if (const auto clip = args.find<double>("clip-norm")) job.optimizer.clip_norm = *clip;
  job.schedule.kind = choice(args, "schedule", job.schedule.kind);
  const std::int64_t steps = job.n_steps();
  job.schedule.warmup_steps =
      args.find<int>("warmup-steps")
          .value_or(static_cast<int>(std::min<std::int64_t>(steps / 10, 2000)));
}

}  // namespace

int positive(const Arguments& args, const char* option, int fallback) {
  const auto value = args.find<int>(option);
  if (!value) return fallback;
  if (*value < 1) throw InputError(fmt::format("--{} is {}; expected at least 1", option, *value));
  return *value;
}

std::int64_t parse_tokens(const std::string& text, const std::string& option) {
  const auto value = parse_count(text);
  if (!value || *value < 1 || *value > 1e18)
    throw InputError(fmt::format("--{} is \"{}\"; expected a count such as 300B, 2e12 or 1_000_000",
                                 option, text));
  return static_cast<std::int64_t>(*value);
}

void add_job_options(po::options_description& options) {
  options.add_options()("model", po::value<std::string>(),
                        "a name of `aforo models`, a YAML file, or a Hugging Face config.json")(
      "seq-len", po::value<int>(), "tokens of a sequence")("global-batch-size", po::value<int>(),
                                                           "sequences per optimizer step")(
      "tokens", po::value<std::string>(),
      "tokens to train on, such as 10B; default: one pass over --data, else 20 a parameter")(
      "steps", po::value<int>(), "optimizer steps, instead of --tokens")(
      "examples", po::value<std::string>(),
      "examples of one epoch, such as 52K, instead of --tokens")(
      "lengths", po::value<std::string>(),
      "their tokens with shares, \"256:0.5, 2048:0.5\", or mean, deviation and limit, "
      "\"3234+-2548<=8192\"")("epochs", po::value<double>(), "over the examples; default 1")(
      "batching", po::value<std::string>(),
      "packing (default; sequences are filled) or padding (to the longest of a batch)")(
      "data", po::value<std::string>(),
      "text file to train on (bytes are tokens) or nanoGPT's uint16 .bin")(
      "data-format", po::value<std::string>(), "bytes or uint16; default: by the ending .bin")(
      "validation-fraction", po::value<double>(),
      "last part of the data that is never trained on; default 0.1")(
      "optimizer", po::value<std::string>(),
      "adamw (default), sgd; of other engines: adamw_8bit, lion, adafactor, muon")(
      "learning-rate", po::value<double>(), "at its highest; default 3e-4")(
      "weight-decay", po::value<double>(), "on matrices; default 0.1")(
      "clip-norm", po::value<double>(), "of the global gradient; 0: none; default 1")(
      "schedule", po::value<std::string>(), "cosine (default), wsd or constant")(
      "warmup-steps", po::value<int>(), "default: a tenth of the steps, at most 2000")(
      "seed", po::value<std::uint64_t>(), "of initialisation and data order; default 1")(
      "method", po::value<std::string>(), "full (default), lora or qlora")(
      "lora-rank", po::value<int>(), "of the adapters; default 16");
}

TrainingJob read_job(const Arguments& args, int default_batch) {
  TrainingJob job;
  job.model = find_model(args.require("model"));
  const ExamplesSpec examples = read_examples(args);
  const int usual_length = examples.padded() ? examples.longest() : 1024;
  job.seq_len = positive(args, "seq-len", std::min(usual_length, job.model.max_seq_len));
  if (examples.given()) job.examples = examples.cut_to(job.seq_len);
  job.global_batch_size = positive(args, "global-batch-size", default_batch);
  if (const auto path = args.find<std::string>("data")) {
    job.data.path = *path;
    job.data.format = path->ends_with(".bin") ? DataFormat::uint16 : DataFormat::bytes;
  }
  job.data.format = choice(args, "data-format", job.data.format);
  if (const auto fraction = args.find<double>("validation-fraction")) {
    if (!(*fraction >= 0 && *fraction <= 0.9))
      throw InputError(fmt::format("--validation-fraction is {}; expected 0 to 0.9", *fraction));
    job.data.validation_fraction = *fraction;
  }
  job.seed = args.find<std::uint64_t>("seed").value_or(1);
  job.method = choice(args, "method", job.method);
  job.lora.rank = positive(args, "lora-rank", job.lora.rank);
  job.n_tokens = job_tokens(args, job);
  read_optimizer(args, job);
  return job;
}

void add_plan_options(po::options_description& options) {
  options.add_options()("precision", po::value<std::string>(),
                        "fp32, bf16 or fp16 (mixed, with fp32 master weights)")(
      "recompute", po::value<std::string>(),
      "none, selective, full, \"every K\", runs such as \"full x12, none x20\", or optimal: the "
      "fastest that fits")("micro-batch-size", po::value<int>(),
                           "sequences per device and micro-step");
}

Plan read_plan(const Arguments& args, const TrainingJob& job, int n_devices,
               Precision default_precision) {
  Plan plan;
  plan.precision = choice(args, "precision", default_precision);
  const std::string recompute = args.find<std::string>("recompute").value_or("none");
  // The optimum is chosen once the rest of a layout is known.
  plan.recompute = parse_recompute(recompute == "optimal" ? "none" : recompute, job.model.n_layers);
  plan.micro_batch_size = positive(args, "micro-batch-size", 1);
  plan.parallel.dp = n_devices;
  return plan;
}

void add_device_options(po::options_description& options) {
  options.add_options()(
      "gpu", po::value<std::string>(),
      "an accelerator of `aforo hardware`, with a count: rtx-4090:4; or a machine of `aforo "
      "hardware --machines`: aws/p5.48xlarge:2")(
      "hardware", po::value<std::string>(),
      "a calibration written by `aforo calibrate`: predict for that machine")(
      "price", po::value<std::string>(),
      "per device and hour, such as \"0.35 USD/h\"; default: the cheapest known offer")(
      "price-kind", po::value<std::string>(),
      "on_demand, community, spot, interruptible or reserved");
}

PlanFile plan_file_of(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                      const Estimate& e, const Device& device) {
  PlanFile file;
  file.aforo_version = aforo_version;
  file.fingerprint = fingerprint(program);
  file.target = device.target.name;
  file.hardware = device.reference;
  file.job = job;
  file.plan = plan;
  file.prediction = {e.trace.arena.value, e.memory.value,          e.step_time.low, e.step_time.mid,
                     e.step_time.high,    e.tokens_per_second.mid, e.hours.mid};
  if (device.line.price_per_device) {
    file.prediction.dollars = cost(e.device_hours, *device.line.price_per_device).mid;
    file.prediction.price_source = device.line.price_source;
  }
  return file;
}

Target target_of(const std::string& name) {
  if (name == "cpu") return cpu_target();
  if (name == "cuda") return cuda_target();
  throw InputError(fmt::format("target is \"{}\"; expected cpu or cuda", name));
}

std::string calibration_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"))
    return std::string(config) + "/aforo/this-machine.yaml";
  if (const char* home = std::getenv("HOME"))
    return std::string(home) + "/.config/aforo/this-machine.yaml";
  return "this-machine.yaml";
}

Device device_of(const std::string& reference, int count) {
  Device device;
  device.reference = reference;
  device.line.count = count;
  if (reference.ends_with(".yaml")) {
    const Calibration calibration = read_calibration(YamlNode::load_file(reference));
    device.model = calibrated_cost_model(calibration);
    device.target = cpu_target();
    device.line.name = fmt::format("{} ({}, calibrated {})", calibration.name, calibration.device,
                                   calibration.date);
    device.line.origin = Origin::calibrated;
    const auto measured = [&](Dtype dtype) {
      return std::any_of(calibration.gemm.begin(), calibration.gemm.end(),
                         [&](const GemmPoint& p) { return p.dtype == dtype; });
    };
    device.has_bf16 = measured(Dtype::bf16);
    device.has_fp16 = measured(Dtype::fp16);
    return device;
  }
  const AcceleratorSpec spec = find_accelerator(reference);
  device.reference = spec.name;
  device.model = spec_cost_model(spec);
  device.target = cuda_target();
  device.line.name = spec.name;
  device.line.origin = device.model->origin();
  device.has_bf16 = spec.peak_dense.contains("bf16");
  device.has_fp16 = spec.peak_dense.contains("fp16");
  return device;
}

Device read_device(const Arguments& args) {
  const auto gpu = args.find<std::string>("gpu"), hardware = args.find<std::string>("hardware");
  if (gpu && hardware)
    throw InputError("--gpu and --hardware both name a device; give one of them");
  if (!gpu) {
    const std::string path = hardware.value_or(calibration_path());
    if (!hardware && !std::filesystem::exists(path))
      throw InputError(
          "no device: give --gpu NAME[:n], or measure this machine with `aforo calibrate`");
    if (!path.ends_with(".yaml"))
      throw InputError(
          fmt::format("--hardware is \"{}\"; expected a .yaml written by `aforo calibrate`", path));
    return device_of(path, 1);
  }
  return read_gpu(args, *gpu);
}

namespace {

/// Read once, however many cards a command asks about.
const PriceList& known_prices() {
  static const PriceList prices = money::load_catalogue().prices;
  return prices;
}

}  // namespace

Device read_gpu(const Arguments& args, const std::string& text) {
  GpuRequest request = parse_gpu_request(text);
  std::optional<MachineSpec> machine;
  if (request.name.find('/') != std::string::npos && !request.name.ends_with(".yaml")) {
    machine = find_machine(request.name);
    request = {machine->accelerator, request.count * machine->count};
  }
  Device device = device_of(request.name, request.count);
  if (machine) device.n_machines = request.count / machine->count;
  device.machine = std::move(machine);
  if (const auto price = args.find<std::string>("price")) {
    const auto value = parse_hourly_price(*price);
    if (!value)
      throw InputError(
          fmt::format("--price is \"{}\"; expected {}", *price, expected_hourly_price));
    device.line.price_per_device = *value;
    device.line.price_source = "given";
  } else if (const auto offer = cheapest_offer(known_prices(), device.reference, request.count,
                                               args.find<std::string>("price-kind").value_or(""))) {
    device.line.price_per_device = DollarsPerHour(offer->price.value / offer->count);
    device.line.price_source =
        fmt::format("{} {}, {} x {}, {}", offer->provider, offer->kind, offer->count,
                    offer->accelerator, money::dated(offer->as_of, today()));
  }
  return device;
}

}  // namespace aforo::cli
