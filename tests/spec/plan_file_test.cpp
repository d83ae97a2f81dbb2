#include "planner/spec/plan_file.h"

#include <doctest/doctest.h>

#include "tests/base/thrown.h"
#include "tests/spec/samples.h"

namespace aforo {
namespace {

/// A plan file with known contents.
std::string written() {
  test::Samples samples(61);
  PlanFile file = samples.plan_file();
  file.job.model.name = "tiny";
  file.job.model.n_layers = 2;
  file.plan.recompute = {Recompute::full, Recompute::none};
  file.plan.micro_batch_size = 4;
  file.job.optimizer.beta1 = 0.9;
  return write_plan_file(file);
}

std::string plan_error_with(const std::string& piece, const std::string& other) {
  std::string text = written();
  const std::size_t at = text.find(piece);
  REQUIRE(at != std::string::npos);
  text.replace(at, piece.size(), other);
  return test::input_error([&] { read_plan_text(text, "plan.yaml"); });
}

}  // namespace

TEST_CASE("plan file: reading what was written gives the same plan back, to the last digit") {
  test::Samples samples(62);
  for (int i = 0; i < 300; ++i) {
    const PlanFile file = samples.plan_file();
    REQUIRE(read_plan_text(write_plan_file(file), "plan.yaml") == file);
  }
}

TEST_CASE("plan file: an unknown price stays unknown") {
  test::Samples samples(63);
  PlanFile file = samples.plan_file();
  file.prediction.dollars = -1;
  CHECK(write_plan_file(file).find("dollars") == std::string::npos);
  CHECK(read_plan_text(write_plan_file(file), "plan.yaml").prediction.dollars == -1);
}

TEST_CASE("plan file: another version is refused with the way out") {
  CHECK(plan_error_with("version: 3", "version: 4") ==
        "plan.yaml:3:10: this plan has version \"4\", but this build reads version 3; run `aforo "
        "plan` again");
}

TEST_CASE("plan file: it is complete, so a missing key is refused rather than filled in") {
  const std::string text = written();
  int n_lines = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin) + 1;
    const std::string line = text.substr(begin, end - begin);
    std::string without = text;
    without.erase(begin, end - begin);
    begin = end;
    // Comments say nothing; these keys are optional; a list entry can go.
    const bool optional = line.starts_with("#") || line.starts_with("  -") ||
                          line.find("n_params") != std::string::npos ||
                          line.find("dollars") != std::string::npos ||
                          line.find("price_source") != std::string::npos ||
                          line.find("tie_embeddings") != std::string::npos ||
                          line.find("block:") != std::string::npos ||
                          line.find("lm_head_bias") != std::string::npos ||
                          line.find("embedding_") != std::string::npos;
    if (optional) continue;
    ++n_lines;
    CHECK_MESSAGE(!test::input_error([&] { read_plan_text(without, "plan.yaml"); }).empty(), line);
  }
  CHECK(n_lines > 30);
}

TEST_CASE("plan file: problems carry the place and both values") {
  CHECK(plan_error_with("micro_batch_size: 4", "micro_batch_size: 0")
            .find("plan.micro_batch_size is 0; expected 1 to 134217728") != std::string::npos);
  CHECK(plan_error_with("beta1: 0.9", "beta1: 1")
            .find("job.optimizer.beta1 is 1; expected less than 1") != std::string::npos);
  CHECK(plan_error_with("\"full x1, none x1\"", "\"full x1\"")
            .find("recompute is \"full x1\"; expected none, selective, full, \"every K\"") !=
        std::string::npos);
  CHECK(plan_error_with("plan:\n", "plan:\n  dq: 2\n")
            .find("unknown key \"dq\"; did you mean \"dp\"?") != std::string::npos);
}

TEST_CASE("plan file: sizes that multiply beyond 62 bits are refused when read, not when lowered") {
  std::string text = written();
  const auto set = [&](const std::string& key, const std::string& value) {
    const std::size_t at = text.find(key) + key.size();
    text.replace(at, text.find_first_of(" \n", at) - at, value);
  };
  set("  seq_len: ", "134217728");
  set("  micro_batch_size: ", "134217728");
  CHECK(test::input_error([&] {
          read_plan_text(text, "plan.yaml");
        }).find("a micro-step of tiny would need more than 2^62 bytes") != std::string::npos);
}

TEST_CASE("plan file: a path that is not UTF-8 is refused when written") {
  test::Samples samples(64);
  PlanFile file = samples.plan_file();
  file.job.data.path = "caf\xe9.txt";
  CHECK(test::input_error([&] { write_plan_file(file); }).find("is not UTF-8") !=
        std::string::npos);
}

}  // namespace aforo
