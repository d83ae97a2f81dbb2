#include "planner/validate/run_file.h"

#include <fmt/format.h>

#include "planner/base/error.h"
#include "planner/base/numbers.h"

namespace aforo::validate {
namespace {

/// One row, read column by column.
class Row {
 public:
  Row(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}

  std::string text(const std::string& column) const { return table_.field(row_, column); }

  std::optional<double> number(const std::string& column) const {
    const std::string& field = table_.field(row_, column);
    if (field.empty()) return std::nullopt;
    const auto value = parse_number(field);
    if (!value || *value < 0) fail(column, "a number, 0 or more");
    return value;
  }

  /// A count; `missing` where the field is empty.
  std::int64_t count(const std::string& column, std::int64_t missing,
                     double limit = 2'000'000'000) const {
    const auto value = number(column);
    if (!value) return missing;
    if (*value > limit) fail(column, fmt::format("at most {:.0f}", limit));
    return static_cast<std::int64_t>(*value);
  }
  int small(const std::string& column, int missing = 0) const {
    return static_cast<int>(count(column, missing));
  }

  [[noreturn]] void fail(const std::string& column, const std::string& expected) const {
    throw InputError(fmt::format("{}:{}: {} is \"{}\"; expected {}", table_.name(),
                                 table_.line(row_), column, table_.field(row_, column), expected));
  }
  int line() const { return table_.line(row_); }

 private:
  const CsvTable& table_;
  std::size_t row_;
};

void read_model(const Row& row, Run& run) {
  run.model_name = row.text("model_name");
  run.n_params = row.count("n_params", 0, 1e15);
  run.n_layers = row.small("n_layers");
  run.d_model = row.small("d_model");
  run.n_heads = row.small("n_heads");
  run.n_kv_heads = row.small("n_kv_heads");
  run.d_ff = row.small("d_ff");
  run.vocab = row.count("vocab", 0);
}

void read_layout(const Row& row, Run& run) {
  run.gpu_count = row.small("gpu_count", 1);
  run.nodes = row.small("nodes");
  run.seq_len = row.small("seq_len");
  run.global_batch_seqs = row.small("global_batch_seqs");
  run.micro_batch_seqs = row.small("micro_batch_seqs");
  run.grad_accum = row.small("grad_accum");
  const std::pair<const char*, int*> degrees[] = {
      {"tp", &run.tp}, {"pp", &run.pp}, {"cp", &run.cp}, {"ep", &run.ep}};
  for (const auto& [column, value] : degrees) *value = std::max(1, row.small(column, 1));
  run.vpp = row.small("vpp");
  const std::pair<const char*, std::string*> words[] = {{"gpu", &run.gpu},
                                                        {"gpu_class", &run.gpu_class},
                                                        {"interconnect", &run.interconnect},
                                                        {"framework", &run.framework},
                                                        {"precision", &run.precision},
                                                        {"act_ckpt", &run.act_ckpt},
                                                        {"act_ckpt_detail", &run.act_ckpt_detail},
                                                        {"sharding", &run.sharding},
                                                        {"sharding_detail", &run.sharding_detail},
                                                        {"offload", &run.offload},
                                                        {"optimizer", &run.optimizer},
                                                        {"flash_attention", &run.flash_attention},
                                                        {"compile", &run.compile},
                                                        {"task", &run.task}};
  for (const auto& [column, value] : words) *value = row.text(column);
}

Run read_run(const Row& row) {
  Run run;
  run.line = row.line();
  run.id = row.text("id");
  run.repo = row.text("repo");
  run.family = row.text("family");
  run.quality = row.text("quality");
  run.notes = row.text("notes");
  run.date = row.text("date");
  read_model(row, run);
  read_layout(row, run);
  run.measured.tokens_per_s = row.number("tokens_per_s_total");
  run.measured.step_time_s = row.number("step_time_s");
  run.measured.peak_mem_gib = row.number("peak_mem_gib_per_gpu");
  run.measured.mem_kind = row.text("mem_kind");
  run.mem_detail = row.text("mem_detail");
  run.measured.oom = row.text("oom") == "true";
  return run;
}

}  // namespace

std::optional<double> Run::step_time() const {
  if (measured.tokens_per_s && *measured.tokens_per_s > 0 && global_batch_seqs > 0 && seq_len > 0)
    return static_cast<double>(global_batch_seqs) * seq_len / *measured.tokens_per_s;
  if (measured.step_time_s && *measured.step_time_s > 0) return measured.step_time_s;
  return std::nullopt;
}

std::vector<Run> read_runs(const std::string& path) { return read_runs(CsvTable::load_file(path)); }

std::vector<Run> read_runs(const CsvTable& table) {
  for (const char* column : {"id", "gpu_class", "framework", "model_name", "seq_len"})
    if (!table.has(column))
      throw InputError(fmt::format("{}:1: there is no column \"{}\", which every run needs",
                                   table.name(), column));
  std::vector<Run> runs;
  for (std::size_t i = 0; i < table.n_rows(); ++i) runs.push_back(read_run(Row(table, i)));
  return runs;
}

}  // namespace aforo::validate
