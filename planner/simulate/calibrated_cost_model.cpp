#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>
#include <vector>

#include "planner/base/error.h"
#include "planner/simulate/cost_model.h"

namespace aforo {
namespace {

// Target of the project for calibrated step times; docs/measurements has what was reached.
constexpr Spread calibrated_spread{0.10, 0.10};

// One wait of a few threads for each other, a condition variable's: measured with 1000 all-reduces
// of 56 bytes over 3 ranks on 2 cores of an AMD EPYC, 2026-11-27.
constexpr Seconds thread_meeting{30e-6};

/// Position of `x` in ascending `axis`: the lower neighbour and the weight of the upper one, in log
/// space. Outside the axis the nearest end is used.
struct Position {
  std::size_t lower;
  double upper_weight;
};

Position locate(const std::vector<double>& axis, double x) {
  if (axis.size() == 1 || x <= axis.front()) return {0, 0};
  if (x >= axis.back()) return {axis.size() - 2, 1};
  const std::size_t upper = std::upper_bound(axis.begin(), axis.end(), x) - axis.begin();
  const double low = std::log(axis[upper - 1]), high = std::log(axis[upper]);
  return {upper - 1, (std::log(x) - low) / (high - low)};
}

/// Rates of one kind of product on a grid of (m, n, k), some points of which may be missing.
class GemmTable {
 public:
  void add(const GemmPoint& point) {
    const std::array<std::int64_t, 3> size{point.m, point.n, point.k};
    for (int d = 0; d < 3; ++d) {
      std::vector<double>& axis = axes_[d];
      const double value = static_cast<double>(size[d]);
      const auto at = std::lower_bound(axis.begin(), axis.end(), value);
      if (at == axis.end() || *at != value) axis.insert(at, value);
    }
    rates_[size] = point.rate.value;
  }

  /// Interpolates log(rate) linearly in log(m), log(n), log(k) over the corners of the cell that
  /// were measured; if none was, the nearest point counts.
  double rate(std::int64_t m, std::int64_t n, std::int64_t k) const {
    const std::array<double, 3> size{static_cast<double>(m), static_cast<double>(n),
                                     static_cast<double>(k)};
    std::array<Position, 3> at;
    for (int d = 0; d < 3; ++d) at[d] = locate(axes_[d], size[d]);
    double sum = 0, weights = 0;
    for (int corner = 0; corner < 8; ++corner) {
      std::array<std::int64_t, 3> key;
      double weight = 1;
      for (int d = 0; d < 3; ++d) {
        const bool upper = (corner >> d & 1) != 0;
        const std::size_t index = std::min(at[d].lower + (upper ? 1 : 0), axes_[d].size() - 1);
        key[d] = static_cast<std::int64_t>(axes_[d][index]);
        weight *= upper ? at[d].upper_weight : 1 - at[d].upper_weight;
      }
      const auto found = rates_.find(key);
      if (found == rates_.end() || weight <= 0) continue;
      sum += weight * std::log(found->second);
      weights += weight;
    }
    return weights > 0.25 ? std::exp(sum / weights) : nearest(size);
  }

 private:
  double nearest(const std::array<double, 3>& size) const {
    double best = 0, best_distance = INFINITY;
    for (const auto& [key, rate] : rates_) {
      double distance = 0;
      for (int d = 0; d < 3; ++d)
        distance += std::pow(std::log(size[d] / static_cast<double>(key[d])), 2);
      if (distance < best_distance) {
        best_distance = distance;
        best = rate;
      }
    }
    return best;
  }

  std::array<std::vector<double>, 3> axes_;
  std::map<std::array<std::int64_t, 3>, double> rates_;
};

/// Times of one kind of pass: by row width, then by size.
class PassTable {
 public:
  void add(const PassPoint& point) {
    by_width_[static_cast<double>(point.width)][point.size] = point.time.value;
  }

  double time(double width, double size) const {
    std::vector<double> widths;
    for (const auto& [w, times] : by_width_) widths.push_back(w);
    const Position at = locate(widths, std::max(width, 1.0));
    const double low = time_at(by_width_.at(widths[at.lower]), size);
    if (at.upper_weight == 0) return low;
    const double high = time_at(by_width_.at(widths[at.lower + 1]), size);
    return std::exp((1 - at.upper_weight) * std::log(low) + at.upper_weight * std::log(high));
  }

 private:
  /// Linear in log(size) and log(time) between points; beyond the largest, time grows with size;
  /// below the smallest, it shrinks with size.
  static double time_at(const std::map<double, double>& times, double size) {
    auto upper = times.lower_bound(size);
    if (upper == times.begin()) return upper->second * size / upper->first;
    if (upper == times.end()) return std::prev(upper)->second * size / std::prev(upper)->first;
    const auto lower = std::prev(upper);
    const double weight = std::log(size / lower->first) / std::log(upper->first / lower->first);
    return std::exp((1 - weight) * std::log(lower->second) + weight * std::log(upper->second));
  }

  std::map<double, std::map<double, double>> by_width_;
};

/// Row width that a pass's efficiency depends on; the same choice as in PassPoint::width.
struct Width {
  double operator()(const Attention& op) const { return static_cast<double>(op.seq_len); }
  double operator()(const AttentionBackward& op) const { return static_cast<double>(op.seq_len); }
  double operator()(const CrossEntropy& op) const { return static_cast<double>(op.vocab); }
  double operator()(const Embedding& op) const { return static_cast<double>(op.d_model); }
  double operator()(const EmbeddingBackward& op) const { return static_cast<double>(op.d_model); }
  double operator()(const QkNorm& op) const { return static_cast<double>(op.head_dim); }
  double operator()(const QkNormBackward& op) const { return static_cast<double>(op.head_dim); }
  double operator()(const Rope& op) const { return static_cast<double>(op.head_dim); }
  template <typename Attrs>
  double operator()(const Attrs& op) const {
    if constexpr (requires { op.cols; }) return static_cast<double>(op.cols);
    return 1;
  }
};

bool is_attention(const OpAttrs& attrs) {
  return std::holds_alternative<Attention>(attrs) ||
         std::holds_alternative<AttentionBackward>(attrs);
}

class CalibratedCostModel final : public CostModel {
 public:
  explicit CalibratedCostModel(Calibration calibration) : calibration_(std::move(calibration)) {
    if (calibration_.copy_bandwidth.value <= 0)
      throw InputError(fmt::format("calibration {} has copy_bandwidth {}; expected a rate above 0",
                                   calibration_.name, calibration_.copy_bandwidth.value));
    for (const GemmPoint& point : calibration_.gemm) {
      gemm_[{point.dtype, point.layout, point.accumulate}].add(point);
      double& best = best_rate_[point.dtype];
      best = std::max(best, point.rate.value);
    }
    for (const PassPoint& point : calibration_.passes) passes_[{point.op, point.dtype}].add(point);
  }

  OpTime op_time(const StepProgram& program, const Op& op) const override {
    if (n_ranks_of(op.attrs) > 1) return collective_time(program, op);
    OpTime time = time_alone(program, op);
    const Seconds overhead = calibration_.op_overhead;
    if (program.n_ranks > 1) time.time = (time.time - overhead) * program.n_ranks + overhead;
    return time;
  }

  int n_devices(int) const override { return 1; }
  std::string device() const override { return calibration_.name; }
  Origin origin() const override { return Origin::calibrated; }
  Spread spread() const override { return calibrated_spread; }
  Bytes capacity() const override { return calibration_.memory; }
  Bytes overhead(Dtype compute) const override {
    const auto found = calibration_.process_overhead.find(compute);
    return found == calibration_.process_overhead.end() ? Bytes(0) : found->second;
  }

  FlopsPerSecond peak(Dtype compute) const override {
    const auto found = best_rate_.find(compute);
    if (found != best_rate_.end()) return FlopsPerSecond(found->second);
    throw InputError(
        fmt::format("calibration {} has no {} products; run `aforo calibrate` again or use another "
                    "--precision",
                    calibration_.name, name_of(compute)));
  }

 private:
  using GemmKey = std::tuple<Dtype, std::string, bool>;

  /// On all cores.
  OpTime time_alone(const StepProgram& program, const Op& op) const {
    if (const auto* gemm = std::get_if<Gemm>(&op.attrs)) return gemm_time(program, op, *gemm);
    const Cost cost = cost_of(program, op);
    const auto table = passes_.find({name_of(op), type_of(program, op)});
    if (table == passes_.end())
      return {Seconds(cost.bytes / calibration_.copy_bandwidth.value) + calibration_.op_overhead,
              "memory"};
    const double size = is_attention(op.attrs) ? cost.flops : cost.bytes;
    const double time = table->second.time(std::visit(Width{}, op.attrs), size);
    return {std::max(Seconds(time), calibration_.op_overhead),
            is_attention(op.attrs) ? "compute" : "memory"};
  }

  /// Each rank reads the operands of its group and writes its result; a sum that all get is copied
  /// once more.
  OpTime collective_time(const StepProgram& program, const Op& op) const {
    const auto bytes = [&](const Ids& ids) {
      return static_cast<double>(program.buffers[ids[0]].bytes().value);
    };
    const bool two_rounds = std::holds_alternative<AllReduce>(op.attrs);
    double moved = bytes(op.reads) + bytes(op.writes);
    if (std::holds_alternative<AllGather>(op.attrs)) moved = 2 * bytes(op.writes);
    if (two_rounds) moved += bytes(op.writes);
    const Seconds memory(program.n_ranks * moved / calibration_.copy_bandwidth.value);
    return {memory + thread_meeting * (two_rounds ? 3 : 2), "link"};
  }

  /// The type that decides a pass's speed: that of its first operand that is neither an index nor a
  /// scalar.
  static Dtype type_of(const StepProgram& program, const Op& op) {
    if (std::holds_alternative<EmbeddingBackward>(op.attrs))
      return program.buffers[op.reads[1]].dtype;
    if (std::holds_alternative<Embedding>(op.attrs)) return program.buffers[op.reads[1]].dtype;
    const Ids& ids = op.reads.empty() ? op.writes : op.reads;
    return program.buffers[ids[0]].dtype;
  }

  OpTime gemm_time(const StepProgram& program, const Op& op, const Gemm& gemm) const {
    const Dtype dtype = program.buffers[op.reads[0]].dtype;
    const std::string layout = gemm.trans_a ? "tn" : gemm.trans_b ? "nt" : "nn";
    auto table = gemm_.find({dtype, layout, gemm.accumulate});
    if (table == gemm_.end()) table = gemm_.find({dtype, layout, !gemm.accumulate});
    if (table == gemm_.end()) {
      const Cost cost = cost_of(program, op);
      return {Flops(cost.flops) / peak(dtype) + calibration_.op_overhead, "compute"};
    }
    const double rate = table->second.rate(gemm.m, gemm.n, gemm.k);
    const double flops = 2.0 * gemm.m * gemm.n * gemm.k;
    return {std::max(Seconds(flops / rate), calibration_.op_overhead), "compute"};
  }

  Calibration calibration_;
  std::map<GemmKey, GemmTable> gemm_;
  std::map<Dtype, double> best_rate_;
  std::map<std::pair<std::string_view, Dtype>, PassTable>
      passes_;  ///< names point into calibration_
};

}  // namespace

std::unique_ptr<CostModel> calibrated_cost_model(const Calibration& calibration) {
  return std::make_unique<CalibratedCostModel>(calibration);
}

}  // namespace aforo
