#include "planner/peers/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/text.h"
#include "planner/peers/batch_file.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

/// "" for what has no word here.
std::string optimizer_word(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  const auto says = [&](const char* word) { return name.find(word) != std::string::npos; };
  if (says("8bit") && says("adam")) return "adamw_8bit";
  for (const char* word : {"lion", "muon", "adafactor", "sgd"})
    if (says(word)) return word;
  return says("adam") ? "adamw" : "";
}

/// Devices that the file itself asks for.
int devices_of(const PeerFile& file) {
  constexpr std::int64_t most = 100000;
  if (file.kind == PeerKind::sbatch)
    return static_cast<int>(std::min(most, batch_devices(file.batch).total));
  if (file.kind != PeerKind::accelerate) return 0;
  const auto n = number_at(*file.root, "num_processes");
  return n && *n >= 1 && *n <= most ? static_cast<int>(*n) : 0;
}

}  // namespace

const ImportedSetting* ImportedPlan::find(std::string_view option) const {
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const ImportedSetting& s) { return s.option == option; });
  return found == settings.end() ? nullptr : &*found;
}

void Importer::take(std::string_view path, std::string_view option, const std::string& value) {
  const std::string text = text_at(root(), path);
  take_at(option, value, place_at(root(), path),
          text.empty() ? std::string(path) : fmt::format("{} is {}", path, shown(text)));
}

void Importer::take_at(std::string_view option, const std::string& value, const std::string& place,
                       const std::string& why) {
  if (!has(option)) plan_.settings.push_back({std::string(option), value, place, why});
}

void Importer::assume(std::string_view option, const std::string& value, const std::string& why) {
  take_at(option, value, "", why);
}

std::optional<std::int64_t> Importer::count(std::string_view path) const {
  const auto value = number_at(root(), path);
  if (!value) return std::nullopt;
  if (*value < 1 || *value > (1 << 27) || std::floor(*value) != *value)
    value_at(root(), path)
        ->fail(fmt::format("{} is {}; expected a whole number of 1 to {}", path, *value, 1 << 27));
  return static_cast<std::int64_t>(*value);
}

void Importer::take_number(std::string_view path, std::string_view option) {
  if (const auto value = number_at(root(), path); value && *value >= 0)
    take(path, option, fmt::format("{}", *value));
}

void Importer::take_optimizer(std::string_view path) {
  const std::string name = text_at(root(), path);
  if (name.empty() || name == "auto") return;
  if (const std::string word = optimizer_word(name); !word.empty())
    take(path, "optimizer", word);
  else
    note(fmt::format("optimizer {} is not known here; adamw stands in", shown(name)));
}

bool Importer::take_zero_stage(std::string_view path) {
  constexpr const char* names[] = {"ddp", "zero1", "zero2", "zero3"};
  const auto stage = number_at(root(), path);
  if (!stage || *stage < 0 || *stage > 3) return false;
  take(path, "sharding", names[static_cast<int>(*stage)]);
  return true;
}

std::string batch_of(double micro, double accum, double n_devices) {
  return fmt::format("{:.0f}", std::min(micro * accum * n_devices, double{1 << 27}));
}

void Importer::set_batch(std::int64_t micro, std::string_view path, int n_devices) {
  if (has("global-batch-size")) return;
  const auto accum = count(path);
  const std::string total =
      batch_of(static_cast<double>(micro), static_cast<double>(accum.value_or(1)), n_devices);
  if (accum)
    take(path, "global-batch-size", total);
  else
    assume("global-batch-size", total, "no accumulation is named: 1 micro-step");
}

ImportedPlan import_plan(const PeerFile& file, int n_devices) {
  ImportedPlan plan;
  plan.n_devices = devices_of(file);
  if (n_devices == 0) n_devices = std::max(1, plan.n_devices);
  Importer in(file, plan);
  switch (file.kind) {
    case PeerKind::accelerate:
      import_accelerate(in, n_devices);
      break;
    case PeerKind::axolotl:
      import_axolotl(in, n_devices);
      break;
    case PeerKind::deepspeed:
      import_deepspeed(in, n_devices);
      break;
    case PeerKind::sbatch:
      import_sbatch(in);
      break;
  }
  return plan;
}

}  // namespace aforo
