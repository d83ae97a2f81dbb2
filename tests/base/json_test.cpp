#include "planner/base/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "planner/base/error.h"
#include "planner/base/json_reader.h"
#include "tests/base/thrown.h"

namespace aforo {

TEST_CASE("json: keys stay in order, one a line when pretty, all on one line when not") {
  const auto write = [](bool pretty) {
    JsonWriter json(pretty);
    json.begin_object().field("b", 1).field("a", "x").key("list").begin_array().value(1).value(2);
    json.end_array().key("empty").begin_object().end_object().end_object();
    return json.text();
  };
  CHECK(write(false) == R"({"b": 1, "a": "x", "list": [1, 2], "empty": {}})");
  CHECK(write(true) ==
        "{\n  \"b\": 1,\n  \"a\": \"x\",\n  \"list\": [\n    1,\n    2\n  ],\n  \"empty\": {}\n}");
}

TEST_CASE("json: numbers are as short as they read back exactly") {
  JsonWriter json(false);
  json.begin_array().value(0.1).value(0.1f).value(1.0 / 3).value(1e6).value(-0.0).value(5.0);
  json.value(std::numeric_limits<std::uint64_t>::max())
      .value(std::numeric_limits<std::int64_t>::min());
  CHECK(json.end_array().text() ==
        "[0.1, 0.1, 0.3333333333333333, 1000000, -0, 5, 18446744073709551615, "
        "-9223372036854775808]");
}

TEST_CASE("json: what is no number is null, and so is what is not there") {
  JsonWriter json(false);
  json.begin_object().field("nan", std::nan("")).field("inf", -INFINITY);
  json.field("none", std::optional<int>()).field("some", std::optional<int>(3));
  CHECK(json.end_object().text() == R"({"nan": null, "inf": null, "none": null, "some": 3})");
}

TEST_CASE("json: misuse of the writer is an internal error") {
  CHECK_THROWS_AS(JsonWriter().begin_object().value(1), InternalError);
  CHECK_THROWS_AS(JsonWriter().key("a"), InternalError);
  CHECK_THROWS_AS(JsonWriter().begin_array().key("a"), InternalError);
  CHECK_THROWS_AS(JsonWriter().begin_object().key("a").key("b"), InternalError);
  CHECK_THROWS_AS(JsonWriter().begin_object().key("a").end_object(), InternalError);
  CHECK_THROWS_AS(JsonWriter().begin_array().end_object(), InternalError);
  CHECK_THROWS_AS(JsonWriter().end_array(), InternalError);
  CHECK_THROWS_AS(JsonWriter().value(1).value(2), InternalError);
}

TEST_CASE("json: what is written reads back as the same text and numbers") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += static_cast<char>(1 + random() % 127);
    const double number =
        std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 200) - 160);
    JsonWriter json(i % 2 == 0);
    json.begin_object().field("text", text).field("number", number).end_object();
    const JsonNode root = JsonNode::parse(json.text(), "t.json");
    REQUIRE(root.at("text").string() == text);
    // Boost.JSON reads decimal numbers to within one unit in the last place, not always to the
    // nearest.
    REQUIRE(std::abs(root.at("number").number() - number) <= 2.3e-16 * std::abs(number));
  }
}

TEST_CASE("json: bytes that are no UTF-8 are written as U+FFFD, so that the text stays JSON") {
  JsonWriter json(false);
  json.value("caf\xe9");
  CHECK(JsonNode::parse(json.text(), "t.json").string() == "caf\xef\xbf\xbd");
}

TEST_CASE("json: broken syntax is refused with file, line and column") {
  const auto error = [](const std::string& text) {
    return test::input_error([&] { JsonNode::parse(text, "c.json"); });
  };
  CHECK(error("{\"a\": 1,\n \"b\": }") == "c.json:2:7: not JSON: syntax error");
  CHECK(error("{} {}") == "c.json:1:4: not JSON: more follows the first value");
  CHECK(error("[1, 2") == "c.json:1:6: not JSON: the text ends too early");
  CHECK(error("") == "c.json:1:1: not JSON: the text ends too early");
  CHECK(error(std::string(100, '[')).find("too deep") != std::string::npos);
}

TEST_CASE("json: wrong types, missing and unknown keys are refused with the path of the value") {
  const JsonNode root = JsonNode::parse(
      R"({"a": {"b": "x"}, "n": 70000, "f": 1.5, "list": [1, true], "big": 9223372036854775808})",
      "c.json");
  const auto error = [](auto call) { return test::input_error(call); };
  CHECK(error([&] { root.at("a").at("b").integer(); }) ==
        "c.json: a.b is \"x\"; expected a whole number");
  CHECK(error([&] { root.at("n").integer(0, 65535); }) ==
        "c.json: n is 70000; expected 0 to 65535");
  CHECK(error([&] { root.at("big").integer(0); }) ==
        "c.json: big is 9223372036854775808; expected at least 0");
  CHECK(error([&] { root.at("f").integer(); }) == "c.json: f is 1.5; expected a whole number");
  CHECK(error([&] { root.at("list").items()[1].number(); }) ==
        "c.json: list[1] is true; expected a number");
  CHECK(error([&] { root.at("n").items(); }) == "c.json: n is 70000; expected a list");
  CHECK(error([&] { root.at("n").at("x"); }) == "c.json: n is 70000; expected an object");
  CHECK(error([&] { root.at("a").at("c"); }) == "c.json: key \"c\" is missing in a");
  const JsonNode other = JsonNode::parse(R"({"a": 1, "f": 2})", "c.json");
  other.at("a");
  CHECK(error([&] { other.finish(); }) == "c.json: unknown key \"f\"; did you mean \"a\"?");
}

TEST_CASE("json: null counts as absent, but is seen when asked for") {
  const JsonNode root = JsonNode::parse(R"({"a": null})", "c.json");
  CHECK_FALSE(root.find("a"));
  CHECK(root.has("a"));
  CHECK_FALSE(root.has("b"));
}

}  // namespace aforo
