// Published parameter counts, to the last parameter. tests/golden/param_counts.csv has them; where
// a count was published is in the model's file.

#include <doctest/doctest.h>

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
  CHECK(counts.size() >= 92);
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
