// Choice, front and trade-offs on a small catalogue; bounds that let rows be left out.

#include "planner/scenarios/compare.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "planner/spec/hardware_file.h"
#include "tests/scenarios/world.h"
#include "tests/support/text.h"

namespace aforo::scenarios {
namespace {

const std::string small_job = "model: gpt2\nseq_len: 1024\ntokens: 100M\nglobal_batch_size: 32\n";

/// A world with few offers: cards of very different speed and price.
World small_world(const std::vector<Offer>& offers) {
  World world = test::shipped_world();
  world.catalogue = {};
  world.catalogue.prices = {"2026-08-23", offers};
  return world;
}

Offer rental(const std::string& provider, const std::string& card, int count,
             const std::string& kind, double usd) {
  Offer offer{provider, "any", card, kind, "2026-08-23", "page", ""};
  offer.count = count;
  offer.price = DollarsPerHour(usd);
  return offer;
}

std::vector<Offer> few_offers() {
  return {
      rental("a", "rtx-3090", 1, "community", 0.2), rental("b", "rtx-4090", 1, "community", 0.4),
      rental("c", "h100-sxm", 1, "on_demand", 2.5), rental("c", "h100-sxm", 8, "on_demand", 20),
      rental("d", "h100-sxm", 1, "spot", 1.0),      rental("e", "l4", 1, "on_demand", 0.7),
      rental("f", "h100-sxm", 8, "reserved", 1)};
}

std::vector<std::string> providers(const Answer& answer) {
  std::vector<std::string> names;
  for (const Row& row : answer.rows) names.push_back(row.option.offer.provider);
  return names;
}

}  // namespace

TEST_CASE(
    "compare: the cheapest within the deadline is chosen, the fastest where time comes first") {
  const World world = small_world(few_offers());
  const Scenario money = test::scenario(small_job + "gpus: rent:any\nspot: never\n");
  const Answer cheap = answer_of(money, world);
  REQUIRE(cheap.chosen >= 0);
  for (const Row& row : cheap.rows)
    CHECK(cheap.rows[cheap.chosen].bill.usd.mid <= row.bill.usd.mid);
  const Scenario time =
      test::scenario(small_job + "gpus: rent:any\nspot: never\nobjective: time\n");
  const Answer fast = answer_of(time, world);
  for (const Row& row : fast.rows)
    CHECK(fast.rows[fast.chosen].bill.wall_hours.mid <= row.bill.wall_hours.mid);
  CHECK(fast.rows[fast.chosen].option.site.n_devices == 8);
}

TEST_CASE("compare: no row over the budget is ever chosen, whatever the budget") {
  const World world = small_world(few_offers());
  std::mt19937_64 random(5);
  for (int i = 0; i < 16; ++i) {
    Scenario s = test::scenario(small_job + "gpus: rent:any\n");
    s.budget_usd = std::exp(std::uniform_real_distribution<double>(-3, 3)(random));
    if (i % 2 == 0)
      s.deadline_hours = std::exp(std::uniform_real_distribution<double>(-2, 3)(random));
    s.objective = i % 3 == 0 ? Objective::time : Objective::money;
    CAPTURE(*s.budget_usd);
    const Answer answer = answer_of(s, world);
    bool any = false;
    for (const Row& row : answer.rows) {
      any = any || (row.within_budget && row.within_deadline);
      if (!row.chosen) continue;
      CHECK(row.bill.usd.mid <= *s.budget_usd);
      if (s.deadline_hours) CHECK(row.bill.wall_hours.mid <= *s.deadline_hours);
    }
    CHECK(any == (answer.chosen >= 0));
    CHECK((answer.outcome == Outcome::chosen) == any);
    CHECK(any == answer.why_not.empty());
  }
}

TEST_CASE("compare: a safe row is preferred to a cheaper one that may break the budget") {
  const World world = small_world(
      {rental("a", "rtx-3090", 1, "on_demand", 0.2), rental("b", "rtx-4090", 1, "on_demand", 0.4)});
  Scenario s = test::scenario(small_job + "gpus: rent:any\n");
  const Answer free = answer_of(s, world);
  REQUIRE(free.rows.size() == 2);
  // A budget between the high end of the cheaper and its middle leaves it feasible but not safe.
  const money::Bill& cheaper = free.rows[0].bill;
  s.budget_usd = 0.5 * (cheaper.usd.mid + cheaper.usd.high);
  const Answer tight = answer_of(s, world);
  REQUIRE(tight.chosen >= 0);
  CHECK(contains(risk_of(tight.rows[0], s), "up to $"));
}

TEST_CASE("compare: spot policy and reserved terms decide who is asked") {
  const World world = small_world(few_offers());
  const auto asked = [&](const char* spot) {
    return providers(
        answer_of(test::scenario(small_job + "gpus: rent:any\nspot: " + spot + "\n"), world));
  };
  CHECK(asked("only") == std::vector<std::string>{"d"});
  const std::vector<std::string> never = asked("never");
  CHECK(std::find(never.begin(), never.end(), "d") == never.end());
  for (const char* spot : {"only", "never", "allow"}) {
    const std::vector<std::string> names = asked(spot);
    CHECK(std::find(names.begin(), names.end(), "f") == names.end());
  }
}

TEST_CASE("compare: an own box is weighed against renting, at the price of its power") {
  const World world = small_world(few_offers());
  const Answer answer =
      answer_of(test::scenario(small_job + "gpus: owned:1x3090,rent:any\nspot: never\n"), world);
  REQUIRE(answer.chosen >= 0);
  const Row& own = answer.rows[answer.chosen];
  CHECK(own.option.owned);
  CHECK(own.bill[money::Line::electricity].usd.mid > 0);
  CHECK(own.bill[money::Line::training].usd.mid == 0);
  CHECK(own.bill.usd.mid == doctest::Approx(own.bill.kwh * 0.1872));
}

TEST_CASE("compare: machines are joined where they are full and nobody's marketplace") {
  const World world = small_world({rental("a", "h100-sxm", 8, "on_demand", 20),
                                   rental("b", "h100-sxm", 8, "community", 15),
                                   rental("c", "h100-sxm", 4, "on_demand", 10)});
  Scenario s = test::scenario(small_job + "gpus: rent:any\nmax_devices: 32\n");
  std::vector<std::pair<std::string, int>> found;
  for (const Option& option : options_of(s, world))
    found.emplace_back(option.offer.provider, option.site.n_devices);
  std::sort(found.begin(), found.end());
  CHECK(found == std::vector<std::pair<std::string, int>>{
                     {"a", 8}, {"a", 16}, {"a", 32}, {"b", 8}, {"c", 4}});
}

TEST_CASE("compare: of one provider's equal machines only the cheapest is asked") {
  std::vector<Offer> offers;
  for (int i = 0; i < 50; ++i) {
    offers.push_back(rental("vast", "rtx-4090", 1, "community", 0.3 + 0.01 * ((i * 7) % 50)));
    offers.back().machine = std::to_string(i);
  }
  const Scenario s = test::scenario(small_job + "gpus: rent:any\n");
  const World world = small_world(offers);
  const std::vector<Option> options = options_of(s, world);
  REQUIRE(options.size() == 1);
  CHECK(options[0].offer.price.value == doctest::Approx(0.3));
}

TEST_CASE("bound: no layout is faster than least_hours says, over cards, counts and methods") {
  const World& world = test::shipped_world();
  const char* jobs[] = {"model: gpt2\nseq_len: 1024\ntokens: 10M\n",
                        "model: llama-3.2-1b\nseq_len: 2048\ntokens: 10M\n",
                        "model: llama-3.1-8b\nmethod: lora\nseq_len: 2048\ntokens: 10M\n",
                        "model: qwen3-30b-a3b\nmethod: qlora\nseq_len: 2048\ntokens: 10M\n",
                        "model: llama-2-7b\nseq_len: 4096\nglobal_batch_size: 64\ntokens: 10M\n"};
  int n_checked = 0;
  for (const char* job : jobs) {
    const Scenario s = test::scenario(std::string(job) + "gpus: rent:any\n");
    for (const char* card : {"rtx-3090", "rtx-4090", "v100-sxm-16", "a100-sxm-80", "h100-sxm",
                             "b200-sxm", "l4", "tpu-v5e", "mi300x"})
      for (int n : {1, 8}) {
        CAPTURE(card);
        const Site site{world.card(card), n, 1};
        const SiteAnswer found = best_layout(s, world, site);
        if (!found.best) continue;
        ++n_checked;
        CHECK(found.best->estimate.hours.mid >= least_hours(s, world, site));
      }
  }
  CHECK(n_checked > 40);
}

TEST_CASE("compare: leaving out what the bound beats changes neither front nor choice") {
  // The front of the whole snapshot against that of every site searched one by one.
  const World& world = test::shipped_world();
  Scenario s = test::scenario("model: llama-3.2-1b\nseq_len: 2048\ntokens: 2B\ngpus: rent:any\n");
  const Answer answer = answer_of(s, world);
  CHECK(answer.n_searched < answer.n_sites);
  std::vector<std::pair<double, double>> all, front;
  for (const Option& option : options_of(s, world)) {
    static std::map<std::pair<std::string, int>, std::shared_ptr<SiteLayout>> layouts;
    auto& layout = layouts[{option.site.card->name, option.site.n_devices}];
    if (!layout) layout = best_layout(s, world, option.site).best;
    if (!layout) continue;
    const money::RunNeeds needs = needs_of(s, option.site, layout->estimate.hours);
    const money::Bill bill = money::bill_of(needs, supply_of(s, world, option), world.assumptions);
    all.emplace_back(bill.wall_hours.mid, bill.usd.mid);
  }
  for (const auto& a : all)
    if (std::none_of(all.begin(), all.end(), [&](const auto& b) {
          return b.first <= a.first && b.second <= a.second && b != a;
        }))
      front.push_back(a);
  std::sort(front.begin(), front.end());
  front.erase(std::unique(front.begin(), front.end()), front.end());
  std::vector<std::pair<double, double>> ours;
  for (const Row* row : front_of(answer))
    ours.emplace_back(row->bill.wall_hours.mid, row->bill.usd.mid);
  ours.erase(std::unique(ours.begin(), ours.end()), ours.end());
  REQUIRE(ours.size() == front.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].first == doctest::Approx(front[i].first));
    CHECK(ours[i].second == doctest::Approx(front[i].second));
  }
}

TEST_CASE("compare: the same question has the same answer") {
  const Scenario s = test::scenario(small_job + "gpus: rent:any\ndeadline: 3 h\nbudget_usd: 2\n");
  const World world = small_world(few_offers());
  const Answer a = answer_of(s, world), b = answer_of(s, world);
  REQUIRE(a.rows.size() == b.rows.size());
  CHECK(a.chosen == b.chosen);
  CHECK(a.trades == b.trades);
  for (std::size_t i = 0; i < a.rows.size(); ++i)
    CHECK(a.rows[i].bill.usd.mid == b.rows[i].bill.usd.mid);
}

TEST_CASE("needs: sizes of data, weights and checkpoints by hand") {
  const Scenario s = test::scenario(
      "model: llama-3.1-8b\nmethod: lora\nlora_rank: 16\ntokens: 1B\ngpus: rent:any\n");
  const JobSizes sizes = sizes_of(s.job);
  CHECK(sizes.tokens == doctest::Approx(4));  // 128k entries: 4 bytes a token
  CHECK(sizes.weights == doctest::Approx(2 * 8.030261248));
  // Rank 16 on all matrices of Llama-3.1-8B: 41,943,040 parameters, as peft reports.
  CHECK(trained_parameters(s.job) == 41943040);
  CHECK(sizes.checkpoint == doctest::Approx(14e-9 * 41943040));
  const money::RunNeeds needs =
      needs_of(s, {test::shipped_world().card("h100-sxm"), 8, 1}, exactly(2));
  CHECK(needs.download_gb == doctest::Approx(4 + 16.060522496));
  CHECK(needs.disk_gb == doctest::Approx(50 + 20.060522496 + 2 * sizes.checkpoint));
  const Scenario full = test::scenario("model: gpt2\ntokens: 10B\ngpus: rent:any\n");
  CHECK(sizes_of(full.job).tokens == doctest::Approx(20));  // 50k entries: 2 bytes
  CHECK(needs_of(full, {test::shipped_world().card("l4"), 1, 1}, exactly(2)).download_gb ==
        doctest::Approx(20));  // from scratch: no weights
}

}  // namespace aforo::scenarios
