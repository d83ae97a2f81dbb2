#include <fmt/format.h>

#include <iterator>

#include "planner/base/quantity.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"

namespace aforo {
namespace {

constexpr std::int64_t most = std::int64_t{1} << 40;

GemmPoint read_gemm(const YamlNode& node) {
  GemmPoint point;
  point.dtype = node.at("dtype").enumeration<Dtype>();
  const YamlNode layout = node.at("layout");
  point.layout = layout.string();
  if (point.layout != "nn" && point.layout != "nt" && point.layout != "tn")
    layout.fail(fmt::format("layout is \"{}\"; expected nn, nt or tn", point.layout));
  if (const auto accumulate = node.find("accumulate")) point.accumulate = accumulate->boolean();
  point.m = node.at("m").integer(1, most);
  point.n = node.at("n").integer(1, most);
  point.k = node.at("k").integer(1, most);
  point.rate = node.at("rate").flops_rate();
  if (point.rate.value <= 0) node.at("rate").fail("rate must be above 0");
  node.finish();
  return point;
}

PassPoint read_pass(const YamlNode& node) {
  PassPoint point;
  point.op = node.at("op").string();
  point.dtype = node.at("dtype").enumeration<Dtype>();
  point.size = node.at("size").number(1, 1e18);
  point.width = node.at("width").integer(1, most);
  point.time = node.at("time").seconds();
  if (point.time.value <= 0) node.at("time").fail("time must be above 0");
  node.finish();
  return point;
}

}  // namespace

Calibration read_calibration(const YamlNode& node) {
  Calibration c;
  c.name = node.at("name").string();
  c.date = node.at("date").string();
  c.device = node.at("device").string();
  c.backend = node.at("backend").string();
  c.n_threads = static_cast<int>(node.at("n_threads").integer(1, 100000));
  c.memory = node.at("memory").bytes();
  c.process_overhead = node.at("process_overhead").bytes();
  c.copy_bandwidth = node.at("copy_bandwidth").bandwidth();
  c.op_overhead = node.at("op_overhead").seconds();
  for (const YamlNode& item : node.at("gemm").items()) c.gemm.push_back(read_gemm(item));
  for (const YamlNode& item : node.at("passes").items()) c.passes.push_back(read_pass(item));
  node.finish();
  return c;
}

std::string write_calibration(const Calibration& c) {
  std::string out = fmt::format(
      "# Measured by `aforo calibrate` on the machine named below; every figure is the median of "
      "several runs.\n"
      "name: {}\ndate: \"{}\"\ndevice: \"{}\"\nbackend: \"{}\"\nn_threads: {}\nmemory: "
      "{}\nprocess_overhead: {}\n"
      "copy_bandwidth: {}   # read + write counted\nop_overhead: {}\n",
      c.name, c.date, c.device, c.backend, c.n_threads, write_bytes(c.memory),
      write_bytes(c.process_overhead), write_bandwidth(c.copy_bandwidth),
      write_seconds(c.op_overhead));
  out += "# C[m,n] = op(A) op(B); t marks a transposed operand\ngemm:\n";
  for (const GemmPoint& p : c.gemm)
    fmt::format_to(std::back_inserter(out),
                   "  - {{dtype: {}, layout: {}, accumulate: {}, m: {}, n: {}, k: {}, rate: {}}}\n",
                   enum_name(p.dtype), p.layout, p.accumulate, p.m, p.n, p.k,
                   write_flops_rate(p.rate));
  out += "# size: declared bytes of the op (attention: FLOPs)\npasses:\n";
  for (const PassPoint& p : c.passes)
    fmt::format_to(std::back_inserter(out),
                   "  - {{op: {}, dtype: {}, size: {}, width: {}, time: {}}}\n", p.op,
                   enum_name(p.dtype), p.size, p.width, write_seconds(p.time));
  return out;
}

}  // namespace aforo
