#include <fmt/format.h>

#include <iterator>

#include "planner/base/quantity.h"
#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"

namespace aforo {
namespace {

constexpr std::int64_t most_measured = std::int64_t{1} << 40;

GemmPoint read_gemm(const YamlNode& node) {
  GemmPoint point;
  point.dtype = node.at("dtype").enumeration<Dtype>();
  point.layout = node.at("layout").choice({"nn", "nt", "tn"});
  if (const auto accumulate = node.find("accumulate")) point.accumulate = accumulate->boolean();
  point.m = node.at("m").integer(1, most_measured);
  point.n = node.at("n").integer(1, most_measured);
  point.k = node.at("k").integer(1, most_measured);
  point.rate = node.at("rate").above_zero(&YamlNode::flops_rate);
  node.finish();
  return point;
}

PassPoint read_pass(const YamlNode& node) {
  PassPoint point;
  point.op = node.at("op").string();
  point.dtype = node.at("dtype").enumeration<Dtype>();
  point.size = node.at("size").number(1, 1e18);
  point.width = node.at("width").integer(1, most_measured);
  point.time = node.at("time").above_zero(&YamlNode::seconds);
  node.finish();
  return point;
}

std::map<Dtype, Bytes> read_process_overhead(const YamlNode& node) {
  std::map<Dtype, Bytes> overhead;
  for (Dtype dtype : {Dtype::fp32, Dtype::bf16, Dtype::fp16})
    if (const auto bytes = node.find(std::string(name_of(dtype)))) overhead[dtype] = bytes->bytes();
  node.finish();
  return overhead;
}

std::string write_process_overhead(const Calibration& c) {
  std::string out = "{";
  for (const auto& [dtype, bytes] : c.process_overhead)
    out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", name_of(dtype), write_bytes(bytes));
  return out + "}";
}

}  // namespace

Calibration read_calibration(const YamlNode& node) {
  Calibration c;
  c.name = node.at("name").string();
  c.date = node.at("date").string();
  c.device = node.at("device").string();
  c.backend = node.at("backend").string();
  c.n_threads = static_cast<int>(node.at("n_threads").integer(1, 100000));
  c.memory = node.at("memory").above_zero(&YamlNode::bytes);
  c.process_overhead = read_process_overhead(node.at("process_overhead"));
  c.copy_bandwidth = node.at("copy_bandwidth").above_zero(&YamlNode::bandwidth);
  c.op_overhead = node.at("op_overhead").seconds();
  for (const YamlNode& item : node.at("gemm").items()) c.gemm.push_back(read_gemm(item));
  for (const YamlNode& item : node.at("passes").items()) c.passes.push_back(read_pass(item));
  node.finish();
  return c;
}

std::string write_calibration(const Calibration& c) {
  std::string out =
      "# Measured by `aforo calibrate` on the machine named below; every figure is the median of "
      "several runs.\n";
  const auto line = [&](std::string_view key, const auto& value, std::string_view comment = "") {
    out += fmt::format("{}: {}{}\n", key, value, comment);
  };
  line("name", yaml_scalar(c.name));
  line("date", yaml_scalar(c.date));
  line("device", yaml_scalar(c.device));
  line("backend", yaml_scalar(c.backend));
  line("n_threads", c.n_threads);
  line("memory", write_bytes(c.memory), "   # that a program may use");
  line("process_overhead", write_process_overhead(c), "   # beside the arena, by compute type");
  line("copy_bandwidth", write_bandwidth(c.copy_bandwidth), "   # read + write counted");
  line("op_overhead", write_seconds(c.op_overhead), "   # of the executor, per op");
  out += "# C[m,n] = op(A) op(B); t marks a transposed operand\n";
  out += c.gemm.empty() ? "gemm: []\n" : "gemm:\n";
  for (const GemmPoint& p : c.gemm)
    fmt::format_to(std::back_inserter(out),
                   "  - {{dtype: {}, layout: {}, accumulate: {}, m: {}, n: {}, k: {}, rate: {}}}\n",
                   enum_name(p.dtype), p.layout, p.accumulate, p.m, p.n, p.k,
                   write_flops_rate(p.rate));
  out += "# size: declared bytes of the op (attention: FLOPs)\n";
  out += c.passes.empty() ? "passes: []\n" : "passes:\n";
  for (const PassPoint& p : c.passes)
    fmt::format_to(std::back_inserter(out),
                   "  - {{op: {}, dtype: {}, size: {}, width: {}, time: {}}}\n", yaml_scalar(p.op),
                   enum_name(p.dtype), p.size, p.width, write_seconds(p.time));
  return out;
}

}  // namespace aforo
