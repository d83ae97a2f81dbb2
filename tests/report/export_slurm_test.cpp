// The batch file is run with stand-ins for srun and scontrol.

#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/report/export_plans.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

/// Runs the batch file where every step does `step`; returns its exit code.
int run_batch(const TemporaryFolder& folder, const ExportRequest& request,
              const std::string& step) {
  folder.write("job.sbatch", export_plan(choose_target("slurm", request), request).text);
  folder.write("srun", "#!/bin/bash\nprintf '%s\\n' \"$@\" > srun.args\n" + step + "\n");
  folder.write("scontrol",
               "#!/bin/bash\nif [ \"$1\" = show ]; then echo node1; echo node2; else echo \"$@\" > "
               "requeued; fi\n");
  folder.write("requeued", "");
  const std::string path = folder.path().string();
  const int status =
      std::system(("cd " + path +
                   " && chmod +x srun scontrol && PATH=.:$PATH SLURM_JOB_ID=7 SLURM_NNODES=2 "
                   "SLURM_JOB_NODELIST=node[1-2] bash job.sbatch > out 2>&1")
                      .c_str());
  return status / 256;
}

}  // namespace

TEST_CASE("export slurm: 75 puts the job back into the queue, other codes end it") {
  TemporaryFolder folder;
  const PlanFile file = test::export_plan_file("native", Sharding::ddp);
  const ExportRequest request = test::request_of(file);
  CHECK(run_batch(folder, request, "exit 75") == 75);
  CHECK(folder.read("requeued") == "requeue 7\n");
  CHECK(run_batch(folder, request, "exit 0") == 0);
  CHECK(folder.read("requeued") == "");
  CHECK(run_batch(folder, request, "exit 5") == 5);
  CHECK(folder.read("requeued") == "");
  CHECK(contains(folder.read("srun.args"), "aforo run plan.yaml --checkpoint checkpoints"));
}

TEST_CASE("export slurm: a signal before the time limit reaches the step, whose code then counts") {
  TemporaryFolder folder;
  const PlanFile file = test::export_plan_file("native", Sharding::ddp);
  const std::string step =
      "trap 'exit 75' TERM\nkill -TERM $PPID\nfor i in $(seq 100); do sleep 0.05; done\nexit 1";
  CHECK(run_batch(folder, test::request_of(file), step) == 75);
  CHECK(folder.read("requeued") == "requeue 7\n");
}

TEST_CASE("export slurm: nodes, tasks, devices and time limit follow the plan") {
  PlanFile file = test::export_plan_file("native", Sharding::ddp, 16);
  const std::string native = test::exported(file, "slurm").text;
  CHECK(contains(native,
                 "#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=8\n#SBATCH --gpus-per-node=8"));
  // 1.2 x 3000 s and half an hour
  CHECK(contains(native, "#SBATCH --time=0-01:30:00\n"));
  file.plan.engine = "torch";
  CHECK(contains(test::exported(file, "slurm").text, "#SBATCH --ntasks-per-node=1\n"));
}

TEST_CASE("export slurm: a training script that is not named stops the job before it starts") {
  TemporaryFolder folder;
  const PlanFile file = test::export_plan_file("torch", Sharding::fsdp);
  ExportRequest request = test::request_of(file);
  CHECK(run_batch(folder, request, "exit 0") != 0);
  CHECK(contains(folder.read("out"), "set TRAIN to your training script"));
  request.command = "python3 train.py --name \"it's\"";
  CHECK(run_batch(folder, request, "exec \"${@:2}\" ") != 0);  // there is no train.py
  CHECK(contains(folder.read("srun.args"), "python3 train.py --name \"it's\""));
}
