#include "planner/report/explain_report.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <sstream>

#include "planner/base/format.h"
#include "planner/fast/setup_of_job.h"
#include "planner/report/table.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

using explain::Outcome;
using explain::Row;

constexpr std::size_t page = 100;  // columns
constexpr std::size_t margin = 13;

void append_wrapped(std::string& out, const std::string& name, const std::string& value) {
  out += wrapped(fmt::format("{:<12} {}", name, value), page, margin) + "\n";
}

std::string gib_text(double bytes) { return fmt::format("{:.1f}", bytes / gibi); }

std::string fit_text(const Outcome& outcome) {
  return fmt::format("{} of {} GiB, {}", gib_text(outcome.device_bytes),
                     gib_text(outcome.capacity_bytes), outcome.fits ? "fits" : "does not fit");
}

std::string speed_text(const Outcome& outcome) {
  std::string text = fmt::format(
      "{} a step, {} tokens/s, whole job {}", format_time(Seconds(outcome.step_s)),
      format_count(std::llround(outcome.tokens_per_s)), format_time(Seconds(3600 * outcome.hours)));
  if (outcome.usd > 0) text += ", " + format_dollars(Dollars(outcome.usd));
  return text;
}

/// The strategies that make the job fit on their own.
std::string fitting(const explain::Explanation& e) {
  std::string list;
  for (const Row& row : e.rows)
    if (row.absent.empty() && row.effect.is.fits)
      list += (list.empty() ? "" : ", ") + std::string(row.strategy->title);
  return list.empty() ? "none of the strategies alone" : list;
}

void append_head(std::string& out, const explain::Explanation& e, const TrainingJob& job,
                 const DeviceLine& device) {
  append_wrapped(out, "job",
                 fmt::format("{} ({}), {} parameters; seq_len {}, global_batch_size {}, {} tokens",
                             job.model.name, enum_name(e.baseline.setup.method),
                             format_count(count_parameters(job.model).total()), job.seq_len,
                             job.global_batch_size, format_count(job.n_tokens)));
  std::string cards = fmt::format("{} x {}", device.count, device.name);
  if (device.price_per_device)
    cards += fmt::format(", ${:.3f} an hour each ({})", device.price_per_device->value,
                         device.price_source);
  append_wrapped(out, "devices", cards);
  if (const std::string note = fast::network_note(e.baseline.cluster); !note.empty())
    append_wrapped(out, "network", note);
  append_wrapped(out, "baseline",
                 fmt::format("{}; engine {}: {}; {}", explain::describe(e.baseline),
                             e.baseline.engine->name, fit_text(e.outcome), speed_text(e.outcome)));
  if (e.best)
    append_wrapped(
        out, "best plan",
        fmt::format("{}; engine {}: {}; {}", explain::describe(*e.best), e.best->engine->name,
                    fit_text(e.best_outcome), speed_text(e.best_outcome)));
  else
    append_wrapped(out, "best plan",
                   fmt::format("none of engine {}; the nearest needs {} GiB",
                               e.baseline.engine->name, gib_text(e.least_memory)));
  if (e.outcome.fits) return;
  append_wrapped(
      out, "note",
      fmt::format("the baseline does not fit: each strategy is still added to it alone, and "
                  "times are computed as if the card had the memory{}",
                  e.best ? "; for a time that can be had see the best plan" : ""));
  append_wrapped(out, "fits with", fitting(e));
}

std::string money_text(const Row& row) {
  const Outcome &was = row.effect.was, &is = row.effect.is;
  const bool priced = was.usd > 0;
  const double change = priced ? is.usd - was.usd : 3600 * (is.hours - was.hours);
  const std::string size =
      priced ? format_dollars(Dollars(std::abs(change))) : format_time(Seconds(std::abs(change)));
  return (change < 0 ? "-" : "+") + size;
}

void append_table(std::string& out, const explain::Explanation& e) {
  Table table({{"added to the baseline", Align::left},
               {"engine", Align::left},
               {"native", Align::left},
               {"GiB a device"},
               {"fits", Align::left},
               {"speed"},
               {e.outcome.usd > 0 ? "job cost" : "job time"},
               {"claim", Align::left}});
  for (const Row& row : e.rows) {
    if (!row.absent.empty()) continue;
    const explain::Effect& effect = row.effect;
    table.add({std::string(row.strategy->title), row.engine->name, row.native.empty() ? "yes" : "-",
               gib_text(effect.was.device_bytes) + " -> " + gib_text(effect.is.device_bytes),
               effect.is.fits ? "yes" : "no", fmt::format("{:.2f}x", effect.speedup()),
               money_text(row), std::string(name_of(row.verdict.kind))});
  }
  out += "\n" + table.text();
}

void append_claims(std::string& out, const explain::Explanation& e) {
  const explain::Claim* said = nullptr;
  for (const Row& row : e.rows) {
    if (!row.absent.empty()) continue;
    const explain::Claim& claim = row.strategy->claim;
    if (!claim.text.empty() &&
        (said == nullptr || said->text != claim.text || said->caveat != claim.caveat)) {
      out +=
          "\n" +
          wrapped(fmt::format("\"{}\" ({}; {})", claim.text, claim.source, claim.caveat), page, 2) +
          "\n";
      said = &claim;
    }
    std::string text = fmt::format("  {}: {}", row.strategy->title, row.verdict.text);
    const explain::Refill& refill = row.refill;
    if (refill.before > 0 && refill.after > 0 && refill.before != refill.after)
      text += fmt::format("; with the fastest micro_batch_size on either side ({} and {}): {:.2f}x",
                          refill.before, refill.after, refill.speedup);
    else if (refill.before == 0 && refill.after > 1)
      text += fmt::format("; micro_batch_size {} is then fastest", refill.after);
    out += wrapped(text, page, 4) + "\n";
  }
}

void append_removals(std::string& out, const explain::Explanation& e) {
  bool first = true;
  for (const Row& row : e.rows) {
    if (!row.removal) continue;
    if (first) out += "\nTaken out of the best plan, all else kept:\n";
    first = false;
    const Outcome& without = row.removal->without;
    out += wrapped(fmt::format("  {}: {:.2f}x the step time, {} -> {}", row.strategy->title,
                               row.removal->slower, gib_text(e.best_outcome.device_bytes),
                               fit_text(without)),
                   page, 4) +
           "\n";
  }
}

/// Strategies without a place here, by reason.
void append_absent(std::string& out, const explain::Explanation& e) {
  std::vector<std::string> reasons;
  std::map<std::string, std::string> names;
  for (const Row& row : e.rows) {
    if (row.absent.empty()) continue;
    std::string& list = names[row.absent];
    if (list.empty()) reasons.push_back(row.absent);
    list += (list.empty() ? "" : ", ") + std::string(row.strategy->title);
  }
  if (!reasons.empty()) out += "\nNo place here:\n";
  for (const std::string& reason : reasons)
    out += wrapped(fmt::format("  {}: {}", names[reason], reason), page, 4) + "\n";
}

void append_cards(std::string& out, const explain::Explanation& e) {
  if (e.cards.empty()) return;
  Table table({{"other cards", Align::left},
               {"GiB a device"},
               {"tokens/s"},
               {"whole job"},
               {"price"},
               {"best plan there", Align::left}});
  for (const explain::CardRow& row : e.cards) {
    std::string plan = describe(row.plan);
    if (plan.size() > 32) plan = plan.substr(0, 29) + "...";
    table.add({fmt::format("{} x {}", row.plan.n_devices, row.offer.card->name),
               gib_text(row.plan.memory), format_count(std::llround(row.plan.tokens_per_s)),
               format_time(Seconds(3600 * row.plan.hours)), format_dollars(Dollars(row.plan.usd)),
               plan});
  }
  out += "\nThe cheapest cards for this job, as many of them, best plan on each:\n" + table.text();
}

/// A number and its unit stay together.
std::size_t end_of_word(const std::string& text, std::size_t begin) {
  std::size_t end = std::min(text.find(' ', begin), text.size());
  for (bool glued = true; glued && end < text.size();) {
    glued = false;
    for (const char* unit : {" %", " GiB", " s", " ms"}) {
      const std::size_t after = end + std::string_view(unit).size();
      if (text.compare(end, after - end, unit) != 0) continue;
      if (after < text.size() && std::string_view(" ,;:)").find(text[after]) == std::string::npos)
        continue;
      end = std::min(text.find(' ', after), text.size());
      glued = true;
    }
  }
  return end;
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::string out, word;
  std::size_t column = text.find_first_not_of(' ');
  column = column == std::string::npos ? 0 : column;
  out.assign(column, ' ');
  std::size_t gap = 0;  // spaces since the last word, as written
  for (std::size_t i = column; i < text.size();) {
    const std::size_t end = end_of_word(text, i);
    word = text.substr(i, end - i);
    if (column + gap + display_width(word) > width && gap > 0) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else {
      out.append(gap, ' ');
      column += gap;
    }
    out += word;
    column += display_width(word);
    i = std::min(text.find_first_not_of(' ', end), text.size());
    gap = i - end;
  }
  return out;
}

std::string explain_text(const explain::Explanation& e, const TrainingJob& job,
                         const DeviceLine& device) {
  std::string out;
  append_head(out, e, job, device);
  append_table(out, e);
  out +=
      "native: aforo's own runtime executes it today. Speed and cost: over the same without it, by "
      "the same\nengine. Times come from constants calibrated on published runs.\n";
  append_claims(out, e);
  append_removals(out, e);
  append_absent(out, e);
  append_cards(out, e);
  if (!e.anything_fits) out += "\nNothing here fits.\n";
  return out;
}

}  // namespace aforo
