#include "runtime/core/launcher.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "planner/base/error.h"

using namespace aforo;

namespace {

/// Sets variables of the environment and takes them away again.
class LauncherVariables {
 public:
  void set(const char* name, const char* value) {
    setenv(name, value, 1);
    names_[n_++] = name;
  }
  ~LauncherVariables() {
    for (int i = 0; i < n_; ++i) unsetenv(names_[i]);
  }

 private:
  const char* names_[4] = {};
  int n_ = 0;
};

}  // namespace

TEST_CASE("launcher: without one there is one rank") {
  CHECK(read_launch().rank == 0);
  CHECK(read_launch().n_ranks == 1);
}

TEST_CASE("launcher: rank and number of ranks are those of mpirun and srun") {
  {
    LauncherVariables variables;
    variables.set("OMPI_COMM_WORLD_RANK", "2");
    variables.set("OMPI_COMM_WORLD_SIZE", "4");
    CHECK(read_launch().rank == 2);
    CHECK(read_launch().n_ranks == 4);
  }
  {
    LauncherVariables variables;
    variables.set("SLURM_PROCID", "1");
    variables.set("SLURM_NTASKS", "2");
    CHECK(read_launch().n_ranks == 1);  // inside a batch file, not started by srun
    variables.set("PMIX_RANK", "1");
    CHECK(read_launch().rank == 1);
    CHECK(read_launch().n_ranks == 2);
  }
}

TEST_CASE("launcher: numbers that make no sense are refused with both") {
  LauncherVariables variables;
  variables.set("PMI_RANK", "4");
  variables.set("PMI_SIZE", "4");
  CHECK_THROWS_WITH_AS(read_launch(),
                       "PMI_RANK is 4, but PMI_SIZE is 4; start again with the launcher", InputError);
  variables.set("PMI_RANK", "two");
  CHECK_THROWS_AS(read_launch(), InputError);
}
