#include "runtime/core/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "runtime/core/environment.h"
#include "runtime/core/probe_batches.h"

namespace aforo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Seconds least_time(1e-9);  // a clock may not see a tiny op at all
constexpr int least_samples = 2;     // per round
constexpr int most_passes = 9;

// A busy machine makes timings slower, never faster, and mostly for some seconds. So all is timed
// in two rounds, of which the faster counts, and what differs by more than this is timed again.
constexpr double most_disagreement = 1.10;
constexpr int most_rounds = 4;

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

/// Middle value, the lower of the two middle ones if their number is even.
Seconds lower_median(std::vector<Seconds> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// The times of one batch in several rounds.
class Rounds {
 public:
  void add(std::vector<Seconds> times) {
    double sum = 0;
    for (Seconds time : times) sum += std::log(time.value);
    means_.push_back(sum / static_cast<double>(times.size()));
    std::sort(means_.begin(), means_.end());
    if (least_.empty()) least_ = times;
    for (std::size_t i = 0; i < times.size(); ++i) least_[i] = std::min(least_[i], times[i]);
  }

  /// How many times longer (geometric mean over all probes) the second fastest round took than the
  /// fastest; 1 after one round.
  double disagreement() const { return means_.size() < 2 ? 1.0 : std::exp(means_[1] - means_[0]); }
  bool settled() const { return disagreement() <= most_disagreement; }
  const std::vector<Seconds>& least() const { return least_; }

 private:
  std::vector<double> means_;   ///< of the logarithms of a round's times, ascending
  std::vector<Seconds> least_;  ///< per probe
};

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
    measure_process_overhead();  // first: nothing but the runtime is in memory yet
    measure_executor();
    measure_kernels(probe_batches(probe_groups(), environment.memory_free / 4));
    measure_executor();
    report(1, "done");
    return std::move(result_);
  }

 private:
  void report(double done, const std::string& what) const {
    if (options_.on_progress) options_.on_progress(done, what);
  }

  /// Time of every probe of a batch: the median of at least least_samples, and of more while
  /// `seconds` last.
  std::vector<Seconds> time(const ProbeBatch& batch, double seconds) {
    const Clock::time_point start = Clock::now();
    const ProbeProgram probes =
        make_probe_program(batch.probes, batch.copies, target_, batch.layout, cold_bytes());
    const std::unique_ptr<Executor> executor = backend_.load(probes.program);
    fill_operands(*executor, probes.program);
    std::vector<std::vector<Seconds>> samples(batch.probes.size());
    const int copies = *std::min_element(batch.copies.begin(), batch.copies.end());
    const int least_passes = (least_samples + copies - 1) / copies;
    for (int pass = 0; pass < most_passes; ++pass) {
      if (pass >= least_passes && seconds_since(start) > seconds) break;
      const std::vector<Seconds> times = executor->run_profiled(SectionKind::micro_step);
      for (std::size_t i = 0; i < times.size(); ++i)
        if (probes.probe_of[i] != producer) samples[probes.probe_of[i]].push_back(times[i]);
    }
    std::vector<Seconds> medians;
    for (const std::vector<Seconds>& times : samples)
      medians.push_back(std::max(lower_median(times), least_time));
    return medians;
  }

  Seconds time_of(const Probe& probe, int copies) {
    return time({"", 0, ProbeLayout::apart, {probe}, {copies}}, 0.2)[0];
  }

  void measure_process_overhead() {
    report(0, "memory");
    // 16-bit types first: what a library loads and allocates for fp32 products stays with it, and
    // mixed precision multiplies nothing in fp32.
    std::vector<Probe> probes = one_of_each();
    std::erase_if(probes, [](const Probe& probe) {
      return std::holds_alternative<Gemm>(probe.attrs) && probe.dtype == Dtype::fp32;
    });
    resident_beside(probes);
    for (Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32})
      result_.process_overhead[dtype] = resident_beside(products_of_a_layer(dtype));
  }

  /// Forward and both gradients of one linear layer, large enough that libraries pack operands into
  /// memory of their own.
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
    for (int i = 0; i < 3; ++i) executor->run(SectionKind::micro_step);  // memory grows at first
    return std::max(resident_memory().now - program.program.memory.arena, Bytes(0));
  }

  /// What belongs to no kernel; called twice, the faster counts.
  void measure_executor() {
    const Seconds overhead = time_of({Fill{1, 0.0f}}, 1000);
    const bool first = result_.op_overhead.value == 0;
    result_.op_overhead = first ? overhead : std::min(result_.op_overhead, overhead);
    const std::int64_t numel = cold_bytes().value / size_of(Dtype::fp32);
    const Seconds copy = time_of({Cast{numel}}, 1);
    result_.copy_bandwidth =
        std::max(result_.copy_bandwidth, Bytes(2 * numel * size_of(Dtype::fp32)) / copy);
  }

  void measure_kernels(const std::vector<ProbeBatch>& batches) {
    const Clock::time_point start = Clock::now();
    std::vector<Rounds> rounds(batches.size());
    double done = 0;
    for (int round = 0; round < most_rounds; ++round) {
      for (std::size_t i = 0; i < batches.size(); ++i) {
        const bool wanted = round < 2 || !rounds[i].settled();
        const bool late = round > 0 && seconds_since(start) > options_.seconds;
        if (!wanted || late) continue;
        report(std::min(done, 0.99), batches[i].what);
        rounds[i].add(time(batches[i], batches[i].share * options_.seconds / 2));
        done += batches[i].share / 2;
      }
    }
    for (std::size_t i = 0; i < batches.size(); ++i) keep(batches[i], rounds[i].least());
    warn_if_busy(batches, rounds);
  }

  void warn_if_busy(const std::vector<ProbeBatch>& batches,
                    const std::vector<Rounds>& rounds) const {
    const auto worst = std::max_element(
        rounds.begin(), rounds.end(),
        [](const auto& a, const auto& b) { return a.disagreement() < b.disagreement(); });
    if (worst == rounds.end() || worst->settled() || !options_.on_warning) return;
    options_.on_warning(fmt::format(
        "the machine was busy: {} took {:.1f} times longer in one round than in another; calibrate "
        "again when nothing else runs",
        batches[worst - rounds.begin()].what, worst->disagreement()));
  }

  void keep(const ProbeBatch& batch, const std::vector<Seconds>& times) {
    for (std::size_t i = 0; i < batch.probes.size(); ++i) {
      const Probe& probe = batch.probes[i];
      if (const auto* gemm = std::get_if<Gemm>(&probe.attrs)) {
        const double flops = 2.0 * gemm->m * gemm->n * gemm->k;
        result_.gemm.push_back({probe.dtype, layout_of(*gemm), gemm->accumulate, gemm->m, gemm->n,
                                gemm->k, Flops(flops) / times[i]});
      } else {
        keep_pass(probe, times[i]);
      }
    }
  }

  void keep_pass(const Probe& probe, Seconds time) {
    const int one = 1;
    const StepProgram program =
        make_probe_program({&probe, 1}, {&one, 1}, target_, ProbeLayout::apart, Bytes(0)).program;
    const Op& op = program.ops.back();
    const Cost cost = cost_of(program, op);
    result_.passes.push_back({std::string(name_of(op)), probe.dtype,
                              counts_flops(probe.attrs) ? cost.flops : cost.bytes, probe.width,
                              time});
  }

  Backend& backend_;
  const CalibrateOptions& options_;
  Target target_;
  Calibration result_;
};

}  // namespace

Calibration calibrate(Backend& backend, const CalibrateOptions& options) {
  return Calibrator(backend, options).run();
}

}  // namespace aforo
