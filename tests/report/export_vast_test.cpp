// The guard is run with a stand-in for vastai: whatever happens, what was rented is destroyed.

#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/report/export_plans.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

/// Runs the script where one offer costs `dollars` an hour; returns its exit code.
int run_guard(const TemporaryFolder& folder, double dollars, double budget) {
  PlanFile file = test::export_plan_file("native", Sharding::ddp);
  ExportRequest request = test::request_of(file);
  request.budget_usd = budget;
  folder.write("vast.sh", export_plan(choose_target("vast", request), request).text);
  folder.write("plan.yaml", "the plan");
  folder.write("calls", "");
  folder.write("vastai",
               "#!/bin/bash\nprintf '%s|' \"$@\" >> calls\necho >> calls\ncase $1 in\n"
               "search) echo '[{\"id\": 5, \"dph_total\": " +
                   std::to_string(dollars) +
                   "}, {\"id\": 6, \"dph_total\": 99}]';;\n"
                   "create) echo '{\"new_contract\": 77}';;\nesac\n");
  return std::system(("cd " + folder.path().string() +
                      " && chmod +x vastai && PATH=.:$PATH bash vast.sh > out 2>&1")
                         .c_str()) /
         256;
}

bool has_python() { return std::system("command -v python3 > /dev/null") == 0; }

}  // namespace

TEST_CASE("export vast: the cheapest offer is rented, given the plan, and destroyed at the end") {
  if (!has_python()) return;  // the script itself needs it
  TemporaryFolder folder;
  CHECK(run_guard(folder, 10, 0.001) == 4);  // pays for 0 s
  const std::string calls = folder.read("calls");
  CHECK(contains(calls, "search|offers|gpu_name=H100_SXM num_gpus=8"));
  CHECK(contains(calls, "create|instance|5|--image|"));
  CHECK(contains(calls, "exec aforo run plan.yaml"));
  CHECK(contains(calls, "|C.77:/workspace/|"));
  CHECK(calls.ends_with("destroy|instance|77|-y|\n"));
}

TEST_CASE("export vast: no offer under the ceiling, nothing is rented") {
  if (!has_python()) return;
  TemporaryFolder folder;
  CHECK(run_guard(folder, 18, 100) == 4);  // 1.25 x 8 x 1.75 = 17.5
  CHECK(contains(folder.read("out"), "no offer at or below $17.50 an hour"));
  CHECK_FALSE(contains(folder.read("calls"), "create"));
}
