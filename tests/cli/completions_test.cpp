// Completions as bash gives them, and manual pages as groff reads them.

#include <doctest/doctest.h>

#include <array>
#include <cstdio>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

/// Standard output and error of a shell command.
std::string shell(const std::string& command) {
  std::string out;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part;
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) out += part.data();
  pclose(pipe);
  return out;
}

/// What bash offers after these words.
std::string offered(const Aforo& aforo, const std::string& words) {
  const std::string script = aforo.folder.write(
      "try.bash",
      "source ./aforo.bash\nCOMP_WORDS=(" + words +
          ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_aforo\necho \"${COMPREPLY[*]}\"\n");
  return shell("cd '" + aforo.folder.path().string() + "' && bash try.bash");
}

}  // namespace

TEST_CASE("cli completions: bash offers commands, options, models and cards") {
  const Aforo aforo;
  const Answer script = aforo({"completions", "bash"});
  REQUIRE(script.code == 0);
  aforo.folder.write("aforo.bash", script.out);
  CHECK(offered(aforo, "aforo rep") == "report\n");
  CHECK(contains(offered(aforo, "aforo plan --glob"), "--global-batch-size"));
  CHECK(contains(offered(aforo, "aforo estimate --gpu h100-s"), "h100-sxm"));
  CHECK(offered(aforo, "aforo plan --model gpt2-x") == "gpt2-xl\n");
  CHECK(contains(offered(aforo, "aforo report ./aforo.b"), "aforo.bash"));
}

TEST_CASE("cli completions: every shell gets every command; others are refused") {
  const Aforo aforo;
  for (const char* name : {"bash", "zsh", "fish"}) {
    const Answer script = aforo({"completions", name});
    CHECK(script.code == 0);
    for (const char* command : {"plan", "report", "doctor"}) CHECK(contains(script.out, command));
  }
  const Answer refused = aforo({"completions", "tcsh"});
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "expected bash, zsh or fish"));
}

TEST_CASE("cli man: one page a command, without a warning of groff where it is installed") {
  const Aforo aforo;
  REQUIRE(aforo({"man", "-o", "man1"}).code == 0);
  const std::string page = aforo.folder.read("man1/aforo-plan.1");
  CHECK(contains(page, ".TH AFORO\\-PLAN 1"));
  CHECK(contains(page, "\\-\\-budget\\-usd"));
  CHECK(contains(page, "3 does not fit"));
  if (contains(shell("command -v groff || echo none"), "none")) return;
  CHECK(shell("cd '" + aforo.folder.path().string() + "' && groff -man -ww -z man1/*.1") == "");
}
