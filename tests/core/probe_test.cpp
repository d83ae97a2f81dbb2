#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "planner/program/operands.h"
#include "runtime/core/probe_batches.h"
#include "tests/core/fake_backend.h"

using namespace aforo;

namespace {

std::vector<Probe> all_probes() {
  std::vector<Probe> probes;
  for (const ProbeGroup& group : probe_groups())
    probes.insert(probes.end(), group.probes.begin(), group.probes.end());
  return probes;
}

ProbeProgram apart(const std::vector<Probe>& probes, int copies) {
  return make_probe_program(probes, std::vector<int>(probes.size(), copies), cpu_target(),
                            ProbeLayout::apart, Bytes(0));
}

float value_of(const std::byte* bytes, Dtype dtype) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, bytes, static_cast<std::size_t>(size_of(dtype)));
  if (dtype == Dtype::bf16) return std::bit_cast<float>(bits << 16);
  if (dtype == Dtype::fp16) {
    const float mantissa = 1.0f + static_cast<float>(bits & 1023) / 1024.0f;
    return std::ldexp(mantissa, static_cast<int>(bits >> 10) - 15);
  }
  return std::bit_cast<float>(bits);
}

}  // namespace

TEST_CASE("probe: shares of the time add up to one") {
  double sum = 0;
  for (const ProbeGroup& group : probe_groups()) sum += group.share;
  CHECK(sum == doctest::Approx(1.0));
}

TEST_CASE("probe: every kind of op is timed, except those of several ranks and their sums") {
  std::set<std::size_t> kinds;
  for (const Probe& probe : all_probes()) kinds.insert(probe.attrs.index());
  const OpAttrs untimed[] = {AllGather{}, AllReduce{}, NormPartials{}, NormTotal{}, ReduceScatter{}};
  CHECK(kinds.size() == std::variant_size_v<OpAttrs> - std::size(untimed));
  for (const OpAttrs& attrs : untimed) CHECK_FALSE(kinds.contains(attrs.index()));
}

TEST_CASE("probe: every probe is an op that a program may hold") {
  for (const Probe& probe : all_probes()) {
    const ProbeProgram probes = apart({probe}, 2);
    CAPTURE(print(probes.program));
    CHECK_NOTHROW(verify(probes.program));
  }
}

TEST_CASE("probe: no two passes are timed at one point") {
  std::set<std::tuple<std::size_t, Dtype, double, std::int64_t>> points;
  for (const Probe& probe : all_probes()) {
    if (std::holds_alternative<Gemm>(probe.attrs)) continue;
    const ProbeProgram probes = apart({probe}, 1);
    const Cost cost = cost_of(probes.program, probes.program.ops.back());
    CAPTURE(print(probes.program));
    CHECK(points.insert({probe.attrs.index(), probe.dtype, cost.bytes, probe.width}).second);
  }
}

TEST_CASE("probe: copies of one op lie apart, and all others run between two of them") {
  const std::vector<Probe> probes = {{AdamW{100, 0.9f, 0.9f, 1e-8f, 0.1f, false}},
                                     {Fill{50, 0.0f}}};
  const std::vector<int> copies = {3, 2};
  const ProbeProgram result =
      make_probe_program(probes, copies, cpu_target(), ProbeLayout::apart, Bytes(0));
  CHECK(result.probe_of == std::vector<int>{0, 1, 0, 1, 0});
  std::set<std::int64_t> offsets;
  for (const Op& op : result.program.ops)
    CHECK(offsets.insert(result.program.memory.offsets[op.writes[0]]).second);
}

TEST_CASE("probe: operands that a step program shares are shared") {
  const auto shares = [](const Probe& probe, int read, int write) {
    const ProbeProgram probes = apart({probe}, 1);
    const Op& op = probes.program.ops.back();
    return op.reads[read] == op.writes[write];
  };
  CHECK(shares({AdamW{4, 0.9f, 0.9f, 1e-8f, 0.1f, false}}, 3, 2));
  CHECK(shares({Sgd{4, 0.9f, 0.1f, true, false}}, 4, 1));
  CHECK(shares({Gemm{2, 3, 4, true, false, false, true}}, 2, 0));
  CHECK(shares({CrossEntropy{2, 3, true, 1.0f}}, 0, 1));
  CHECK(shares({LayerNormBackward{2, 3, true, true, true, true}}, 5, 0));
  CHECK(shares({LayerNormBackward{2, 3, true, true, true, true}}, 7, 2));
  CHECK(shares({EmbeddingBackward{4, 2, 3, 5, true, 1.0f, true, true}}, 3, 1));
  CHECK_FALSE(shares({LayerNorm{2, 3, 1e-5f, true, true}}, 0, 0));
}

TEST_CASE("probe: what the op before writes in a step is written just before, and not timed") {
  for (const Dtype dtype : {Dtype::fp32, Dtype::bf16, Dtype::fp16}) {
    const ProbeProgram probes = apart({{Add{100}, dtype}, {Fill{50, 0.0f}}}, 2);
    CHECK(probes.probe_of == std::vector<int>{producer, 0, 1, producer, 0, 1});
    const Op& cast = probes.program.ops[0];
    REQUIRE(std::holds_alternative<Cast>(cast.attrs));
    CHECK(cast.writes[0] == probes.program.ops[1].reads[1]);
    CHECK(probes.program.buffers[cast.writes[0]].dtype == dtype);
    CHECK_NOTHROW(verify(probes.program));
  }
}

TEST_CASE("probe: batches hold every probe, exceed the caches, and are no larger than needed") {
  const std::vector<ProbeGroup> groups = probe_groups();
  std::size_t n_probes = 0, n_batched = 0;
  double share = 0;
  for (const ProbeGroup& group : groups) n_probes += group.probes.size();
  for (const ProbeBatch& batch : probe_batches(groups, Bytes(1024 * gibi))) {
    n_batched += batch.probes.size();
    share += batch.share;
    if (batch.layout == ProbeLayout::ring) continue;
    Bytes bytes;
    for (std::size_t i = 0; i < batch.probes.size(); ++i)
      bytes += operand_bytes(batch.probes[i]) * batch.copies[i];
    CHECK(bytes >= cold_bytes());
    CHECK(bytes < Bytes(512 * mebi));
  }
  CHECK(n_batched == n_probes);
  CHECK(share == doctest::Approx(1.0));
}

TEST_CASE("probe: what does not fit the memory is left out") {
  for (const ProbeBatch& batch : probe_batches(probe_groups(), Bytes(mebi)))
    for (const Probe& probe : batch.probes) CHECK(operand_bytes(probe) <= Bytes(mebi));
}

TEST_CASE("probe: a ring holds every operand, aligned, and reads never meet writes") {
  const std::vector<Probe> probes = {{Gemm{64, 32, 16, true, false, false, true}},
                                     {Gemm{100, 30, 50, true, false, false, true}},
                                     {Gemm{10, 200, 70, true, false, false, true}}};
  const ProbeProgram result = make_probe_program(probes, std::vector<int>{5, 5, 5}, cpu_target(),
                                                 ProbeLayout::ring, Bytes(20000));
  const StepProgram& program = result.program;
  std::int64_t last_read = 0, first_write = program.memory.arena.value;
  for (const Op& op : program.ops) {
    for (const BufferId id : {op.reads[0], op.reads[1], op.writes[0]}) {
      const std::int64_t offset = program.memory.offsets[id];
      CHECK(offset % 64 == 0);
      CHECK(offset + program.buffers[id].bytes().value <= program.memory.arena.value);
      if (id == op.writes[0]) {
        first_write = std::min(first_write, offset);
      } else {
        last_read = std::max(last_read, offset + program.buffers[id].bytes().value);
      }
    }
    CHECK(op.reads[2] == op.writes[0]);
  }
  CHECK(last_read <= first_write);
}

TEST_CASE("probe: operands are filled with numbers from 0.5 to 1.5, indices lie in their table") {
  const std::vector<Probe> probes = {{Add{70000}},
                                     {Add{100}, Dtype::bf16},
                                     {Add{100}, Dtype::fp16},
                                     {Embedding{1000, 10, 8, 37, false, 1.0f}}};
  const ProbeProgram result = apart(probes, 1);
  fake::Executor executor(result.program);
  fill_operands(executor, result.program);
  for (const int i : {1, 3, 5}) {  // behind their producers
    const BufferId id = result.program.ops[i].reads[1];
    const Dtype dtype = result.program.buffers[id].dtype;
    std::vector<std::byte> bytes(
        static_cast<std::size_t>(result.program.buffers[id].bytes().value));
    executor.read(id, bytes);
    float least = 2, most = 0;
    for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(size_of(dtype))) {
      least = std::min(least, value_of(bytes.data() + at, dtype));
      most = std::max(most, value_of(bytes.data() + at, dtype));
    }
    CHECK(least >= 0.5f);
    CHECK(most < 1.5f);
    CHECK(most - least > 0.9f);
  }
  std::set<std::int32_t> seen;
  for (const std::int32_t token : executor.values<std::int32_t>(result.program.ops[6].reads[0])) {
    CHECK(token >= 0);
    CHECK(token < 37);
    seen.insert(token);
  }
  CHECK(seen.size() == 37);  // 1000 draws miss one of 37 with probability 5e-11
  const std::vector<float> control = executor.values<float>(result.program.ports.control);
  CHECK(control[control::gradient_multiplier] == 1);
  CHECK(control[control::skip] == 0);
}
