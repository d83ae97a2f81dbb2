#include "planner/scenarios/needs.h"

#include "planner/money/ownership.h"

namespace aforo::scenarios {
namespace {

constexpr double system_gb = 50;
constexpr double checkpoint_bytes = 14;

double adapter_parameters(const TrainingJob& job) {
  const ModelSpec& m = job.model;
  const double d = m.d_model, ff = m.mlp.d_ff > 0 ? m.mlp.d_ff : m.moe.d_ff;
  const double q = m.attention.n_heads * m.attention.head_dim;
  const double kv = m.attention.n_kv_heads * m.attention.head_dim;
  double widths = 0;
  if (job.lora.attention_qkv) widths += 3 * d + q + 2 * kv;
  if (job.lora.attention_out) widths += q + d;
  if (job.lora.mlp) widths += (is_gated(m.mlp.activation) ? 3 : 2) * (d + ff);
  return job.lora.rank * widths * m.n_layers;
}

}  // namespace

double trained_parameters(const TrainingJob& job) {
  return job.method == Method::full ? static_cast<double>(count_parameters(job.model).total())
                                    : adapter_parameters(job);
}

JobSizes sizes_of(const TrainingJob& job) {
  const double total = static_cast<double>(count_parameters(job.model).total());
  const double trained = trained_parameters(job);
  const double token_bytes = job.model.vocab_size > 65536 ? 4 : 2;
  return {1e-9 * token_bytes * static_cast<double>(job.n_tokens), 1e-9 * 2 * total,
          1e-9 * 2 * trained, 1e-9 * checkpoint_bytes * trained};
}

void apply_wishes(const BillWishes& wish, money::RunNeeds& needs) {
  needs.evaluation_share = wish.evaluation_share.value_or(needs.evaluation_share);
  needs.setup_hours = wish.setup_hours.value_or(needs.setup_hours);
  needs.repeated_share = wish.repeated_share.value_or(needs.repeated_share);
  needs.checkpoints_kept = wish.checkpoints_kept.value_or(needs.checkpoints_kept);
  needs.download_gb = wish.download_gb.value_or(needs.download_gb);
  needs.upload_gb = wish.upload_gb.value_or(needs.upload_gb);
  needs.disk_gb = wish.disk_gb.value_or(needs.disk_gb);
  needs.stopped_hours = wish.stopped_hours.value_or(needs.stopped_hours);
}

money::RunNeeds needs_of(const Scenario& scenario, const Site& site, const Interval& hours) {
  const JobSizes sizes = sizes_of(scenario.job);
  money::RunNeeds needs;
  needs.training_hours = hours;
  needs.n_devices = site.n_devices;
  needs.n_machines = site.n_machines;
  needs.checkpoint_gb = sizes.checkpoint;
  needs.checkpoints_kept = scenario.bill.checkpoints_kept.value_or(needs.checkpoints_kept);
  needs.download_gb = sizes.tokens + (scenario.job.method == Method::full ? 0 : sizes.weights);
  needs.upload_gb = sizes.trained;
  needs.disk_gb =
      system_gb * site.n_machines + needs.download_gb + needs.checkpoints_kept * sizes.checkpoint;
  apply_wishes(scenario.bill, needs);
  return needs;
}

money::Supply supply_of(const Scenario& scenario, const World& world, const Option& option) {
  const money::Assumptions& all = world.assumptions;
  const BillWishes& wish = scenario.bill;
  money::Supply supply;
  supply.kilowatts =
      money::kilowatts(option.site.card->tdp, option.site.n_devices, option.site.n_machines,
                       option.owned, all, option.owned ? wish.watts_per_device.value_or(0) : 0);
  if (option.owned) {
    supply.terms = money::Terms::owned;
    supply.usd_per_kwh = wish.usd_per_kwh.value_or(all.home.usd_per_kwh);
    if (wish.purchase_usd)
      supply.wear_usd_per_hour = money::wear_usd_per_hour(
          *wish.purchase_usd, all.resale_share * *wish.purchase_usd, all.lifetime_hours);
    supply.tariff.upload = {};  // disk and line are there already
    return supply;
  }
  supply.terms = option.is_spot()                   ? money::Terms::spot
                 : option.offer.kind == "community" ? money::Terms::marketplace
                                                    : money::Terms::steady;
  supply.usd_per_hour = option.usd_per_hour();
  supply.tariff = all.tariff_of(option.offer.provider);
  const Offer& offer = option.offer;
  if (offer.disk_usd_per_gb_month)
    supply.tariff.disk = supply.tariff.disk_stopped = *offer.disk_usd_per_gb_month;
  if (offer.download_usd_per_gb) supply.tariff.download = *offer.download_usd_per_gb;
  if (offer.upload_usd_per_gb) supply.tariff.upload = {{1e18, *offer.upload_usd_per_gb}};
  return supply;
}

}  // namespace aforo::scenarios
