#pragma once
// Plans for the export tests, and exports read back.

#include <string>

#include "planner/report/export/export.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

namespace aforo::test {

/// A plan of llama-3.1-8b on `n` h100 for an engine, with numbers that are all different.
inline PlanFile export_plan_file(const std::string& engine, Sharding sharding, int n = 8) {
  PlanFile file;
  file.aforo_version = "0.1.0";
  file.fingerprint = "none";
  file.target = engine;
  file.hardware = "h100-sxm";
  static const ModelSpec model = find_model("llama-3.1-8b");
  file.job.model = model;
  file.job.seq_len = 4096;
  file.job.global_batch_size = 6 * n;
  file.job.n_tokens = std::int64_t{1000} * file.job.tokens_per_step();
  file.job.schedule.warmup_steps = 123;
  file.job.optimizer.learning_rate = 1e-5;
  file.job.optimizer.beta2 = 0.97;
  file.job.optimizer.epsilon = 1e-9;
  file.job.optimizer.weight_decay = 0.05;
  file.job.optimizer.clip_norm = 0.7;
  file.job.seed = 17;
  file.plan.precision = Precision::bf16;
  file.plan.recompute.assign(32, Recompute::none);
  file.plan.micro_batch_size = 2;
  file.plan.parallel.dp = n;
  file.plan.parallel.sharding = sharding;
  file.plan.engine = engine;
  file.prediction.memory_bytes = 61234567890;
  file.prediction.step_time_low = 1.5;
  file.prediction.step_time = 2;
  file.prediction.step_time_high = 3;
  file.prediction.tokens_per_second = static_cast<double>(file.job.tokens_per_step()) / 2;
  file.prediction.hours = 2000.0 / 3600;
  file.prediction.dollars = 1.75 * n * 2000 / 3600;
  file.prediction.price_source = "somebody, as of 2026-08-23";
  return file;
}

inline ExportRequest request_of(const PlanFile& file) {
  ExportRequest request;
  request.plan = &file;
  request.plan_path = "plan.yaml";
  static const AcceleratorSpec card = find_accelerator("h100");
  request.card = card;
  request.aforo_version = "9.8.7";
  request.date = "2026-11-27";
  return request;
}

/// The export of `file` to a target, by the form that `form` names or the first that can.
inline Exported exported(const PlanFile& file, const std::string& target,
                         const std::string& form = "") {
  ExportRequest request = request_of(file);
  request.form = form;
  return export_plan(choose_target(target, request), request);
}

}  // namespace aforo::test
