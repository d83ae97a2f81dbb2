#include "cli/planned.h"

#include <fmt/format.h>

#include "planner/fast/setup_of_job.h"
#include "planner/lower/lower.h"
#include "planner/simulate/simulate.h"

namespace aforo::cli {
namespace {

bool is_native(const PlanFile& file) { return file.plan.engine == "native"; }

void evaluate_program(Planned& planned, const std::string& path) {
  const PlanFile& file = planned.file;
  planned.program = checked_program(file, path);
  planned.estimate = simulate(*planned.program, file.job, file.plan, *planned.device.model);
}

void set_variant(Planned& planned, const LayoutWorld& world) {
  const PlanFile& file = planned.file;
  const fast::EngineSpec& engine = fast::find_engine(world.engines, file.plan.engine);
  explain::Variant variant;
  variant.engine = &engine;
  variant.cluster = cluster_of(planned.device, *planned.card);
  variant.setup = fast::setup_of(file.job, file.plan, engine, *planned.card);
  if (planned.device.line.price_per_device)
    variant.usd_per_device_hour = planned.device.line.price_per_device->value;
  planned.variant = variant;
}

void evaluate_layout(Planned& planned, const LayoutWorld& world) {
  const explain::Variant& variant = *planned.variant;
  Layout layout{&planned.file.job, variant.engine, &world.constants, variant.cluster};
  layout.device = planned.device.line;
  layout.network_note = network_note(planned.device, layout.cluster);
  layout.plan.setup = variant.setup;
  layout.plan.n_devices = planned.device.line.count;
  layout.estimate = estimate_layout(planned.file.job, variant.setup, variant.cluster,
                                    *variant.engine, world.constants, world.ranges);
  planned.layout = std::move(layout);
}

}  // namespace

StepProgram checked_program(const PlanFile& file, const std::string& path) {
  StepProgram program = lower(file.job, file.plan, target_of(file.target));
  const std::string here = fingerprint(program);
  if (here != file.fingerprint)
    throw InputError(fmt::format(
        "{}: made for program {}, but this build lowers it to {}; run `aforo plan` again", path,
        file.fingerprint, here));
  verify(program);
  return program;
}

std::unique_ptr<Planned> evaluate_plan(const Arguments& args, const LayoutWorld& world,
                                       const std::string& path) {
  return evaluate_plan(args, world, read_plan_file(path), path);
}

std::unique_ptr<Planned> evaluate_plan(const Arguments& args, const LayoutWorld& world,
                                       PlanFile file, const std::string& path) {
  auto planned = std::make_unique<Planned>();
  planned->file = std::move(file);
  const std::string& hardware = planned->file.hardware;
  const int n_devices = planned->file.plan.parallel.world_size();
  if (hardware.ends_with(".yaml")) {
    planned->device = device_of(hardware, n_devices);
  } else {
    planned->device = read_gpu(args, fmt::format("{}:{}", hardware, n_devices));
    planned->card = find_accelerator(hardware);
    set_variant(*planned, world);
  }
  if (is_native(planned->file))
    evaluate_program(*planned, path);
  else if (planned->variant)
    evaluate_layout(*planned, world);
  else
    throw InputError(
        fmt::format("{}: engine {} is planned for a card of `aforo hardware`, not for "
                    "the calibration {}",
                    path, planned->file.plan.engine, hardware));
  return planned;
}

}  // namespace aforo::cli
