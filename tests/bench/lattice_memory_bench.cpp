// Memory of the lattice search at a hundred million candidates: what the process holds at its peak.

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>

#include "planner/search/lattice.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

using namespace aforo;

namespace {

/// Peak resident memory of the process so far, in MiB; Linux counts in KiB.
double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main() {
  const ModelSpec model = find_model("gpt3-175b");
  const AcceleratorSpec card = find_accelerator("a100-sxm-80");
  const std::vector<fast::EngineSpec> engines = fast::all_engines();
  const fast::Constants constants = fast::Constants::load();
  LatticeRequest request;
  request.engine = &fast::find_engine(engines, "megatron");
  request.constants = &constants;
  request.cluster = {&card, 64, 8, card.link.all_reduce.value, 25e9};
  request.base.model = &model;
  request.base.seq_len = 2048;
  request.base.global_batch_size = 12288;
  request.base.micro_batch_size = 1;
  request.space.types = {fast::MatrixType::bf16, fast::MatrixType::fp16};
  request.space.offload_activations = true;
  request.n_tokens = 300e9;
  request.usd_per_device_hour = 1;
  request.n_threads = 2;
  for (int n = 64; n <= 64 * 8; n += 64) request.space.n_devices.push_back(n);
  const double before = peak_mib();
  const auto start = std::chrono::steady_clock::now();
  const LatticeResult result = search_lattice(request);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print(
      "{} candidates in {:.1f} s: {:.0f} MiB at the peak, {:.0f} before; the limit is 1,024\n",
      result.n_considered, seconds, peak_mib(), before);
  return result.n_considered >= 100'000'000 && peak_mib() < 1024 ? 0 : 1;
}
