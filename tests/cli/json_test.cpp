// --json of every command: one object, schema_version 1, and figures that agree with each other.

#include <doctest/doctest.h>

#include "tests/cli/json_answer.h"

using namespace aforo;
using test::Aforo;
using test::number;
using test::object_of;

namespace json = boost::json;

TEST_CASE("cli json: models and hardware list what can be asked for") {
  const Aforo aforo;
  CHECK(object_of(aforo({"models", "--json"})).at("models").as_array().size() > 80);
  const json::object mixtral =
      object_of(aforo({"models", "mixtral-8x7b", "--json"})).at("models").at(0).as_object();
  CHECK(mixtral.at("n_params") == 46'702'792'704);
  // Six of eight experts idle in each of 32 layers.
  CHECK(mixtral.at("n_active_params") == 46'702'792'704 - 32ll * 6 * 3 * 4096 * 14336);
  CHECK(mixtral.at("n_experts") == 8);
  CHECK(object_of(aforo({"hardware", "--json"})).at("accelerators").as_array().size() > 50);
  object_of(aforo({"doctor", "--json"}));
}

TEST_CASE("cli json: fit has one cell for every card, method and length") {
  const Aforo aforo;
  const json::object fit =
      object_of(aforo({"fit", "gpt2", "--gpu", "rtx-3090,h100", "--seq", "256,1024", "--json"}));
  CHECK(fit.at("n_params") == 124439808);
  const json::array& cells = fit.at("cells").as_array();
  CHECK(cells.size() % 4 == 0);
  CHECK(cells.size() >= 16);
  for (const json::value& cell : cells)
    CHECK(cell.at("fits").as_bool() ==
          (number(cell.at("memory_bytes")) <= number(cell.at("usable_memory_bytes"))));
}

TEST_CASE("cli json: an estimate's figures agree with each other") {
  const Aforo aforo;
  const json::object e = object_of(aforo(
      {"estimate", "--model", "gpt2", "--gpu", "h100:2", "--seq-len", "1024", "--tokens", "10B",
       "--micro-batch-size", "8", "--global-batch-size", "64", "--price", "2 USD/h", "--json"}));
  const double step = number(e.at("step_time_s").at("mid"));
  const double tokens_per_step = 64.0 * 1024;
  CHECK(number(e.at("tokens_per_s").at("mid")) == doctest::Approx(tokens_per_step / step));
  const double steps = number(e.at("n_steps"));
  CHECK(number(e.at("hours").at("mid")) == doctest::Approx(steps * step / 3600));
  CHECK(number(e.at("device_hours").at("mid")) ==
        doctest::Approx(2 * number(e.at("hours").at("mid"))));
  CHECK(number(e.at("cost_usd").at("mid")) ==
        doctest::Approx(2 * number(e.at("device_hours").at("mid"))));
  CHECK(number(e.at("step_time_s").at("low")) < step);
  CHECK(number(e.at("step_time_s").at("high")) > step);
}

TEST_CASE("cli json: plan ranks what fits, fastest first, and dump prints a program") {
  const Aforo aforo;
  const json::object plan = object_of(aforo(
      {"plan", "--model", "gpt2", "--gpu", "rtx-4090", "--global-batch-size", "16", "--json"}));
  const json::array& ranked = plan.at("ranked").as_array();
  REQUIRE(ranked.size() > 2);
  for (std::size_t i = 1; i < ranked.size(); ++i)
    CHECK(number(ranked[i - 1].at("tokens_per_s").at("mid")) >=
          0.999 * number(ranked[i].at("tokens_per_s").at("mid")));
  object_of(aforo({"dump", "--model", "gpt-tiny", "--seq-len", "32", "--json"}));
}
