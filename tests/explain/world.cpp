#include "tests/explain/world.h"

#include "planner/fast/setup_of_job.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

namespace aforo::test {
namespace {

const std::vector<fast::EngineSpec>& engines() {
  static const std::vector<fast::EngineSpec> all = fast::all_engines();
  return all;
}

const fast::Constants& constants() {
  static const fast::Constants shipped = fast::Constants::load();
  return shipped;
}

}  // namespace

Question::Question(const std::string& model, const std::string& card_name, int n_devices,
                   int seq_len, int micro_batch_size, const std::string& engine)
    : card(find_accelerator(card_name)) {
  job.model = find_model(model);
  job.seq_len = seq_len;
  job.global_batch_size = 4 * n_devices * micro_batch_size;
  job.n_tokens = 1'000'000'000;
  Plan plan;
  plan.micro_batch_size = micro_batch_size;
  plan.parallel.dp = n_devices;
  baseline.engine = &fast::find_engine(engines(), engine);
  baseline.cluster = fast::cluster_of(card, n_devices);
  baseline.setup = fast::setup_of(job, plan, *baseline.engine, card);
  fast::set_matrix(baseline.setup, *baseline.engine, fast::usual_matrix(card));
  baseline.usd_per_device_hour = 2;
  world = {&constants(), &engines(), static_cast<double>(job.n_tokens), LoraSpec{}};
}

explain::Row Question::row(const std::string& strategy) const {
  return explain::compare(*explain::find_strategy(strategy), baseline, world);
}

}  // namespace aforo::test
