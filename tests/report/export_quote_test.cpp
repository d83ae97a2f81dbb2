#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdio>
#include <memory>
#include <random>

#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"
#include "planner/report/export/quote.h"

using namespace aforo;

namespace {

const std::string awkward_texts[] = {"",
                                     "plain",
                                     "two words",
                                     "it's",
                                     "\"quoted\" \\ back",
                                     "$(touch pwned) `touch pwned` ${HOME}",
                                     "line\nsecond: line\r\n# third",
                                     "- item",
                                     "{a: b}, [c]",
                                     "!!python/object:os.system",
                                     "&anchor *alias %TAG",
                                     "no",
                                     "1e3",
                                     "-rf",
                                     "\x01\x1b[31m\x7f",
                                     "\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf",
                                     "caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x8c\x8d"};

/// What a shell makes of `word`.
std::string through_shell(const std::string& word) {
  const std::string command = "printf %s " + word;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string out;
  std::array<char, 256> part{};
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe.get()))
    out.append(part.data(), n);
  return out;
}

}  // namespace

TEST_CASE("export quote: a shell gives every text back as one word") {
  for (const std::string& text : awkward_texts) {
    CAPTURE(text);
    CHECK(through_shell(shell_word(text)) == text);
  }
  CHECK(shell_word("a-b_c./:=,@%+1") == "a-b_c./:=,@%+1");
  CHECK_THROWS_AS(shell_word(std::string("a\0b", 3)), InputError);
}

TEST_CASE("export quote: YAML gives every text back, from one line of ASCII") {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += static_cast<char>(random());
    if (static_cast<std::size_t>(i) < std::size(awkward_texts)) text = awkward_texts[i];
    const std::string quoted = double_quoted(text);
    for (const char c : quoted) CHECK((c >= 0x20 && c < 0x7f));
    CHECK(YAML::Load("key: " + quoted + "\nnext: 1")["key"].Scalar() == to_utf8(text));
  }
}

TEST_CASE("export quote: comments stay on their line") {
  for (const std::string& text : awkward_texts) {
    const std::string comment = comment_text(text);
    for (const char* end : {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"})
      CHECK(comment.find(end) == std::string::npos);
  }
  CHECK(comments(std::vector<std::string>{"a\nb", "c"}) == "# a b\n# c\n");
}

TEST_CASE("export quote: floating-point numbers have a point and read back exactly") {
  for (const double number : {0.0, 1.0, 1e-5, 3e-4, 1e-8, 0.1, 1e20, -2.5e-7, 123456.75}) {
    const std::string text = float_literal(number);
    CAPTURE(text);
    CHECK(text.find('.') != std::string::npos);
    CHECK(parse_number(text) == number);
  }
  CHECK(float_literal(1e-5) == "1.0e-05");
}

TEST_CASE("export quote: job names keep letters and digits only at their ends") {
  CHECK(plain_name("aforo-llama-3.1-8b") == "aforo-llama-3.1-8b");
  CHECK(plain_name("$(rm -rf /) x\n#SBATCH --exclusive") == "rm-rf-x-SBATCH-exclusive");
  CHECK(plain_name("\xe4\xb8\xad") == "job");
  CHECK(plain_name(std::string(500, 'a')).size() == 48);
  CHECK(plain_name("a_.") == "a");
}
