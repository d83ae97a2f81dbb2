#include <doctest/doctest.h>

#include <cmath>
#include <tuple>

#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"
#include "tests/base/thrown.h"
#include "tests/spec/samples.h"

namespace aforo {
namespace {

Calibration random_calibration(test::Samples& samples) {
  Calibration c;
  c.name = samples.text();
  c.date = samples.text();
  c.device = samples.text();
  c.backend = samples.text();
  c.n_threads = samples.between(1, 256);
  c.memory = Bytes(std::int64_t{samples.between(1, 1 << 30)} * samples.between(1, 1 << 10));
  for (Dtype dtype : {Dtype::fp32, Dtype::bf16, Dtype::fp16})
    c.process_overhead[dtype] = Bytes(samples.between(0, 1 << 30));
  c.copy_bandwidth = BytesPerSecond(samples.real(1e8, 1e12));
  c.op_overhead = Seconds(samples.real(1e-9, 1e-3));
  for (int n = samples.between(0, 5); n > 0; --n)
    c.gemm.push_back({samples.one_of({Dtype::fp32, Dtype::bf16}),
                      samples.one_of({"nn", "nt", "tn"}), samples.flip(),
                      samples.between(1, 1 << 30), samples.between(1, 1 << 30),
                      samples.between(1, 1 << 30), FlopsPerSecond(samples.real(1e6, 1e15))});
  for (int n = samples.between(0, 5); n > 0; --n)
    c.passes.push_back({"rms_norm", samples.one_of({Dtype::fp32, Dtype::fp16}),
                        samples.real(1, 1e15), samples.between(1, 1 << 30),
                        Seconds(samples.real(1e-9, 10))});
  return c;
}

/// Rates and times are written with seven digits.
bool close(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

constexpr const char* shortest_calibration =
    "name: x\ndate: \"2026-08-23\"\ndevice: cpu\nbackend: cpu\nn_threads: 2\nmemory: 8 GiB\n"
    "process_overhead: {fp32: 20 MiB}\ncopy_bandwidth: 10 GB/s\nop_overhead: 1 us\n"
    "gemm:\n  - {dtype: fp32, layout: nt, m: 1, n: 2, k: 3, rate: 4 GFLOP/s}\n"
    "passes:\n  - {op: add, dtype: fp32, size: 100, width: 1, time: 5 us}\n";

std::string calibration_error_with(const std::string& piece, const std::string& other) {
  std::string text = shortest_calibration;
  text.replace(text.find(piece), piece.size(), other);
  return test::input_error([&] { read_calibration(YamlNode::load_text(text, "c.yaml")); });
}

}  // namespace

TEST_CASE(
    "calibration: reading what was written gives names, sizes and shapes back, rates within 1e-6") {
  test::Samples samples(41);
  for (int i = 0; i < 300; ++i) {
    const Calibration want = random_calibration(samples);
    const Calibration got =
        read_calibration(YamlNode::load_text(write_calibration(want), "c.yaml"));
    REQUIRE(got.name == want.name);
    REQUIRE(got.date == want.date);
    REQUIRE(got.device == want.device);
    REQUIRE(got.backend == want.backend);
    REQUIRE(got.n_threads == want.n_threads);
    REQUIRE(got.memory == want.memory);
    REQUIRE(got.process_overhead == want.process_overhead);
    REQUIRE(close(got.copy_bandwidth.value, want.copy_bandwidth.value));
    REQUIRE(close(got.op_overhead.value, want.op_overhead.value));
    REQUIRE(got.gemm.size() == want.gemm.size());
    for (std::size_t p = 0; p < want.gemm.size(); ++p) {
      const GemmPoint &a = got.gemm[p], &b = want.gemm[p];
      REQUIRE(std::tie(a.dtype, a.layout, a.accumulate, a.m, a.n, a.k) ==
              std::tie(b.dtype, b.layout, b.accumulate, b.m, b.n, b.k));
      REQUIRE(close(a.rate.value, b.rate.value));
    }
    REQUIRE(got.passes.size() == want.passes.size());
    for (std::size_t p = 0; p < want.passes.size(); ++p) {
      const PassPoint &a = got.passes[p], &b = want.passes[p];
      REQUIRE(std::tie(a.op, a.dtype, a.size, a.width) == std::tie(b.op, b.dtype, b.size, b.width));
      REQUIRE(close(a.time.value, b.time.value));
    }
  }
}

TEST_CASE("calibration: what nothing can be divided by is refused") {
  CHECK(calibration_error_with("rate: 4 GFLOP/s", "rate: 0 FLOP/s") ==
        "c.yaml:11:55: gemm[0].rate is \"0 FLOP/s\"; expected more than 0");
  CHECK(calibration_error_with("time: 5 us", "time: 0 us") ==
        "c.yaml:13:55: passes[0].time is \"0 us\"; expected more than 0");
  CHECK(calibration_error_with("copy_bandwidth: 10 GB/s", "copy_bandwidth: 0 GB/s") ==
        "c.yaml:8:17: copy_bandwidth is \"0 GB/s\"; expected more than 0");
}

TEST_CASE("calibration: an unknown layout or type is refused with the list") {
  CHECK(calibration_error_with("layout: nt", "layout: tt") ==
        "c.yaml:11:27: gemm[0].layout is \"tt\"; expected nn, nt, tn; did you mean nt?");
  CHECK(calibration_error_with("dtype: fp32, size", "dtype: fp33, size") ==
        "c.yaml:13:22: passes[0].dtype is \"fp33\"; expected fp64, fp32, bf16, fp16, int32; did "
        "you mean fp32?");
}

}  // namespace aforo
