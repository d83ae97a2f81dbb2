#include "planner/base/yaml_reader.h"

#include <doctest/doctest.h>

#include "tests/base/thrown.h"

namespace aforo {
namespace {

enum class Colour { red, green };

YamlNode load(const std::string& text) { return YamlNode::load_text(text, "a.yaml"); }

/// What reading `text` says when `read` is applied to its root.
template <typename Read>
std::string error_of(const std::string& text, Read read) {
  return test::input_error([&] { read(load(text)); });
}

std::string load_error(const std::string& text) {
  return test::input_error([&] { load(text); });
}

}  // namespace

template <>
struct EnumNames<Colour> {
  static constexpr EnumName<Colour> table[] = {{Colour::red, "red"}, {Colour::green, "green"}};
};

TEST_CASE("yaml: values of every type are read with their places") {
  const YamlNode root = load(
      "name: x\nflag: true\ncount: -3\nratio: 1.5e-3\nmemory: 80 GB\nlist: [1, 2]\nmap: {a: 1}\n"
      "colour: green\nday: 2026-08-23\nseed: 18446744073709551615\n");
  CHECK(root.at("name").string() == "x");
  CHECK(root.at("flag").boolean());
  CHECK(root.at("count").integer() == -3);
  CHECK(root.at("ratio").number(0, 1) == 1.5e-3);
  CHECK(root.at("memory").bytes() == Bytes(80'000'000'000));
  CHECK(root.at("list").items().size() == 2);
  CHECK(root.at("list").items()[1].integer() == 2);
  CHECK(root.at("map").at("a").place() == "a.yaml:7:10");
  CHECK(root.at("map").at("a").path() == "map.a");
  CHECK(root.at("colour").enumeration<Colour>() == Colour::green);
  CHECK(root.at("day").date() == "2026-08-23");
  CHECK(root.at("seed").natural() == 18446744073709551615u);
  CHECK_FALSE(root.find("absent"));
  root.finish();
}

TEST_CASE("yaml: a size without a unit is refused with file, line and column") {
  CHECK(error_of("name: x\nmemory: 141\n", [](const YamlNode& n) { n.at("memory").bytes(); }) ==
        "a.yaml:2:9: memory is \"141\"; expected a size with a unit, such as \"141 GB\" or "
        "\"131 GiB\"");
}

TEST_CASE("yaml: wrong types and ranges are refused with what was expected") {
  const auto at_a = [](auto read) { return [read](const YamlNode& n) { read(n.at("a")); }; };
  CHECK(error_of("a: yes", at_a([](const YamlNode& n) { n.boolean(); })) ==
        "a.yaml:1:4: a is \"yes\"; expected true or false");
  CHECK(error_of("a: 1.5", at_a([](const YamlNode& n) { n.integer(); })) ==
        "a.yaml:1:4: a is \"1.5\"; expected a whole number");
  CHECK(error_of("a: 9", at_a([](const YamlNode& n) { n.integer(1, 8); })) ==
        "a.yaml:1:4: a is 9; expected 1 to 8");
  CHECK(error_of("a: 0", at_a([](const YamlNode& n) { n.integer(1); })) ==
        "a.yaml:1:4: a is 0; expected at least 1");
  CHECK(error_of("a: -1", at_a([](const YamlNode& n) { n.natural(); })) ==
        "a.yaml:1:4: a is \"-1\"; expected a whole number from 0 to 2^64 - 1");
  CHECK(error_of("a: nan", at_a([](const YamlNode& n) { n.number(0, 1); })) ==
        "a.yaml:1:4: a is \"nan\"; expected a number");
  CHECK(error_of("a: 1e400", at_a([](const YamlNode& n) { n.number(0, 1); })) ==
        "a.yaml:1:4: a is \"1e400\"; expected a number");
  CHECK(error_of("a: 2", at_a([](const YamlNode& n) { n.number(0, 1.5); })) ==
        "a.yaml:1:4: a is 2; expected 0 to 1.5");
  CHECK(error_of("a: 2026-13-01", at_a([](const YamlNode& n) { n.date(); })) ==
        "a.yaml:1:4: a is \"2026-13-01\"; expected a date such as 2026-08-23");
  CHECK(error_of("a: [1]", at_a([](const YamlNode& n) { n.string(); })) ==
        "a.yaml:1:4: a must be a single value");
  CHECK(
      error_of("a:\nb: 1", at_a([](const YamlNode& n) { n.string(); })) ==
      "a.yaml:2:1: a has no value");  // yaml-cpp places a missing value where the next token begins
  CHECK(error_of("a: 1", at_a([](const YamlNode& n) { n.items(); })) ==
        "a.yaml:1:4: a must be a list");
  CHECK(error_of("a: 1", at_a([](const YamlNode& n) { n.at("b"); })) ==
        "a.yaml:1:4: a must be a map of keys and values");
}

TEST_CASE(
    "yaml: a word that is none of the allowed ones is refused with the list and the nearest") {
  CHECK(error_of("a: gren", [](const YamlNode& n) { n.at("a").enumeration<Colour>(); }) ==
        "a.yaml:1:4: a is \"gren\"; expected red, green; did you mean green?");
  CHECK(error_of("a: blue", [](const YamlNode& n) {
          n.at("a").choice({"nn", "nt"});
        }) == "a.yaml:1:4: a is \"blue\"; expected nn, nt");
}

TEST_CASE("yaml: a key that nobody asked for is refused, and the nearest is named") {
  CHECK(error_of("name: x\nn_layer: 3\n", [](const YamlNode& n) {
          n.at("name");
          n.find("n_layers");
          n.finish();
        }) == "a.yaml:2:1: unknown key \"n_layer\"; did you mean \"n_layers\"?");
  CHECK(error_of("zzz: x\n", [](const YamlNode& n) {
          n.find("b");
          n.find("a");
          n.finish();
        }) == "a.yaml:1:1: unknown key \"zzz\"; the keys here are a, b");
}

TEST_CASE("yaml: a missing key is named with its map, and with what may stand for it") {
  CHECK(error_of("m: {b: 1}", [](const YamlNode& n) { n.at("m").at("a"); }) ==
        "a.yaml:1:5: key \"a\" is missing in m; is \"b\" meant?");
  CHECK(error_of("d_model: 8\nn_layer: 1", [](const YamlNode& n) { n.at("n_layers"); }) ==
        "a.yaml:2:1: key \"n_layers\" is missing; is \"n_layer\" meant?");
  CHECK(error_of("other: 1", [](const YamlNode& n) { n.at("n_layers"); }) ==
        "a.yaml:1:1: key \"n_layers\" is missing");
}

TEST_CASE("yaml: what yaml-cpp would let pass is refused") {
  CHECK(load_error("a: 1\nb: 2\na: 3\n") == "a.yaml:3:1: key \"a\" appears twice");
  CHECK(load_error("m: {a: 1, \"a\": 2}\n") == "a.yaml:1:11: key \"a\" appears twice");
  CHECK(load_error("a: &x [1]\nb: *x\n") ==
        "a.yaml:2:4: aliases are not supported; write the value out");
  CHECK(load_error("a: !!str 1\n") ==
        "a.yaml:1:4: tags are not supported; remove \"tag:yaml.org,2002:str\"");
  CHECK(load_error("? [a]\n: 1\n") == "a.yaml:1:3: a key must be a plain word");
  CHECK(load_error("a: 1\n---\nb: 2\n") == "a.yaml: more than one document (a line ---)");
  CHECK(load_error("a: 1\nb: x\x04y\n") ==
        "a.yaml:2:5: byte 0x04 is no text; a YAML file is UTF-8");
  CHECK(load_error("a: caf\xe9\n") == "a.yaml:1:7: byte 0xe9 is no text; a YAML file is UTF-8");
}

TEST_CASE("yaml: empty files, bare lists and broken syntax are refused with a place") {
  CHECK(load_error("") == "a.yaml: the file is empty");
  CHECK(load_error("# only a comment\n") == "a.yaml: the file is empty");
  CHECK(load_error("- 1\n- 2\n") == "a.yaml:1:1: expected a map of keys and values");
  CHECK(load_error("a: [1, 2\n").starts_with("a.yaml:"));
  CHECK(load_error("a: \"x").starts_with("a.yaml:"));
}

TEST_CASE("yaml: a quote that is never closed is refused, not taken to the end of the file") {
  CHECK(load_error("b: 1\na: \"x\nc: 2\n") == "a.yaml:2:4: this quote is never closed");
  CHECK(load_error("a: 'it''s\nc: 2\n") == "a.yaml:1:4: this quote is never closed");
  CHECK(load_error("\xef\xbb\xbf"
                   "a: \"x\\\"\n\n") == "a.yaml:1:4: this quote is never closed");
  CHECK(load_error("b: \xc3\xa9\r\nc: \xe2\x82\xac # \xc3\xa9\r\na: \"x\r\n") ==
        "a.yaml:3:4: this quote is never closed");
  CHECK_NOTHROW(load("b: \"\xe2\x82\xac\"\r\nc: '\xc3\xa9'\r\nd: \"\"\r\n"));
  CHECK_NOTHROW(load("a: \"x\\\" y\n  z\"\nb: 'it''s'\nc: \"\\\\\"\n\"d\": ''\n"));
}

TEST_CASE("yaml: deep nesting is refused before anything recurses into it") {
  std::string deep = "a: ";
  deep += std::string(400, '[') + std::string(400, ']');
  CHECK(load_error(deep).find("nested deeper than 32 levels") != std::string::npos);
  std::string fits = "a: " + std::string(31, '[') + std::string(31, ']');
  CHECK_NOTHROW(load(fits));
}

TEST_CASE("yaml: long values are cut in messages, and control characters shown as numbers") {
  const std::string message =
      error_of("a: " + std::string(1000, 'x'), [](const YamlNode& n) { n.at("a").boolean(); });
  CHECK(message == "a.yaml:1:4: a is \"" + std::string(60, 'x') + "...\"; expected true or false");
  CHECK(error_of("a: \"\\e[2J\"", [](const YamlNode& n) { n.at("a").boolean(); }) ==
        "a.yaml:1:4: a is \"\\x1b[2J\"; expected true or false");
}

TEST_CASE("yaml: a file that cannot be read is refused with path and reason") {
  CHECK(test::input_error([] { YamlNode::load_file("no/such.yaml"); }) ==
        "no/such.yaml: cannot read: No such file or directory");
}

}  // namespace aforo
