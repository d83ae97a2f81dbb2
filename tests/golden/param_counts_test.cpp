// Published parameter counts, to the last parameter. tests/golden/param_counts.csv has them; where
// a count was published is in the model's file.

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <sstream>

#include "planner/base/files.h"
#include "planner/base/numbers.h"
#include "planner/spec/model_file.h"

namespace aforo {
namespace {

std::map<std::string, std::int64_t> published_counts() {
  std::istringstream file(read_file(AFORO_SOURCE_DIR "/tests/golden/param_counts.csv"));
  std::map<std::string, std::int64_t> counts;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#") || line == "name,n_params") continue;
    const std::size_t comma = line.find(',');
    REQUIRE(comma != std::string::npos);
    const auto count = parse_integer(std::string_view(line).substr(comma + 1));
    REQUIRE_MESSAGE(count, line);
    REQUIRE_MESSAGE(counts.emplace(line.substr(0, comma), *count).second, line);
  }
  return counts;
}

}  // namespace

TEST_CASE("param counts: every published count is the count of its model, to the last parameter") {
  const auto counts = published_counts();
  // The 103 published ones, two of gpt-oss, and llama-3.1-8b, which has the shape of llama-3-8b.
  CHECK(counts.size() >= 106);
  for (const auto& entry : counts) {
    CAPTURE(entry.first);
    const ModelSpec model = find_model(entry.first);
    CHECK(model.n_params == entry.second);
    CHECK(count_parameters(model).total() == entry.second);
  }
}

TEST_CASE("param counts: every model that states n_params is among the published counts") {
  const auto counts = published_counts();
  for (const std::string& name : model_names())
    if (find_model(name).n_params) CHECK_MESSAGE(counts.contains(name), name);
}

TEST_CASE("param counts: active parameters, in the convention that each publisher uses") {
  const auto active = [](const char* name) { return count_active_parameters(find_model(name)); };
  const auto billions = [](std::int64_t count) { return static_cast<double>(count) / 1e9; };
  // A model registry counts 39,160,774,656 for mixtral-8x22b: all but 113 norms of 6,144.
  CHECK(active("mixtral-8x22b").with_embedding == 39'160'774'656 + 113 * 6144);
  // "37B activated" (arXiv 2412.19437); recounted from checkpoint headers in both conventions.
  CHECK(billions(active("deepseek-v3").with_embedding) == doctest::Approx(37.55).epsilon(2e-4));
  CHECK(billions(active("deepseek-v3").without_input_embedding) ==
        doctest::Approx(36.63).epsilon(2e-4));
  // arXiv 2508.10925, table 1, which counts the head but not the token table.
  CHECK(billions(active("gpt-oss-20b").without_input_embedding) ==
        doctest::Approx(3.61).epsilon(2e-3));
  CHECK(billions(active("gpt-oss-120b").without_input_embedding) ==
        doctest::Approx(5.13).epsilon(2e-3));
}

TEST_CASE("param counts: models of which only a rounded total is published come close to it") {
  struct Row {
    const char* model;
    double total, tolerance;
  };
  const Row rows[] = {
      {"falcon-40b", 40e9, 0.04},         // its name, which rounds down
      {"gpt3-175b", 174.6e9, 1e-3},       // arXiv 2005.14165, table D.1, in millions: 174,600
      {"grok-1", 314e9, 0.01},            // its repository
      {"llama-4-maverick", 400e9, 0.01},  // model card, with the vision part
      {"llama-4-scout", 109e9, 0.02},     // model card, with the vision part
      {"nemotron4-340b", 341e9, 1e-3},    // arXiv 2406.11704: 9.4 + 331.6
  };
  for (const Row& row : rows) {
    CAPTURE(row.model);
    CHECK(
        std::abs(static_cast<double>(count_parameters(find_model(row.model)).total()) / row.total -
                 1) <= row.tolerance);
  }
  const ParameterCount nemotron = count_parameters(find_model("nemotron4-340b"));
  const double tables = static_cast<double>(nemotron.embedding + nemotron.lm_head);
  CHECK(tables / 1e9 == doctest::Approx(9.4).epsilon(5e-3));
  CHECK((static_cast<double>(nemotron.total()) - tables) / 1e9 ==
        doctest::Approx(331.6).epsilon(5e-4));
}

TEST_CASE("param counts: learned positions make a model larger with its context") {
  // llm-foundry, scripts/train/benchmarking/README.md @8c8dd48, column NumParams.
  ModelSpec model = find_model("mpt-foundry-7b");
  const auto count_at = [&](int max_seq_len) {
    model.max_seq_len = max_seq_len;
    return count_parameters(model).total();
  };
  CHECK(count_at(2048) == 6'658'859'008);
  CHECK(count_at(4096) == 6'667'247'616);
  CHECK(count_at(65536) == 6'918'905'856);
  CHECK(count_parameters(find_model("mpt-foundry-70b")).total() == 64'862'437'376);
}

}  // namespace aforo
