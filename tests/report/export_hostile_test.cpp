// Names and paths that try to be code: an export holds them as text, or not at all.

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/report/export_plans.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

const char* const hostile_name =
    "x'; touch pwned; \"$(touch pwned)`touch pwned`\"\n#SBATCH --exclusive\nrun: touch pwned\n"
    "\xe2\x80\xa8injected: true\n]]]\n\"\"\"\nimport os; os.system('touch pwned')\n\x1b[31m\\";

PlanFile hostile(PlanFile file) {
  file.job.model.name = file.job.data.path = file.prediction.price_source = hostile_name;
  return file;
}

std::string written(const ExportTarget& target, const PlanFile& file, const std::string& word) {
  ExportRequest request = test::request_of(file);
  request.plan_path = request.base_model = request.image = word;
  return export_plan(target, request).text;
}

/// A plan that the target can say.
PlanFile plan_for(const ExportTarget& target) {
  const std::vector<Sharding>& shardings = target.expresses.shardings;
  const std::vector<std::string>& engines = target.expresses.engines;
  PlanFile file = test::export_plan_file(engines.empty() ? "native" : engines.front(),
                                         shardings.empty() ? Sharding::ddp : shardings.back());
  file.job.data.path = "plain";
  return file;
}

/// Paths of every key below a YAML node.
void collect_keys(const YAML::Node& node, const std::string& path, std::set<std::string>& keys) {
  if (node.IsMap())
    for (const auto& entry : node) {
      const std::string key = path + "/" + entry.first.Scalar();
      keys.insert(key);
      collect_keys(entry.second, key, keys);
    }
}

std::set<std::string> keys_of(const std::string& text) {
  std::set<std::string> keys;
  collect_keys(YAML::Load(text), "", keys);
  return keys;
}

bool ends(const std::string& text, const char* ending) { return text.ends_with(ending); }

}  // namespace

TEST_CASE("export hostile names: structured files keep exactly their keys") {
  for (const ExportTarget& target : export_targets()) {
    const std::string file = target.file_name;
    if (!ends(file, ".yaml") && !ends(file, ".json")) continue;
    CAPTURE(target.name);
    const PlanFile tame = plan_for(target);
    const std::string attacked = written(target, hostile(tame), hostile_name);
    CHECK(keys_of(attacked) == keys_of(written(target, tame, "plain")));
    if (ends(file, ".json")) CHECK(boost::json::parse(attacked).is_object());
  }
}

TEST_CASE("export hostile names: no line more, and no directive, outside quoted words") {
  for (const ExportTarget& target : export_targets()) {
    CAPTURE(target.name);
    const PlanFile tame = plan_for(target);
    if (target.name == std::string("torchtitan")) continue;  // knows its models by name
    const std::string attacked = written(target, hostile(tame), hostile_name);
    const std::string plain = written(target, tame, "plain");
    const auto count = [](const std::string& text, const std::string& word) {
      std::size_t n = 0;
      for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
        ++n;
      return n;
    };
    CHECK(count(attacked, "\n#SBATCH") <= count(plain, "\n#SBATCH") + 2);  // inside quoted words
    if (ends(target.file_name, ".py") || ends(target.file_name, ".yaml") ||
        ends(target.file_name, ".json"))
      CHECK(count(attacked, "\n") == count(plain, "\n"));
  }
}

TEST_CASE("export hostile names: scripts run without running them") {
  TemporaryFolder folder;
  // Stand-ins that do nothing, so that every line of the scripts can be run here.
  for (const char* name : {"srun", "scontrol", "torchrun", "aforo", "vastai", "sleep"})
    folder.write(name, "#!/bin/sh\nexit 0\n");
  for (const ExportTarget& target : export_targets()) {
    const std::string file = target.file_name;
    if (!ends(file, ".sh") && !ends(file, ".sbatch")) continue;
    CAPTURE(target.name);
    folder.write("script", written(target, hostile(plan_for(target)), hostile_name));
    const std::string path = folder.path().string();
    const std::string command = "cd " + path + " && chmod +x srun scontrol torchrun aforo vastai " +
                                "sleep && PATH=.:$PATH bash script > out 2>&1";
    CHECK(std::system(("bash -n " + path + "/script").c_str()) == 0);
    static_cast<void>(std::system(command.c_str()));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "pwned"));
  }
}
