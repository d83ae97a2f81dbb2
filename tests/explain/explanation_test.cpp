// The whole answer: who runs what, what has no place, and that no verdict comes without numbers.

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "planner/report/explain_report.h"
#include "tests/explain/world.h"

using namespace aforo;
using explain::Row;
using explain::VerdictKind;
using test::Question;

namespace {

bool has_digit(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

explain::Explanation explained(const Question& question) {
  return explain::explain({question.baseline, question.world, {}});
}

}  // namespace

TEST_CASE("explain: every strategy has a name of its own, and what is claimed has a source") {
  std::set<std::string_view> names;
  for (const explain::Strategy& strategy : explain::strategies()) {
    CAPTURE(strategy.name);
    CHECK(names.insert(strategy.name).second);
    CHECK(strategy.claim.text.empty() == strategy.claim.source.empty());
    if (!strategy.claim.text.empty()) CHECK_FALSE(strategy.claim.caveat.empty());
  }
  CHECK(explain::find_strategy("zero3") != nullptr);
  CHECK(explain::find_strategy("zero4") == nullptr);
}

TEST_CASE("explain: nothing is said to hold, or not to, without numbers") {
  for (const auto& [model, card, n] :
       {std::tuple("gpt2", "v100", 1), std::tuple("llama-3.1-8b", "h100", 8),
        std::tuple("mixtral-8x7b", "mi300x", 16), std::tuple("qwen2.5-7b", "rtx-4090", 2)}) {
    const Question question(model, card, n, 1024);
    for (const Row& row : explained(question).rows) {
      CAPTURE(row.strategy->name);
      if (row.absent.empty()) {
        CHECK(row.verdict.kind != VerdictKind::undecided);
        CHECK(has_digit(row.verdict.text));
        CHECK(has_digit(row.time_limit));
      } else {
        CHECK(row.verdict.kind == VerdictKind::undecided);
        CHECK(row.verdict.text.empty());
      }
    }
  }
}

TEST_CASE("explain: strategies are run by the engines that have them") {
  const Question question("llama-3.1-8b", "h100", 8, 2048);
  CHECK(question.row("zero2").engine->name == "deepspeed");
  CHECK(question.row("fsdp").engine->name == "torch");
  CHECK(question.row("yafsdp").engine->name == "yafsdp");
  CHECK(question.row("yafsdp").effect.before.engine->name == "torch");
  CHECK(question.row("zero2").effect.before.engine->name == "deepspeed");
}

TEST_CASE("explain: the native runtime keeps what it can execute and says why it cannot the rest") {
  const Question question("gpt2", "rtx-4090", 1, 1024, 1, "native");
  CHECK(question.row("recompute_full").engine->name == "native");
  CHECK(question.row("recompute_full").native.empty());
  CHECK(question.row("fp8").native == "no fp8");
  CHECK(question.row("lora").native == "no adapters");
  CHECK(question.row("devices_x2").native == "one device only");
  CHECK(explain::default_engine(question.baseline) == "native");
  const Question experts("mixtral-8x7b", "h100", 1, 1024);
  CHECK(explain::default_engine(experts.baseline) == "torch");
}

TEST_CASE("explain: what a card or one device cannot do has no place, and the reason is given") {
  const Question question("gpt2", "v100", 1, 1024);
  CHECK(question.row("fp8").absent == "v100-sxm-16 has no fp8");
  CHECK(question.row("bf16_over_tf32").absent == "v100-sxm-16 has no tf32");
  CHECK_FALSE(question.row("zero3").absent.empty());
  CHECK(question.row("zero3").engine == nullptr);
}

TEST_CASE("explain: the best plan fits, and without what it needs it is slower or does not fit") {
  const Question question("llama-3.1-8b", "h100", 8, 2048);
  const explain::Explanation e = explained(question);
  REQUIRE(e.best);
  CHECK(e.best_outcome.fits);
  CHECK(e.anything_fits);
  CHECK_FALSE(e.outcome.fits);  // 16 bytes x 8.03e9 on each of the devices
  int removed = 0;
  for (const Row& row : e.rows) {
    if (!row.removal) continue;
    ++removed;
    CAPTURE(row.strategy->name);
    CHECK((row.removal->slower > 0.99 || !row.removal->without.fits));
  }
  CHECK(removed > 0);
}

TEST_CASE("explain: a job that nothing makes fit is told so") {
  const Question question("gpt3-175b", "t4", 1, 1024);
  const explain::Explanation e = explained(question);
  CHECK_FALSE(e.anything_fits);
  CHECK_FALSE(e.best);
  CHECK(e.least_memory > e.outcome.capacity_bytes);
}

TEST_CASE("explain report: no line is wider than 100 columns") {
  const Question question("llama-3.1-8b", "h100", 16, 8192);
  const DeviceLine device{.name = "h100-sxm", .count = 16};
  const std::string text = explain_text(explained(question), question.job, device);
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    CHECK(end - begin <= 100);
}

TEST_CASE("wrapped: lines break at spaces, and numbers stay with their units") {
  CHECK(wrapped("one two three", 7, 2) == "one two\n  three");
  CHECK(wrapped("memory -12 % more", 10, 0) == "memory\n-12 % more");
  CHECK(wrapped("unbroken", 3, 0) == "unbroken");
}
