// Whole trainings: rows are read strictly, predictions come from inputs alone and say what they
// assume.

#include "planner/validate/whole_runs.h"

#include <doctest/doctest.h>

#include "tests/base/thrown.h"

using namespace aforo;
using namespace aforo::validate;

namespace {

constexpr const char* head = "model,date,params,tokens,gpu,gpu_count,gpu_hours,quality\n";

WholeRunPrediction whole_prediction(const std::string& row) {
  static const Catalogue catalogue = Catalogue::load();
  static const fast::Constants constants = fast::Constants::load();
  static std::vector<WholeRun> runs;
  runs = read_whole_runs(CsvTable::parse(head + row + "\n", "totals.csv"));
  return predict_whole_runs(runs, catalogue, constants).front();
}

}  // namespace

TEST_CASE("whole runs: hours are those of the fastest layout, whatever was published") {
  const auto hours = [](const char* published) {
    return whole_prediction(std::string("Llama-2-7B,2023-07,6.74e9,2e12,A100-80GB,256,") +
                            published + ",A")
        .hours;
  };
  CHECK(hours("184320") == hours("1"));
  // 6 N D at 312 TFLOP/s is 72,000 device-hours: no layout is faster, and half the peak is usual.
  CHECK(hours("184320") > 72000);
  CHECK(hours("184320") < 72000 / 0.4);
}

TEST_CASE("whole runs: a number of devices that is not stated is assumed and said") {
  const WholeRunPrediction p =
      whole_prediction("Llama-2-7B,2023-07,6.74e9,2e12,A100-80GB,,184320,A");
  CHECK(p.problem == "");
  REQUIRE(p.assumptions.size() == 1);
  CHECK(p.assumptions.front() == "gpu_count: 256");
  CHECK(whole_prediction("Llama-2-7B,2023-07,6.74e9,2e12,A100-80GB,64,184320,A").n_devices == 64);
}

TEST_CASE("whole runs: before 2023 attention was not fused") {
  const WholeRunPrediction p =
      whole_prediction("BLOOM-176B,2022-07,1.7625e11,3.66e11,A100-80GB,384,1082990,A");
  CHECK(p.layout.starts_with("megatron-2022: "));
}

TEST_CASE("whole runs: what cannot be predicted says why") {
  CHECK(whole_prediction("Llama-2-7B,,6.74e9,,A100-80GB,,184320,A").problem ==
        "tokens or device-hours are not stated");
  CHECK(
      whole_prediction("Nobody-9B,,9e9,1e12,A100-80GB,,1000,A").problem.find("no model of ours") !=
      std::string::npos);
  CHECK(whole_prediction("Llama-2-7B,,6.74e9,1e12,Abacus-3,,1000,A").problem.find("Abacus-3") !=
        std::string::npos);
}

TEST_CASE("whole runs: numbers that are none and missing columns are refused with file and line") {
  const auto error = [](const std::string& text) {
    return test::input_error([&] { read_whole_runs(CsvTable::parse(text, "totals.csv")); });
  };
  CHECK(error(std::string(head) + "m,d,x,1,g,,1,A\n") ==
        "totals.csv:2: params is \"x\"; expected a number above 0");
  CHECK(error(std::string(head) + "m,d,1,-1,g,,1,A\n").find("tokens is \"-1\"") !=
        std::string::npos);
  CHECK(error("model,tokens,gpu\nm,1,g\n") == "totals.csv:1: there is no column gpu_hours");
}
