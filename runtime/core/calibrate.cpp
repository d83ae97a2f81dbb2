#include "runtime/core/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "runtime/core/environment.h"
#include "runtime/core/probe_grid.h"
#include "runtime/core/probe_program.h"
#include "runtime/core/profile.h"

namespace aforo {
namespace {

using Clock = std::chrono::steady_clock;

// Operands that are met again after this much memory has passed are cold: twice the largest
// last-level cache that two cores usually share.
constexpr Bytes cold_bytes(64 * mebi);
constexpr Bytes most_batch_bytes(256 * mebi);
constexpr int most_copies = 32;   // more would only make a batch of tiny ops long
constexpr int least_samples = 3;  // their median leaves out one disturbance
constexpr int most_passes = 9;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Target target_of(const Backend& backend) {
  return backend.name() == "cuda" ? cuda_target() : cpu_target();
}

std::string layout_of(const Gemm& op) { return op.trans_a ? "tn" : op.trans_b ? "nt" : "nn"; }

bool counts_flops(const OpAttrs& attrs) {
  return std::holds_alternative<Attention>(attrs) ||
         std::holds_alternative<AttentionBackward>(attrs);
}

/// Probes that share one program, with how often each is copied.
struct Batch {
  std::vector<Probe> probes;
  std::vector<int> copies;
  ProbeLayout layout;
};

/// Cuts a group into batches that fit most_batch_bytes, and copies their probes until the whole
/// exceeds cold_bytes.
std::vector<Batch> batches_of(const ProbeGroup& group, Bytes most_bytes) {
  std::vector<Batch> batches;
  if (group.ring) {
    batches.push_back({{}, {}, ProbeLayout::ring});
    for (const Probe& probe : group.probes)
      if (operand_bytes(probe) < most_bytes) batches[0].probes.push_back(probe);
    batches[0].copies.assign(batches[0].probes.size(), 1);
    return batches;
  }
  Bytes bytes;
  const auto close = [&] {
    if (batches.empty() || batches.back().probes.empty()) return;
    const double rounds = std::ceil(cold_bytes / std::max(bytes, Bytes(1)));
    batches.back().copies.assign(batches.back().probes.size(),
                                 std::clamp(static_cast<int>(rounds), 1, most_copies));
  };
  for (const Probe& probe : group.probes) {
    const Bytes size = operand_bytes(probe);
    if (size > most_bytes) continue;
    if (batches.empty() || bytes + size > most_batch_bytes) {
      close();
      batches.push_back({{}, {}, ProbeLayout::apart});
      bytes = Bytes(0);
    }
    batches.back().probes.push_back(probe);
    bytes += size;
  }
  close();
  return batches;
}

class Calibrator {
 public:
  Calibrator(Backend& backend, const CalibrateOptions& options)
      : backend_(backend), options_(options), target_(target_of(backend)) {}

  Calibration run() {
    const Environment environment = read_environment(backend_.description());
    result_.name = options_.name;
    result_.date = environment.date;
    result_.device = fmt::format("{}, {} threads", environment.cpu, backend_.n_threads());
    result_.backend = backend_.description();
    result_.n_threads = backend_.n_threads();
    result_.memory = environment.memory_free + resident_memory().now;
    most_bytes_ = environment.memory_free / 4;
    measure_process_overhead();  // first: nothing but the runtime is in memory yet
    measure_op_overhead();
    measure_copy_bandwidth();
    measure_groups();
    report(1, "done");
    return std::move(result_);
  }

 private:
  void report(double done, const std::string& what) const {
    if (options_.on_progress) options_.on_progress(done, what);
  }

  /// Times of every probe of a batch: at least least_samples, and more while `seconds` last.
  std::vector<std::vector<Seconds>> time(const Batch& batch, double seconds) {
    const Clock::time_point start = Clock::now();
    const ProbeProgram probes =
        make_probe_program(batch.probes, batch.copies, target_, batch.layout, cold_bytes);
    const std::unique_ptr<Executor> executor = backend_.load(probes.program);
    fill_operands(*executor, probes.program);
    std::vector<std::vector<Seconds>> samples(batch.probes.size());
    const int copies = *std::min_element(batch.copies.begin(), batch.copies.end());
    const int least_passes = (least_samples + copies - 1) / copies;
    for (int pass = 0; pass < most_passes; ++pass) {
      if (pass >= least_passes && seconds_since(start) > seconds) break;
      const std::vector<Seconds> times = executor->run_profiled(SectionKind::micro_step);
      for (std::size_t i = 0; i < times.size(); ++i)
        samples[probes.probe_of[i]].push_back(times[i]);
    }
    return samples;
  }

  Seconds median_of(const Probe& probe, int copies) {
    return median(time({{probe}, {copies}, ProbeLayout::apart}, 0.2)[0]);
  }

  void measure_process_overhead() {
    report(0, "memory");
    resident_beside(one_of_each());   // code and tables of every kernel
    // 16-bit types first: what fp32 products make a library allocate stays with it.
    for (Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32})
      result_.process_overhead[dtype] = resident_beside(products_of_a_layer(dtype));
  }

  /// Forward and both gradients of one linear layer, large enough that libraries pack operands into memory of their own.
  static std::vector<Probe> products_of_a_layer(Dtype dtype) {
    constexpr std::int64_t rows = 2048, in = 1024, out = 2048;
    return {{Gemm{rows, out, in, false, true, false, false}, dtype, dtype, 1},
            {Gemm{rows, in, out, false, false, false, false}, dtype, dtype, 1},
            {Gemm{out, in, rows, true, false, false, false}, dtype, Dtype::fp32, 1}};
  }

  /// Resident memory beside the arena after these probes have run.
  Bytes resident_beside(const std::vector<Probe>& probes) {
    const std::vector<int> copies(probes.size(), 1);
    const ProbeProgram program =
        make_probe_program(probes, copies, target_, ProbeLayout::apart, Bytes(0));
    const std::unique_ptr<Executor> executor = backend_.load(program.program);
    fill_operands(*executor, program.program);
    executor->run(SectionKind::micro_step);
    return std::max(resident_memory().now - program.program.memory.arena, Bytes(0));
  }

  void measure_op_overhead() { result_.op_overhead = median_of({Fill{1, 0.0f}}, 1000); }

  void measure_copy_bandwidth() {
    const std::int64_t numel = cold_bytes.value / size_of(Dtype::fp32);
    const Seconds time = median_of({Cast{numel}}, 1);
    result_.copy_bandwidth = Bytes(2 * numel * size_of(Dtype::fp32)) / time;
  }

  void measure_groups() {
    double done = 0;
    for (const ProbeGroup& group : probe_groups()) {
      const std::vector<Batch> batches = batches_of(group, most_bytes_);
      for (const Batch& batch : batches) {
        report(done, group.what);
        const double share = group.share / static_cast<double>(batches.size());
        if (!batch.probes.empty()) keep(batch, time(batch, share * options_.seconds));
        done += share;
      }
    }
  }

  void keep(const Batch& batch, const std::vector<std::vector<Seconds>>& samples) {
    for (std::size_t i = 0; i < batch.probes.size(); ++i) {
      const Seconds time = std::max(median(samples[i]), Seconds(1e-9));  // below any clock
      const Probe& probe = batch.probes[i];
      if (const auto* gemm = std::get_if<Gemm>(&probe.attrs)) {
        const double flops = 2.0 * gemm->m * gemm->n * gemm->k;
        result_.gemm.push_back({probe.dtype, layout_of(*gemm), gemm->accumulate, gemm->m, gemm->n,
                                gemm->k, Flops(flops) / time});
      } else {
        keep_pass(probe, time);
      }
    }
  }

  void keep_pass(const Probe& probe, Seconds time) {
    const int one = 1;
    const StepProgram program =
        make_probe_program({&probe, 1}, {&one, 1}, target_, ProbeLayout::apart, Bytes(0)).program;
    const Cost cost = cost_of(program, program.ops[0]);
    result_.passes.push_back({std::string(name_of(program.ops[0])), probe.dtype,
                              counts_flops(probe.attrs) ? cost.flops : cost.bytes, probe.width,
                              time});
  }

  Backend& backend_;
  const CalibrateOptions& options_;
  Target target_;
  Bytes most_bytes_;
  Calibration result_;
};

}  // namespace

Calibration calibrate(Backend& backend, const CalibrateOptions& options) {
  return Calibrator(backend, options).run();
}

}  // namespace aforo
