// Readers on broken input: whatever the bytes, an InputError or an answer.

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "planner/base/json_reader.h"
#include "planner/base/quantity.h"
#include "planner/base/yaml_reader.h"
#include "tests/base/mutate.h"

namespace aforo {
namespace {

constexpr const char* yaml_text =
    "# a comment\n"
    "name: \"some thing\"\n"
    "map: {a: 1, b: [x, 'y', 2.5e-3], c: {d: true}}\n"
    "block:\n"
    "  - first: 80 GB\n"
    "    second: |\n"
    "      text\n"
    "  - - 1\n"
    "    - >-\n"
    "      folded\n"
    "last: ~\n";

constexpr const char* json_text =
    R"({"name": "x\u00e9\n", "list": [1, -2.5e-3, true, null, {"a": []}], "deep": [[[[{}]]]], "n": 12})";

/// Visits every value, so that nothing is left unread.
void visit(const YamlNode& node) {
  if (node.is_map()) {
    for (const std::string& key : node.keys()) visit(node.at(key));
    node.finish();
  } else if (node.is_scalar()) {
    node.string();
  } else {
    for (const YamlNode& item : node.items()) visit(item);
  }
}

void visit(const JsonNode& node) {
  if (node.is_object()) {
    node.find("name");
    node.find("list");
    node.finish();
  }
  node.text();
}

}  // namespace

TEST_CASE("fuzz: a broken YAML file is an input error, never a crash") {
  test::check_mutations(yaml_text, 11, 4000, [](const std::string& text) {
    visit(YamlNode::load_text(text, "f.yaml"));
  });
}

TEST_CASE("fuzz: a broken JSON file is an input error, never a crash") {
  test::check_mutations(json_text, 12, 4000,
                        [](const std::string& text) { visit(JsonNode::parse(text, "f.json")); });
}

TEST_CASE("fuzz: random bytes are an input error in both readers") {
  std::mt19937_64 random(13);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (std::size_t n = random() % 64; n > 0; --n) bytes += static_cast<char>(random());
    try {
      visit(YamlNode::load_text(bytes, "f.yaml"));
    } catch (const InputError&) {
    }
    try {
      visit(JsonNode::parse(bytes, "f.json"));
    } catch (const InputError&) {
    }
  }
}

TEST_CASE("fuzz: quantities of random characters are refused or finite") {
  std::mt19937_64 random(14);
  constexpr std::string_view letters = "0123456789.eE+-_, kKMGTiB/sFLOPhdUW";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += letters[random() % letters.size()];
    if (const auto value = parse_count(text)) REQUIRE(std::isfinite(*value));
    if (const auto value = parse_bytes(text)) REQUIRE(value->value >= 0);
    if (const auto value = parse_seconds(text)) REQUIRE(std::isfinite(value->value));
  }
}

}  // namespace aforo
