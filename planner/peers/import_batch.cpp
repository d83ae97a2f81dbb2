// Flags of Hugging Face trainers and of Megatron-LM in the commands of a batch file.

#include <fmt/format.h>

#include "planner/base/numbers.h"
#include "planner/peers/batch_file.h"
#include "planner/peers/import.h"

namespace aforo {
namespace {

/// A flag of a trainer and the option it becomes; `value` "" takes the flag's own.
struct TrainerFlag {
  std::string_view flag, option, value;
};

/// In the order of preference where two flags become one option.
constexpr TrainerFlag trainer_flags[] = {
    {"--per-device-train-batch-size", "micro-batch-size", ""},
    {"--micro-batch-size", "micro-batch-size", ""},
    {"--global-batch-size", "global-batch-size", ""},
    {"--max-seq-length", "seq-len", ""},
    {"--max-length", "seq-len", ""},
    {"--model-max-length", "seq-len", ""},
    {"--cutoff-len", "seq-len", ""},
    {"--seq-length", "seq-len", ""},
    {"--tensor-model-parallel-size", "tp", ""},
    {"--pipeline-model-parallel-size", "pp", ""},
    {"--num-virtual-stages-per-pipeline-rank", "vpp", ""},
    {"--context-parallel-size", "cp", ""},
    {"--expert-model-parallel-size", "ep", ""},
    {"--use-distributed-optimizer", "sharding", "zero1"},
    {"--recompute-granularity", "recompute", ""},
    {"--gradient-checkpointing", "recompute", "full"},
    {"--bf16", "precision", "bf16"},
    {"--fp16", "precision", "fp16"},
    {"--max-steps", "steps", ""},
    {"--train-iters", "steps", ""},
    {"--learning-rate", "learning-rate", ""},
    {"--lr", "learning-rate", ""},
};

/// Whole numbers and words only: what else stands there is a shell variable.
bool is_usable(std::string_view option, const std::string& value) {
  if (option == "recompute") return value == "full" || value == "selective";
  if (option == "learning-rate") return parse_number(value).has_value();
  const auto number = parse_integer(value);
  return number && *number >= 1 && *number <= (1 << 27);
}

void import_flags(Importer& in, const BatchCommand& command) {
  for (const TrainerFlag& known : trainer_flags) {
    const auto value = flag_value(command.text, known.flag);
    if (!value || *value == "False" || *value == "false") continue;
    if (!known.value.empty())
      in.take_at(known.option, std::string(known.value), command.place, std::string(known.flag));
    else if (is_usable(known.option, *value))
      in.take_at(known.option, *value, command.place, fmt::format("{} {}", known.flag, *value));
    else
      in.note(fmt::format("{}: {} is not read: its value is no plain number", command.place,
                          known.flag));
  }
}

void import_engine(Importer& in, const BatchCommand& command) {
  const auto says = [&](std::string_view word) {
    return command.text.find(word) != std::string::npos;
  };
  if (says("pretrain_gpt"))
    in.take_at("engine", "megatron", command.place, "pretrain_gpt");
  else if (says("--deepspeed") || says("deepspeed "))
    in.take_at("engine", "deepspeed", command.place, "deepspeed");
  for (const char* flag : {"--deepspeed", "--config-file"})
    if (const auto path = flag_value(command.text, flag); path && !path->empty())
      in.note(fmt::format("{}: {} {} is a file of its own: estimate from it too", command.place,
                          flag, *path));
}

}  // namespace

void import_sbatch(Importer& in) {
  std::optional<std::int64_t> accum;
  for (const BatchCommand& command : in.batch().commands) {
    import_engine(in, command);
    import_flags(in, command);
    if (const auto value = flag_value(command.text, "--gradient-accumulation-steps"))
      accum = slurm_count(*value);
  }
  const ImportedSetting* micro = in.plan().find("micro-batch-size");
  const std::int64_t n = batch_devices(in.batch()).total;
  if (micro != nullptr && accum && n > 0)
    in.take_at("global-batch-size",
               batch_of(static_cast<double>(*parse_integer(micro->value)),
                        static_cast<double>(*accum), static_cast<double>(n)),
               micro->place,
               fmt::format("micro {} x accumulation {} x {} devices", micro->value, *accum, n));
  const ImportedSetting* engine = in.plan().find("engine");
  if (engine != nullptr && engine->value == "deepspeed")
    in.assume("sharding", "zero2", "the ZeRO stage stands in another file; give --sharding");
  in.assume("recompute", "none", "no command says; give --recompute");
}

}  // namespace aforo
