// plan and run on several ranks: threads of the program, and processes of mpirun.

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

std::vector<double> losses_in(const Aforo& aforo, const std::string& log) {
  std::vector<double> result;
  std::istringstream lines(aforo.folder.read(log));
  for (std::string line; std::getline(lines, line);) {
    const boost::json::value record = boost::json::parse(line);
    if (record.at("kind") == "step") result.push_back(record.at("loss").to_number<double>());
  }
  return result;
}

/// Plans of one job that differ in ranks and sharding only.
void plan_ranks(const Aforo& aforo, const std::string& output, int n_steps, int n_ranks,
                const std::string& sharding = "ddp") {
  const Answer answer =
      aforo.plan(output, n_steps,
                 {"--ranks", std::to_string(n_ranks), "--sharding", sharding, "--precision", "fp32",
                  "--micro-batch-size", "1", "--deterministic"});
  CAPTURE(answer.err);
  REQUIRE(answer.code == 0);
}

std::string rank_refusal(const Aforo& aforo, const std::vector<std::string>& further) {
  const Answer answer = aforo.plan("refused.yaml", 4, further);
  CHECK(answer.code == 2);
  return answer.err;
}

}  // namespace

TEST_CASE("cli ranks: a deterministic plan gives the same losses on 1, 2 and 4 ranks") {
  const Aforo aforo;
  plan_ranks(aforo, "one.yaml", 6, 1);
  REQUIRE(aforo({"run", "one.yaml"}).code == 0);
  const std::vector<double> expected = losses_in(aforo, "one.run.jsonl");
  REQUIRE(expected.size() == 6);
  for (const auto& [name, n_ranks, sharding] :
       {std::tuple("two", 2, "zero2"), {"four", 4, "yafsdp"}}) {
    const std::string file = std::string(name) + ".yaml";
    plan_ranks(aforo, file, 6, n_ranks, sharding);
    const Answer run = aforo({"run", file});
    CAPTURE(run.err);
    CHECK(run.code == 0);
    CHECK(contains(run.out, std::to_string(n_ranks) + " ranks in this process, each cpu"));
    CHECK(contains(run.out, "tok/s"));
    CHECK(contains(run.out, "arena (bytes touched)"));
    CHECK(losses_in(aforo, std::string(name) + ".run.jsonl") == expected);
  }
}

TEST_CASE("cli ranks: what is interrupted on two ranks goes on with four, to the same losses") {
  const Aforo aforo;
  plan_ranks(aforo, "two.yaml", 40, 2, "zero1");
  plan_ranks(aforo, "four.yaml", 40, 4, "fsdp");
  REQUIRE(aforo({"run", "two.yaml", "--log", "whole.jsonl"}).code == 0);
  const Answer stopped = aforo.interrupted(
      {"run", "two.yaml", "--log", "part.jsonl", "--checkpoint", "checkpoints"}, "step     2/");
  CAPTURE(stopped.err);
  CHECK(stopped.code == 75);
  const std::vector<std::string> resume = {"run", "four.yaml", "--checkpoint", "checkpoints",
                                           "--resume"};
  std::vector<std::string> same_log = resume;
  same_log.insert(same_log.end(), {"--log", "part.jsonl"});
  CHECK(contains(aforo(same_log).err, "part.jsonl: is the log of program "));
  const Answer resumed = aforo(resume);
  CAPTURE(resumed.err);
  CHECK(resumed.code == 0);
  std::vector<double> losses = losses_in(aforo, "part.jsonl");
  const std::vector<double> rest = losses_in(aforo, "four.run.jsonl");
  losses.insert(losses.end(), rest.begin(), rest.end());
  CHECK(losses == losses_in(aforo, "whole.jsonl"));
}

TEST_CASE("cli ranks: what native cannot do on several ranks is refused by name") {
  const Aforo aforo;
  CHECK(
      contains(rank_refusal(aforo, {"--ranks", "3"}), "dp 3 does not divide global_batch_size 4"));
  CHECK(contains(rank_refusal(aforo, {"--ranks", "2", "--optimizer", "lion"}), "optimizer lion"));
  CHECK(contains(rank_refusal(aforo, {"--ranks", "4", "--sharding", "hsdp", "--shard-group", "3"}),
                 "shard_group is 3, which does not divide dp 4"));
  CHECK(contains(rank_refusal(aforo, {"--ranks", "2", "--sharding", "zero9"}), "zero9"));
  plan_ranks(aforo, "two.yaml", 4, 2);
  const Answer timeout = aforo({"run", "two.yaml", "--rank-timeout", "0"});
  CHECK(timeout.code == 2);
  CHECK(contains(timeout.err, "--rank-timeout is 0"));
}

TEST_CASE("cli ranks: estimate and dump show native's program on several devices") {
  const Aforo aforo;
  const Answer json = aforo({"estimate", "--model", "gpt2", "--gpu", "h100:8", "--engine", "native",
                             "--sharding", "zero3", "--json"});
  CAPTURE(json.err);
  REQUIRE(json.code == 0);
  const boost::json::value estimate = boost::json::parse(json.out);
  CHECK(estimate.at("plan").at("sharding") == "zero3");
  CHECK(estimate.at("sent_bytes_per_step").to_number<double>() > 7.0 / 8 * 124e6 * 8);
  const Answer dump = aforo(
      {"dump", "--model", "gpt-tiny", "--seq-len", "32", "--ranks", "2", "--sharding", "yafsdp"});
  CHECK(dump.code == 0);
  CHECK(contains(dump.out, "reduce_scatter"));
  CHECK(contains(dump.out, "L01.matrices.whole"));
  CHECK(contains(aforo({"estimate", "--model", "gpt2", "--gpu", "h100:8", "--engine", "torch",
                        "--deterministic"})
                     .err,
                 "--deterministic is an option of engine native"));
}

#ifdef AFORO_HAVE_MPI
namespace {

std::vector<std::string> mpirun(int n_ranks) {
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);  // containers
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
  // The MPI library keeps memory until the process ends.
  return {"mpirun", "-x", "ASAN_OPTIONS=detect_leaks=0", "-n", std::to_string(n_ranks)};
}

bool has_mpirun() {
  if (std::system("mpirun --version > /dev/null 2>&1") == 0) return true;
  MESSAGE("skipped: there is no mpirun in PATH");
  return false;
}

}  // namespace

TEST_CASE("cli ranks: processes under mpirun give the losses of threads, checkpoints included") {
  if (!has_mpirun()) return;
  const Aforo aforo;
  plan_ranks(aforo, "two.yaml", 6, 2, "zero3");
  REQUIRE(aforo({"run", "two.yaml", "--log", "threads.jsonl"}).code == 0);
  const Answer run = aforo.under(mpirun(2), {"run", "two.yaml", "--log", "processes.jsonl",
                                             "--steps", "4", "--checkpoint", "checkpoints"});
  CAPTURE(run.err);
  REQUIRE(run.code == 0);
  CHECK(contains(run.out, "2 ranks, each cpu"));
  const Answer rest = aforo.under(mpirun(2), {"run", "two.yaml", "--log", "processes.jsonl",
                                              "--checkpoint", "checkpoints", "--resume"});
  CAPTURE(rest.err);
  CHECK(rest.code == 0);
  CHECK(losses_in(aforo, "processes.jsonl") == losses_in(aforo, "threads.jsonl"));
}

TEST_CASE("cli ranks: a launcher that starts another number of ranks is told both") {
  if (!has_mpirun()) return;
  const Aforo aforo;
  plan_ranks(aforo, "two.yaml", 4, 2);
  const Answer answer = aforo.under(mpirun(3), {"run", "two.yaml"});
  CHECK(answer.code == 2);
  CHECK(contains(answer.err, "dp is 2, but the launcher started 3 ranks"));
}

TEST_CASE("cli ranks: a process that is killed or stopped is named, and all end") {
  if (!has_mpirun()) return;
  for (const std::string signal : {"STOP", "KILL"}) {
    CAPTURE(signal);
    const Aforo aforo;
    plan_ranks(aforo, "two.yaml", 100000, 2, "zero2");
    // What becomes rank 1 gets the signal in the middle of the run.
    aforo.folder.write("rank.sh",
                       "if [ \"$OMPI_COMM_WORLD_RANK\" = 1 ]; then\n"
                       "  (while ! grep -q 'step *3/' \"$OUT\"; do sleep 0.05; done; kill -" +
                           signal + " $$) &\nfi\nexec \"$@\"\n");
    setenv("OUT", (aforo.folder / "out").c_str(), 1);
    std::vector<std::string> launcher = mpirun(2);
    launcher.insert(launcher.end(), {"sh", "rank.sh"});
    const Answer answer =
        aforo.under(launcher, {"run", "two.yaml", "--rank-timeout", "5", "--evaluate-every", "0"});
    // mpirun ends all as soon as one is killed, and names it itself if it comes first.
    CHECK(contains(answer.err, signal == "KILL" ? "rank 1 " : "aforo: rank 1 did not come to "));
    CHECK(answer.code == (signal == "KILL" ? 128 + 9 : 7));  // mpirun gives the signal's
  }
}
#endif
