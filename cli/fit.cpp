#include "planner/search/fit.h"

#include <fmt/format.h>

#include <charconv>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/report/table.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

namespace aforo::cli {
namespace {

// What teams on a budget rent or own, by memory.
constexpr const char* usual_cards =
    "t4,v100,rtx-3090,rtx-4090,a10g,l4,rtx-5090,a100-40,rtx-a6000,l40s,a100-80,h100";

std::vector<int> sequence_lengths(const Arguments& args, const ModelSpec& model) {
  std::vector<int> lengths;
  for (const std::string& text : args.list("seq")) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1)
      throw InputError(
          fmt::format("--seq has \"{}\"; expected lengths such as 512,1024,2048", text));
    if (model.position.kind == PositionKind::learned && value > model.learned_rows())
      throw InputError(fmt::format("--seq has {}, but {} has learned positions for {} tokens",
                                   value, model.name, model.learned_rows()));
    lengths.push_back(value);
  }
  if (!lengths.empty()) return lengths;
  for (int length : {512, 1024, 2048, 4096, 8192})
    if (length <= model.max_seq_len) lengths.push_back(length);
  return lengths.empty() ? std::vector<int>{model.max_seq_len} : lengths;
}

std::vector<AcceleratorSpec> cards(const Arguments& args) {
  std::vector<AcceleratorSpec> result;
  for (const std::string& name : split_list(args.find<std::string>("gpu").value_or(usual_cards)))
    result.push_back(find_accelerator(name));
  return result;
}

Precision sixteen_bit(const AcceleratorSpec& card) {
  return card.peak_dense.contains("bf16") || !card.peak_dense.contains("fp16") ? Precision::bf16
                                                                               : Precision::fp16;
}

std::string cell_text(Bytes memory, Bytes capacity) {
  const std::string gib = fmt::format("{:.1f}", as_gib(memory));
  if (memory > capacity) return paint(Colour::red, gib + " no");
  if (1 - memory / capacity < tight_headroom) return paint(Colour::yellow, gib + " ! ");
  return paint(Colour::green, gib + " ok");
}

/// Method x sequence length for one card.
void print_card(FitTable& table, const AcceleratorSpec& card, const std::vector<int>& lengths) {
  std::vector<Column> columns{{card.name, Align::left}};
  for (int length : lengths) columns.push_back({fmt::format("seq {}", length)});
  columns.push_back({"limited by", Align::left});
  columns.push_back({fmt::format("largest micro-batch at seq {}", lengths.front()), Align::left});
  Table out(columns);
  for (const FitMethod& method : table.methods(sixteen_bit(card))) {
    std::vector<std::string> row{method.name};
    for (int length : lengths)
      row.push_back(
          cell_text(table.cell(method, length, 1).arena + card.context_memory, card.usable_memory));
    row.push_back(table.cell(method, lengths.back(), 1).limited_by);
    const int largest =
        table.largest_micro_batch(method, lengths.front(), card.context_memory, card.usable_memory);
    row.push_back(largest > 0 ? fmt::format("{}", largest) : "-");
    out.add(row);
  }
  fmt::print("{}\n", out.text());
}

/// One line a card: the largest micro-batch with the least recomputation that fits even one
/// sequence.
void print_cards(FitTable& table, const std::vector<AcceleratorSpec>& cards,
                 const std::vector<int>& lengths) {
  std::vector<Column> columns{{"16-bit mixed precision", Align::left}, {"usable GiB"}};
  for (int length : lengths) columns.push_back({fmt::format("seq {}", length), Align::left});
  Table out(columns);
  for (const AcceleratorSpec& card : cards) {
    std::vector<std::string> row{card.name, fmt::format("{:.1f}", as_gib(card.usable_memory))};
    for (int length : lengths) {
      std::string cell;
      for (const FitMethod& method : table.methods(sixteen_bit(card))) {
        if (method.precision == Precision::fp32) continue;
        const int largest =
            table.largest_micro_batch(method, length, card.context_memory, card.usable_memory);
        if (largest == 0) continue;
        cell = paint(Colour::green, fmt::format("mbs {} {}", largest, enum_name(method.recompute)));
        break;
      }
      if (cell.empty()) {
        const FitCell& least = table.cell(table.methods(sixteen_bit(card)).back(), length, 1);
        cell = paint(Colour::red,
                     fmt::format("no: {:.1f} GiB", as_gib(least.arena + card.context_memory)));
      }
      row.push_back(cell);
    }
    out.add(row);
  }
  fmt::print("{}\n", out.text());
}

std::string as_json(FitTable& table, const ModelSpec& model,
                    const std::vector<AcceleratorSpec>& cards, const std::vector<int>& lengths) {
  JsonWriter json;
  json.begin_object().field("schema_version", schema_version).field("model", model.name);
  json.field("exact", table.exact());
  json.field("n_params", count_parameters(model).total()).key("cells").begin_array();
  for (const AcceleratorSpec& card : cards)
    for (const FitMethod& method : table.methods(sixteen_bit(card)))
      for (int length : lengths) {
        const FitCell& cell = table.cell(method, length, 1);
        const Bytes memory = cell.arena + card.context_memory;
        json.begin_object()
            .field("accelerator", card.name)
            .field("method", method.name)
            .field("seq_len", length);
        json.field("memory_bytes", memory.value)
            .field("usable_memory_bytes", card.usable_memory.value);
        json.field("fits", memory <= card.usable_memory).field("limited_by", cell.limited_by);
        json.field(
            "largest_micro_batch_size",
            table.largest_micro_batch(method, length, card.context_memory, card.usable_memory));
        json.end_object();
      }
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace

namespace {

/// Native's arenas where it executes the training; else the account of the engine that would.
FitTable table_for(const ModelSpec& model, Method method, const AcceleratorSpec& card) {
  const bool native =
      method == Method::full && !model.is_moe() && !model.is_mla() && !model.attention.sinks;
  if (native) return {model, cuda_target()};
  return {model, method, fast::find_engine(fast::all_engines(), "torch"), card};
}

std::string origin_text(const FitTable& table) {
  return table.exact() ? "arenas exact for the native engine"
                       : "as PyTorch keeps it, by formulas held to published runs; native does not "
                         "execute it";
}

}  // namespace

int run_fit(const CommandLine& command_line) {
  const Help help{
      "fit",
      "MODEL [--gpu LIST] [--seq LIST]",
      "Does it fit? Peak memory of training with AdamW, by recomputation and sequence length.",
      {"aforo fit llama-3.1-8b", "aforo fit gpt2 --gpu rtx-3090,rtx-4090 --seq 512,1024",
       "aforo fit qwen2.5-7b --method qlora", "aforo fit mixtral-8x7b --method lora --gpu h100",
       "aforo fit path/to/config.json --gpu h100 --json"},
      "GiB at micro_batch_size 1 with gradient accumulation, context and libraries included. ok: "
      "at least 8 % free; "
      "!: less; no: does not fit."};
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>(),
                        "a name of `aforo models`, a YAML file, or a config.json")(
      "gpu", po::value<std::string>(), "accelerators, with commas; default: twelve usual cards")(
      "seq", po::value<std::string>(), "sequence lengths, with commas")(
      "method", po::value<std::string>(), "full (default), lora or qlora");
  const Arguments args(help, options, {"model"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const ModelSpec model = find_model(args.require("model"));
  const std::vector<AcceleratorSpec> devices = cards(args);
  const std::vector<int> lengths = sequence_lengths(args, model);
  const Method method = choice(args, "method", Method::full);
  FitTable table = table_for(model, method, devices.front());
  if (args.json()) return fmt::print("{}", as_json(table, model, devices, lengths)), 0;
  // A model that cannot be lowered is refused here, before half an answer is printed.
  table.cell(table.methods(Precision::bf16).front(), lengths.front(), 1);

  fmt::print(
      "{}: {} parameters, {} layers, GQA {}/{}, vocabulary {}   [{}; data sheet "
      "capacities]\n\n",
      paint(Colour::bold, model.name), format_count(count_parameters(model).total()),
      model.n_layers, model.attention.n_heads, model.attention.n_kv_heads,
      format_count(model.vocab_size), origin_text(table));
  if (devices.size() <= 3)
    for (const AcceleratorSpec& card : devices) print_card(table, card, lengths);
  else
    print_cards(table, devices, lengths);
  fmt::print(
      "{}\n",
      devices.size() <= 3
          ? "GiB at micro_batch_size 1; ok: at least 8 % free, !: less, no: does not fit."
          : "mbs: largest micro_batch_size up to 64, with the least recomputation that fits.");
  fmt::print("Next: aforo plan --model {} --gpu {}{} -o plan.yaml\n", args.require("model"),
             devices.front().name,
             method == Method::full ? "" : fmt::format(" --method {}", enum_name(method)));
  return 0;
}

}  // namespace aforo::cli
