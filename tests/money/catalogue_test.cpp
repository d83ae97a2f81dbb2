// Dated files of prices: which of them counts, how old it is, what changed.

#include "planner/money/catalogue.h"

#include <doctest/doctest.h>

#include "planner/base/dates.h"
#include "planner/money/date.h"
#include "planner/spec/hardware_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

namespace aforo::money {
namespace {

Offer some_offer(const std::string& provider, const std::string& as_of, double price) {
  Offer offer{provider, "any", "l4", "on_demand", as_of, "page", "https://example.org/a,b"};
  offer.machine = "m \"1\"";
  offer.price = DollarsPerHour(price);
  return offer;
}

int n_of_provider(const Catalogue& catalogue, const std::string& provider) {
  int n = 0;
  for (const Offer& offer : catalogue.prices.offers) n += offer.provider == provider ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("date: days of the calendar, and how old something is") {
  CHECK(day_number("1970-01-01") == 0);
  CHECK(day_number("2000-03-01") == 11017);
  CHECK_FALSE(day_number("2026-02-29"));
  CHECK_FALSE(day_number("soon"));
  CHECK(age_days("2026-08-23", "2026-11-27") == 96);
  CHECK(age_text("2026-08-23", "2026-08-24") == "1 day old");
  CHECK(age_text("2026-08-23", "2026-08-23") == "from today");
  CHECK(age_text("2026-08-23", "2026-08-20") == "from 3 days ahead");
  CHECK(age_text("", "2026-08-20") == "of unknown age");
  CHECK(day_number(today()));
}

TEST_CASE("catalogue: without imports it is the shipped snapshot") {
  const TemporaryFolder folder;
  const Catalogue catalogue = load_catalogue(folder / "none");
  CHECK(catalogue.prices.as_of == newest_prices().as_of);
  CHECK(catalogue.prices.offers.size() == newest_prices().offers.size());
  REQUIRE(catalogue.files.size() == 1);
}

TEST_CASE("catalogue: an imported file takes the place of its provider's older offers, no others") {
  const TemporaryFolder folder;
  folder.write("aws-2026-09-01.csv", write_price_csv({some_offer("aws", "2026-09-01", 0.8)}));
  folder.write("gcp-2020-01-01.csv", write_price_csv({some_offer("gcp", "2020-01-01", 0.8)}));
  const Catalogue shipped = load_catalogue(folder / "none");
  const Catalogue catalogue = load_catalogue(folder.path().string());
  CHECK(n_of_provider(catalogue, "aws") == 1);
  CHECK(n_of_provider(catalogue, "gcp") == n_of_provider(shipped, "gcp"));
  CHECK(n_of_provider(catalogue, "vast") == n_of_provider(shipped, "vast"));
  CHECK(catalogue.prices.as_of == "2026-09-01");
  REQUIRE(catalogue.files.size() == 3);
  CHECK(catalogue.files[1].n_offers == 1);
  CHECK(catalogue.files[2].n_offers == 0);
  CHECK(age_of(catalogue, "2026-09-02") ==
        "as of 2026-08-23, 10 days old; the newest as of 2026-09-01, 1 day old");
  CHECK(age_of(shipped, "2026-09-02") == "as of 2026-08-23, 10 days old");
}

TEST_CASE("catalogue: rows of an imported file that are wrong are counted, not used") {
  const TemporaryFolder folder;
  folder.write("me.csv", write_price_csv({some_offer("me", "2026-09-01", 0.8),
                                          some_offer("me", "2026-09-01", 700)}));
  const Catalogue catalogue = load_catalogue(folder.path().string());
  CHECK(n_of_provider(catalogue, "me") == 1);
  CHECK(catalogue.files[1].n_left_out == 1);
}

TEST_CASE("catalogue: what is written comes back") {
  Offer whole = some_offer("me", "2026-09-01", 1.0 / 3);
  whole.disk_usd_per_gb_month = 0.1;
  whole.upload_usd_per_gb = 0;
  const TemporaryFolder folder;
  const std::string path = folder.write("me.csv", write_price_csv({whole}));
  const PriceList list = load_prices(path);
  REQUIRE(list.offers.size() == 1);
  const Offer& back = list.offers[0];
  CHECK(back.price == whole.price);
  CHECK(back.machine == whole.machine);
  CHECK(back.source == whole.source);
  CHECK(back.disk_usd_per_gb_month == whole.disk_usd_per_gb_month);
  CHECK(back.upload_usd_per_gb == whole.upload_usd_per_gb);
  CHECK_FALSE(back.download_usd_per_gb);
}

TEST_CASE("catalogue: changes are what came, went and moved") {
  const PriceList before{"2026-08-01",
                         {some_offer("a", "2026-08-01", 1), some_offer("b", "2026-08-01", 1),
                          some_offer("c", "2026-08-01", 1)}};
  const PriceList after{"2026-09-01",
                        {some_offer("a", "2026-09-01", 1), some_offer("b", "2026-09-01", 2),
                         some_offer("d", "2026-09-01", 1)}};
  const std::vector<PriceChange> changes = price_changes(before, after);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].after.price.value == 2);
  CHECK(changes[1].after.provider.empty());
  CHECK(changes[2].before.provider.empty());
}

TEST_CASE("catalogue: the shipped snapshot passes its own checks") {
  const PriceList shipped = newest_prices();
  const Import again = import_offers(write_price_csv(shipped.offers), "snapshot.csv",
                                     {"plain", "", shipped.as_of}, default_check());
  CHECK(again.offers.size() == shipped.offers.size());
  for (const LeftOut& out : again.left_out) MESSAGE(out.row, " ", out.what, ": ", out.reason);
  CHECK(again.n_all_left_out() == 0);
}

}  // namespace aforo::money
