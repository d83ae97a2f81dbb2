// Claims where physics knows the answer.

#include <doctest/doctest.h>

#include "planner/explain/judge.h"
#include "tests/explain/world.h"

using namespace aforo;
using explain::Row;
using explain::VerdictKind;
using test::Question;

TEST_CASE("explain: bf16 against fp32 on an A100 gives much to a large model, less to a tiny one") {
  const Row large = Question("llama-2-7b", "a100-80", 1, 2048).row("bf16_over_fp32");
  const Row tiny = Question("gpt2", "a100-80", 1, 64).row("bf16_over_fp32");
  CHECK(large.effect.speedup() > 4);
  CHECK(large.effect.speedup() < 16);  // 312 over 19.5 TFLOP/s
  CHECK(tiny.effect.speedup() < 0.5 * large.effect.speedup());
}

TEST_CASE("explain: where peaks differ twofold, 16 bits are at most twice as fast as fp32") {
  const Row row = Question("qwen2.5-1.5b", "rtx-4090", 1, 2048).row("bf16_over_fp32");
  CHECK(row.effect.speedup() <= 2.0);
  CHECK(row.effect.speedup() > 1.5);
  CHECK(row.verdict.kind == VerdictKind::fails);
}

TEST_CASE("explain: mixed precision does not halve the memory of states") {
  const Row row = Question("llama-2-7b", "a100-80", 1, 2048).row("bf16_over_fp32");
  CHECK(row.effect.is.states() == doctest::Approx(row.effect.was.states()));
  CHECK(row.effect.saved() < 0.45);
}

TEST_CASE("explain: ZeRO-3 divides states by the number of devices, ZeRO-1 only some of them") {
  const Question question("llama-3.1-8b", "h100", 8, 2048);
  const Row three = question.row("zero3"), one = question.row("zero1"), two = question.row("zero2");
  CHECK(three.effect.was.states() / three.effect.is.states() == doctest::Approx(8).epsilon(0.02));
  // 2 weight + 2 gradient + 12 / 8 of 16 bytes; without gradients of 2.
  CHECK(one.effect.was.states() / one.effect.is.states() ==
        doctest::Approx(16 / 5.5).epsilon(0.02));
  CHECK(two.effect.was.states() / two.effect.is.states() ==
        doctest::Approx(16 / 3.75).epsilon(0.02));
  CHECK(three.verdict.kind == VerdictKind::fails);  // eight is less than ten
}

TEST_CASE("explain: ZeRO-3 on sixteen devices makes the states more than ten times smaller") {
  const Row row = Question("llama-3.1-8b", "h100", 16, 2048).row("zero3");
  CHECK(row.effect.was.states() / row.effect.is.states() > 10);
  CHECK(row.verdict.kind == VerdictKind::partly);  // not ten times faster
}

TEST_CASE("explain: full recomputation adds the forward pass again and leaves layer inputs") {
  const Question question("llama-2-7b", "a100-80", 1, 2048, 4);
  const Row row = question.row("recompute_full");
  const auto& was = row.effect.was.time;
  const auto& is = row.effect.is.time;
  // Forward is a third of forward and backward: half of the rest is added.
  const double layers = was.products + was.attention + was.passes;
  CHECK(is.recompute / layers > 0.28);
  CHECK(is.recompute / layers < 0.40);
  CHECK(row.effect.is.step_s > 1.2 * row.effect.was.step_s);
  // 32 inputs of 4 x 2048 x 4096 elements of two bytes, and the final norm's in and out.
  const double inputs = (32 + 2) * 4.0 * 2048 * 4096 * 2;
  CHECK(row.effect.is.kept == doctest::Approx(inputs).epsilon(0.02));
}

TEST_CASE("explain: selective recomputation costs less time than full and keeps more") {
  const Question question("llama-2-7b", "a100-80", 1, 2048, 4);
  const Row some = question.row("recompute_selective"), all = question.row("recompute_full");
  CHECK(some.effect.is.step_s < all.effect.is.step_s);
  CHECK(some.effect.is.kept > all.effect.is.kept);
  CHECK(some.effect.is.kept < some.effect.was.kept);
}

TEST_CASE("explain: what YaFSDP saves over FSDP shrinks as sequences grow") {
  double last = 1;
  for (const int seq_len : {2048, 4096, 8192, 16384}) {
    const Row row = Question("llama-2-7b", "a100-80", 64, seq_len).row("yafsdp");
    const double saved = 1 - row.effect.is.step_s / row.effect.was.step_s;
    CAPTURE(seq_len);
    CHECK(saved > 0);
    CHECK(saved < last);
    last = saved;
  }
}

TEST_CASE("explain: LoRA trains less than one per cent of the parameters") {
  const Question question("llama-3.1-8b", "h100", 1, 2048);
  const Row row = question.row("lora");
  const double share = explain::trained_parameters(row.effect.after.setup) /
                       explain::trained_parameters(row.effect.before.setup);
  CHECK(share < 0.01);
  CHECK(share > 0.001);
  CHECK(row.effect.is.device_bytes < row.effect.was.device_bytes);
  // peft counts 41,943,040 for rank 16 on all matrices of Llama 3.1 8B.
  CHECK(explain::trained_parameters(row.effect.after.setup) == 41'943'040);
}

TEST_CASE("explain: an 8-bit optimizer takes three quarters of the moments and nothing else") {
  const Row row = Question("llama-3.1-8b", "h100", 1, 2048).row("optimizer_8bit");
  const auto& was = row.effect.was.memory;
  const auto& is = row.effect.is.memory;
  CHECK(is.optimizer_states == doctest::Approx(was.optimizer_states / 4).epsilon(0.03));
  CHECK(is.master == was.master);
}

TEST_CASE("explain: more devices are never more than n times as fast") {
  const Question question("llama-3.1-8b", "h100", 4, 2048);
  CHECK(question.row("devices_x2").effect.speedup() <= 2);
  CHECK(question.row("devices_x4").effect.speedup() <= 4);
  CHECK(question.row("devices_x4").effect.is.usd >= question.row("devices_x2").effect.is.usd);
}
