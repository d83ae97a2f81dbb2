// `aforo estimate`, `plan` and `validate` where layouts, other engines and published runs come in.

#include <doctest/doctest.h>

#include "tests/cli/json_answer.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;
using test::number;
using test::parsed;

namespace json = boost::json;

namespace {

/// Two runs of one family: one as PyTorch would take some time for it, one that did not fit.
constexpr const char* two_runs =
    "id,repo,family,quality,gpu,gpu_class,gpu_count,nodes,framework,model_name,n_layers,d_model,"
    "n_heads,n_kv_heads,d_ff,vocab,seq_len,global_batch_seqs,micro_batch_seqs,precision,act_ckpt,"
    "sharding,tp,pp,cp,ep,tokens_per_s_total,oom\n"
    "a,src,fam,A,H100,H100-80GB,8,1,torchtitan,Llama-3-8B,32,4096,32,8,14336,128256,8192,16,2,bf16,"
    "full,fsdp,1,1,1,1,45000,false\n"
    "b,src,fam,A,H100,H100-80GB,1,1,torchtitan,Llama-3-70B,80,8192,64,8,28672,128256,8192,1,1,bf16,"
    "none,none,1,1,1,1,,true\n";

}  // namespace

TEST_CASE("cli estimate: a layout's parts add up, and its interval holds its middle") {
  const Aforo aforo;
  const json::object e =
      parsed(aforo({"estimate", "--model", "llama-3.1-70b", "--gpu", "h100:64", "--tp", "8", "--pp",
                    "2", "--sharding", "zero1", "--seq-len", "4096", "--global-batch-size", "64",
                    "--price", "2 USD/h", "--json"}));
  CHECK(e.at("engine") == "megatron");
  CHECK_FALSE(e.at("executed_by_native").as_bool());
  CHECK(e.at("plan").at("dp") == 4);
  double sum = 0;
  for (const auto& part : e.at("time_by_part_s").as_object()) sum += number(part.value());
  const double step = number(e.at("step_time_s").at("mid"));
  CHECK(sum <= step * 1.000001);
  CHECK(sum > 0.95 * step);  // the rest: stragglers
  CHECK(number(e.at("step_time_s").at("low")) < step);
  CHECK(number(e.at("step_time_s").at("high")) > step);
  CHECK(number(e.at("cost_usd").at("mid")) ==
        doctest::Approx(2 * number(e.at("device_hours").at("mid"))));
  CHECK(e.at("why").as_array().size() > 10);
  CHECK(e.at("phases").as_array().size() == 8);
}

TEST_CASE("cli estimate: what an engine does not do is refused with both names") {
  const Aforo aforo;
  const auto refused = [&](std::vector<std::string> options, const char* expected) {
    std::vector<std::string> args{"estimate", "--model", "llama-3.1-8b", "--gpu", "h100:8"};
    args.insert(args.end(), options.begin(), options.end());
    const Answer answer = aforo(args);
    CAPTURE(answer.err);
    CHECK(answer.code == 2);
    CHECK(contains(answer.err, expected));
    CHECK(answer.out.empty());
  };
  refused({"--tp", "3"}, "tp 3 x pp 1 x cp 1 = 3 does not divide the 8 devices");
  refused({"--tp", "8", "--engine", "yafsdp"}, "engine yafsdp does not do tp 8");
  refused({"--engine", "tourch"}, "did you mean torch");
  refused({"--sharding", "zero9"}, "--sharding is \"zero9\"; expected ddp, zero1");
  refused({"--method", "qlora", "--engine", "megatron"}, "does not do method qlora");
  refused({"--global-batch-size", "7"}, "does not divide global_batch_size 7");
  refused({"--sharding", "zero++", "--engine", "native"}, "native cannot execute sharding zero++ yet");
  refused({"--offload-states", "nvme", "--engine", "native"},
          "native does not do offload of states");
  refused({"--offload-states", "nvme", "--engine", "llmq"}, "offload of states to nvme");
  refused({"--sharding", "zero3", "--engine", "deepspeed", "--zeropp", "qwz"},
          "--zeropp needs --sharding zero++; it is zero3");
  refused({"--sharding", "zero++", "--zeropp", "qwq"}, "expected a list of qwz");
  refused({"--pp", "2", "--pipeline-schedule", "zb_h2", "--engine", "megatron"},
          "megatron does not do pipeline_schedule zb_h2");
  refused({"--pipeline-schedule", "zb_h1"}, "needs pp above 1 and vpp 1");
  refused({"--pp", "4", "--first-stage-layers", "9", "--last-stage-layers", "6"},
          "leave 17 of 32 layers for the 2 stages between them");
  refused({"--offload-activations", "nvme", "--engine", "torch"}, "offload of activations to nvme");
}

TEST_CASE(
    "cli estimate: zero++, nvme, zero-bubble and uneven stages are planned for engines that do") {
  const Aforo aforo;
  const auto estimated = [&](std::vector<std::string> options) {
    std::vector<std::string> args{"estimate", "--model",     "llama-3.1-8b", "--gpu",
                                  "h100:64",  "--recompute", "full",         "--global-batch-size",
                                  "64",       "--json"};
    args.insert(args.end(), options.begin(), options.end());
    const json::object e = parsed(aforo(args));
    CHECK_FALSE(e.at("executed_by_native").as_bool());
    return e;
  };
  const json::object plus = estimated({"--sharding", "zero++", "--zeropp", "qwz,qgz"});
  CHECK(plus.at("engine") == "deepspeed");
  CHECK(plus.at("plan").at("zeropp") == "qwz, qgz");
  const json::object nvme = estimated({"--sharding", "zero3", "--offload-states", "nvme"});
  CHECK(number(nvme.at("memory").at("disk_bytes")) > 1e9);
  const json::object zb = estimated({"--pp", "4", "--pipeline-schedule", "zb_h2"});
  CHECK(zb.at("engine") == "megatron-zb");
  const json::object uneven =
      estimated({"--pp", "4", "--first-stage-layers", "9", "--last-stage-layers", "5"});
  CHECK(uneven.at("plan").at("last_stage_layers") == 5);
  CHECK(number(uneven.at("step_time_s").at("mid")) > 0);
}

TEST_CASE("cli estimate: examples are packed or padded, and half a description is refused") {
  const Aforo aforo;
  const std::vector<std::string> base{"estimate",
                                      "--model",
                                      "llama-3.1-8b",
                                      "--gpu",
                                      "h100:8",
                                      "--method",
                                      "lora",
                                      "--examples",
                                      "52K",
                                      "--lengths",
                                      "256:0.5, 2048:0.5",
                                      "--epochs",
                                      "3"};
  const auto with = [&](std::vector<std::string> options) {
    std::vector<std::string> args = base;
    args.insert(args.end(), options.begin(), options.end());
    return aforo(args);
  };
  const json::object packed = parsed(with({"--seq-len", "4096", "--json"}));
  const json::object padded = parsed(with({"--batching", "padding", "--json"}));
  CHECK(packed.at("n_tokens") == 52000 * 3 * 1152);
  CHECK(padded.at("n_tokens") == packed.at("n_tokens"));
  CHECK(padded.at("seq_len") == 2048);
  CHECK(padded.at("n_steps") == 52000 * 3 / 8);
  CHECK(number(padded.at("examples").at("tokens_in_time")) > 2000);  // one of eight ranks has it
  CHECK(contains(with({"--batching", "padding"}).out, "the longest batch decides the memory"));
  CHECK(contains(with({"--tokens", "1B"}).err, "--examples and --tokens both say"));
  CHECK(contains(with({"--batching", "pad"}).err, "expected packing, padding"));
  const Answer alone = aforo({"estimate", "--model", "gpt2", "--gpu", "t4", "--lengths", "5"});
  CHECK(contains(alone.err, "--lengths needs --examples"));
}

TEST_CASE(
    "cli estimate: the optimal recomputation keeps within the limit and is priced beside others") {
  const Aforo aforo;
  const auto optimal = [&](const char* limit) {
    return aforo({"estimate", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--sharding", "fsdp",
                  "--seq-len", "4096", "--micro-batch-size", "2", "--global-batch-size", "16",
                  "--recompute", "optimal", "--memory-limit", limit, "--json"});
  };
  double last = 1e9;
  for (const char* limit : {"40 GiB", "55 GiB", "70 GiB"}) {
    const json::object e = parsed(optimal(limit));
    const json::array& choices = e.at("recompute_choices").as_array();
    REQUIRE(choices.size() == 5);
    CHECK(choices[3].at("name") == "optimal");
    CHECK(number(choices[3].at("device_bytes")) <= number(e.at("recompute_limit_bytes")));
    CHECK(number(choices[3].at("step_time_s")) <= last);
    CHECK(number(choices[3].at("step_time_s")) ==
          doctest::Approx(number(e.at("step_time_s").at("mid"))));
    last = number(choices[3].at("step_time_s"));
  }
  CHECK(contains(optimal("70").err, "--memory-limit is \"70\""));
}

TEST_CASE("cli plan: layouts over cards, ranked; within budget; infeasible with the way out") {
  const Aforo aforo;
  const json::object found = parsed(
      aforo({"plan", "--model", "llama-3.1-8b", "--gpu", "h100:8,a100-80:8", "--tokens", "1B",
             "--seq-len", "4096", "--global-batch-size", "64", "--price", "2 USD/h", "--json"}));
  const json::array& ranked = found.at("ranked").as_array();
  REQUIRE(ranked.size() > 3);
  double before = 0;
  for (const json::value& layout : ranked) {
    CHECK(number(layout.at("hours").at("mid")) >= before * 0.989);  // simpler plans may come first
    before = number(layout.at("hours").at("mid"));
    CHECK(number(layout.at("memory").at("device_bytes").at("mid")) <=
          0.95 * number(layout.at("memory").at("capacity_bytes")));
  }
  const double cheapest = number(found.at("pareto").as_array().back().at("cost_usd").at("mid"));
  const Answer poor = aforo({"plan", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--tokens", "1B",
                             "--seq-len", "4096", "--global-batch-size", "64", "--price", "2 USD/h",
                             "--budget-usd", std::to_string(cheapest / 10)});
  CHECK(poor.code == 4);
  CHECK(contains(poor.err, "without budget and deadline"));
  const Answer big = aforo({"plan", "--model", "llama-3.1-405b", "--gpu", "rtx-4090:2"});
  CHECK(big.code == 3);
  CHECK(contains(big.err, "does not fit in device memory"));
}

TEST_CASE("cli plan: a layout's file comes back, and run refuses it by engine") {
  const Aforo aforo;
  const std::string path = (aforo.folder / "layout.yaml");
  CHECK(aforo({"plan", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--tokens", "1B", "-o", path})
            .code == 0);
  const Answer run = aforo({"run", path});
  CHECK(run.code == 2);
  CHECK(contains(run.err, "`aforo run` executes native plans"));
}

TEST_CASE("cli validate: rows, errors and verdicts of a small file; bad input with its place") {
  const Aforo aforo;
  const std::string path = aforo.folder.write("runs.csv", two_runs);
  const json::object v = parsed(aforo({"validate", "--runs", path, "--json"}));
  const json::value& all = v.at("all");
  CHECK(all.at("rows") == 2);
  CHECK(all.at("tokens_per_s").at("rows") == 1);
  CHECK(number(all.at("tokens_per_s").at("median")) < 0.5);
  CHECK(all.at("oom_rows") == 1);
  CHECK(all.at("oom_caught") == 1);
  CHECK(all.at("fit_passed") == 1);
  for (const char* rival : {"one_mfu", "mfu_per_card", "six_nd", "calculon_like"})
    CHECK(all.at("rivals").as_object().contains(rival));
  const std::string bad =
      aforo.folder.write("bad.csv", replaced(two_runs, ",8192,16,2,", ",long,16,2,"));
  const Answer refused = aforo({"validate", "--runs", bad});
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "bad.csv:2: seq_len is \"long\""));
  CHECK(aforo({"validate", "--runs", path, "--by", "colour"}).code == 2);
  CHECK(aforo({"validate", "--runs", (aforo.folder / "none.csv")}).code == 2);
}
