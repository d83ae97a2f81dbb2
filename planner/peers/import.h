#pragma once
// A configuration file as options of `aforo estimate`: what it says is taken, what it leaves open
// is assumed, and both are named.

#include <string>
#include <vector>

#include "planner/peers/peer_file.h"

namespace aforo {

struct ImportedSetting {
  std::string option;  ///< of `aforo estimate`, "micro-batch-size"; "" for what has none
  std::string value;
  std::string place;  ///< "ds_config.json:3:5"; "" for what is assumed
  std::string why;    ///< "train_micro_batch_size_per_gpu is 4"; of what is assumed, the reason
};

struct ImportedPlan {
  std::vector<ImportedSetting> settings;
  std::vector<std::string> notes;  ///< what the file says and an estimate does not look at
  int n_devices = 0;               ///< that the file asks for; 0: it does not say

  const ImportedSetting* find(std::string_view option) const;
};

/// `n_devices`: of --gpu; 0 if it has no count, then the file's. Throws InputError for values that
/// no estimate can be made of, with their place.
ImportedPlan import_plan(const PeerFile& file, int n_devices = 0);

/// Sequences of a step as an option's value; at most 2^27, which no estimate takes.
std::string batch_of(double micro, double accum, double n_devices);

/// Collects settings; the importers of each kind fill it.
class Importer {
 public:
  Importer(const PeerFile& file, ImportedPlan& plan) : file_(file), plan_(plan) {}
  const YamlNode& root() const { return *file_.root; }
  const BatchFile& batch() const { return file_.batch; }
  ImportedPlan& plan() { return plan_; }
  /// What the value at `path` says.
  void take(std::string_view path, std::string_view option, const std::string& value);
  void take_at(std::string_view option, const std::string& value, const std::string& place,
               const std::string& why);
  void assume(std::string_view option, const std::string& value, const std::string& why);
  void note(std::string text) { plan_.notes.push_back(std::move(text)); }
  bool has(std::string_view option) const { return plan_.find(option) != nullptr; }
  /// A whole number of 1 to 2^27 at `path`; nothing without or for "auto".
  std::optional<std::int64_t> count(std::string_view path) const;
  void take_number(std::string_view path, std::string_view option);
  /// By the names that trainers give optimizers.
  void take_optimizer(std::string_view path);
  /// "ddp" to "zero3" by the stage at `path`; false without one.
  bool take_zero_stage(std::string_view path);
  /// The batch of a step from micro-batch, the accumulation at `path`, and devices.
  void set_batch(std::int64_t micro, std::string_view path, int n_devices);

 private:
  const PeerFile& file_;
  ImportedPlan& plan_;
};

void import_accelerate(Importer& in, int n_devices);
void import_axolotl(Importer& in, int n_devices);
void import_deepspeed(Importer& in, int n_devices);
/// Flags of the trainers that the commands of a batch file start.
void import_sbatch(Importer& in);

}  // namespace aforo
