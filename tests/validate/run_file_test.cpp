#include "planner/validate/run_file.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"

using namespace aforo;
using namespace aforo::validate;

namespace {

constexpr const char* header = "id,gpu_class,framework,model_name,seq_len,global_batch_seqs,";

std::vector<Run> runs_of(const std::string& text) {
  return read_runs(CsvTable::parse(text, "runs.csv"));
}

std::string runs_error(const std::string& text) {
  try {
    runs_of(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("runs: step time comes from the rate where both are there, else as measured") {
  const auto runs = runs_of(std::string(header) +
                            "tokens_per_s_total,step_time_s\n"
                            "a,H100,x,m,1024,8,4096,9\n"
                            "b,H100,x,m,1024,8,,1.5\n"
                            "c,H100,x,m,1024,8,,\n");
  CHECK(*runs[0].step_time() == 2);
  CHECK(*runs[1].step_time() == 1.5);
  CHECK(!runs[2].step_time());
}

TEST_CASE("runs: missing degrees are 1, and what is not stated stays empty") {
  const Run run = runs_of(std::string(header) + "tp\na,H100,x,m,1024,8,\n").front();
  CHECK(run.tp == 1);
  CHECK(run.pp == 1);
  CHECK(run.vpp == 0);
  CHECK(run.micro_batch_seqs == 0);
  CHECK(run.precision.empty());
}

TEST_CASE("runs: bad values carry line, column, value and what was expected") {
  CHECK(runs_error("id,gpu_class\n") ==
        "runs.csv:1: there is no column \"framework\", which every run needs");
  CHECK(runs_error(std::string(header) + "tp\na,H100,x,m,many,8,1\n") ==
        "runs.csv:2: seq_len is \"many\"; expected a number, 0 or more");
  CHECK(runs_error(std::string(header) + "tp\na,H100,x,m,-4,8,1\n") ==
        "runs.csv:2: seq_len is \"-4\"; expected a number, 0 or more");
  CHECK(runs_error(std::string(header) + "tp\na,H100,x,m,9e18,8,1\n").find("at most") !=
        std::string::npos);
}
