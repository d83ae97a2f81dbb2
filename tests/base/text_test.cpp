#include "planner/base/text.h"

#include <doctest/doctest.h>

#include <random>

#include "planner/base/yaml_reader.h"
#include "tests/base/thrown.h"

namespace aforo {

TEST_CASE("text: utf8_length accepts the bounds of each length and nothing beyond") {
  CHECK(utf8_length("a") == 1);
  CHECK(utf8_length("\xc2\x80") == 2);
  CHECK(utf8_length("\xe0\xa0\x80") == 3);
  CHECK(utf8_length("\xf4\x8f\xbf\xbf") == 4);
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("\x80") == 0);              // a continuation alone
  CHECK(utf8_length("\xc1\xbf") == 0);          // overlong
  CHECK(utf8_length("\xe0\x9f\xbf") == 0);      // overlong
  CHECK(utf8_length("\xed\xa0\x80") == 0);      // a surrogate
  CHECK(utf8_length("\xf4\x90\x80\x80") == 0);  // above U+10FFFF
  CHECK(utf8_length("\xe2\x82") == 0);          // cut off
}

TEST_CASE("text: to_utf8 replaces exactly the bytes that are none") {
  CHECK(to_utf8("a\xff"
                "b\xc3\xa9") ==
        "a\xef\xbf\xbd"
        "b\xc3\xa9");
}

TEST_CASE("text: shown is one line in quotes, and cuts long texts between characters") {
  CHECK(shown("a\"b\\c\n\t\x1b") == "\"a\\\"b\\\\c\\n\\x09\\x1b\"");
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xbc";
  CHECK(shown(umlauts) == '"' + umlauts.substr(0, 60) + "...\"");
}

TEST_CASE("text: yaml_scalar leaves plain words and quotes what readers could take otherwise") {
  CHECK(yaml_scalar("llama-2-7b") == "llama-2-7b");
  for (const char* text :
       {"", "1e5", "true", "No", "null", "~", "a: b", "- a", "a #b", "@x", "x y"})
    CHECK_MESSAGE(yaml_scalar(text).front() == '"', text);
}

TEST_CASE("text: yaml_scalar reads back as the same text, whatever it holds") {
  std::mt19937_64 random(2);
  constexpr std::string_view pieces[] = {"a",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\t",
                                         "\r",
                                         ": ",
                                         " #",
                                         "'",
                                         "{",
                                         "-",
                                         " ",
                                         "\x01",
                                         "\x04",
                                         "\x7f",
                                         "\xc2\x85",
                                         "\xe2\x80\xa8",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x92\xb8",
                                         "0",
                                         "~",
                                         "%",
                                         "*",
                                         "&"};
  for (int i = 0; i < 1000; ++i) {
    std::string text;
    for (std::size_t n = random() % 8; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const YamlNode root = YamlNode::load_text("key: " + yaml_scalar(text) + "\n", "t.yaml");
    REQUIRE(root.at("key").string() == text);
  }
}

TEST_CASE("text: yaml_scalar refuses what is not UTF-8, since YAML cannot hold it") {
  CHECK(test::input_error([] { yaml_scalar("caf\xe9"); }) ==
        "\"caf\xef\xbf\xbd\" is not UTF-8, which a YAML file must be; rename it");
}

}  // namespace aforo
