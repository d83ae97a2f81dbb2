#pragma once
// The readers behind import.h, one a file. Each hands its rows to a sink and believes nothing.

#include <functional>
#include <optional>
#include <string>

#include "planner/base/csv.h"
#include "planner/money/offer_check.h"

namespace aforo::money {

/// What a reader finds, row by row.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void offer(int row, RawOffer raw) = 0;
  virtual void refused(int row, const std::string& what, Refusal refusal) = 0;
  virtual void without_accelerator() = 0;
};

/// SkyPilot's vms.csv: columns by name; one row gives an on-demand and a spot offer.
void read_skypilot(const CsvTable& table, const RawOffer& defaults, RowSink& sink);
/// The same for Google, where host and accelerators are separate rows to be added.
void read_google(const CsvTable& table, const RawOffer& defaults, RowSink& sink);
/// gpuhunt's catalogue.
void read_gpuhunt(const CsvTable& table, const RawOffer& defaults, RowSink& sink);
/// provider, accelerator, count, price and what else there is; what write_price_csv writes.
void read_plain(const CsvTable& table, const RawOffer& defaults, RowSink& sink);
/// `vastai search offers --raw` (a list) or the API's answer ({"offers": [...]}).
void read_vast(const std::string& text, const std::string& name, const RawOffer& defaults,
               RowSink& sink);

/// A field as a number: nothing if it is empty. A Refusal in `bad` if it is none.
std::optional<double> number_field(const CsvTable& table, std::size_t row, const char* column,
                                   std::optional<Refusal>& bad);

}  // namespace aforo::money
