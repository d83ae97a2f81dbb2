// Sections against what they are made of.

#include "planner/report/sections/sections.h"

#include <doctest/doctest.h>

#include <numeric>

#include "planner/lower/lower.h"
#include "planner/spec/hardware_file.h"
#include "tests/support/text.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

struct Small {
  TrainingJob job = tiny::job(tiny::llama(), 8);
  Plan plan;
  StepProgram program;
  Estimate estimate;
  DeviceLine device{"rtx-4090", 1, Origin::spec, DollarsPerHour(2), "given"};

  Small() {
    plan.recompute.assign(2, Recompute::none);
    plan.micro_batch_size = 2;
    program = lower(job, plan, cuda_target());
    estimate = simulate(program, job, plan, *spec_cost_model(find_accelerator("rtx-4090")));
  }
  PlanView view(const char* name = "plan.yaml") const {
    return view_of(job, plan, program, estimate, device, name);
  }
};

double last_sum(const Chart& chart, std::size_t op) {
  double sum = 0;
  for (const Series& series : chart.series) sum += series.y[op];
  return sum;
}

}  // namespace

TEST_CASE("sections: memory over a step peaks where the plan of memory says, with its bytes") {
  const Small small;
  const PageSection section = memory_over_step(small.program, small.estimate);
  const MemoryPlan& memory = small.program.memory;
  const double at_peak = std::accumulate(
      memory.at_peak.begin(), memory.at_peak.end(), 0.0,
      [](double sum, Bytes bytes) { return sum + static_cast<double>(bytes.value); });
  CHECK(last_sum(*section.chart, memory.peak_op) * gibi == doctest::Approx(at_peak));
  for (std::size_t op = 0; op < small.program.ops.size(); ++op)
    CHECK(last_sum(*section.chart, op) * gibi <= at_peak * (1 + 1e-12));
  CHECK(contains(section.lead, "\"" + describe(small.program.ops[memory.peak_op].label) + "\""));
}

TEST_CASE("sections: the time line has every op of a step once, end to end") {
  const Small small;
  const PageSection section = time_line(small.program, small.estimate);
  std::size_t n_spans = 0;
  double end = 0, busy = 0;
  for (const Series& series : section.chart->series)
    for (std::size_t i = 0; i < series.y.size(); ++i) {
      ++n_spans;
      end = std::max(end, series.y[i]);
      busy += series.y[i] - series.from[i];
    }
  std::size_t n_ops = 0;
  for (const Section& part : small.program.sections)
    if (part.repeat > 0) n_ops += part.size();
  CHECK(n_spans == n_ops);
  CHECK(busy == doctest::Approx(end));
  CHECK(section.table->rows().size() == 20);
}

TEST_CASE("sections: parts of memory and time add up to the whole") {
  const Small small;
  const PlanView view = small.view();
  double bytes = 0, seconds = 0;
  for (const NamedPart& part : view.memory_parts) bytes += part.value;
  for (const NamedPart& part : view.time_parts) seconds += part.value;
  CHECK(bytes == doctest::Approx(view.memory.mid));
  CHECK(seconds == doctest::Approx(view.step_time.mid).epsilon(0.001));
  CHECK(view.usd->mid == doctest::Approx(2 * view.device_hours.mid));
}

TEST_CASE("sections: the answer says whether it fits, how long and how much") {
  const Small small;
  const Page page = page_of({small.view()});
  CHECK(page.tone == Tone::good);
  CHECK(contains(page.answer, "Fits: "));
  CHECK(contains(page.answer, "; takes "));
  CHECK(contains(page.answer, "; costs $"));
  PlanView big = small.view();
  big.verdict = Verdict::too_big;
  big.usd.reset();
  CHECK(contains(answer_text(big), "Does not fit: "));
  CHECK_FALSE(contains(answer_text(big), "costs"));
}

TEST_CASE("sections: money against time needs two plans with a price") {
  const Small small;
  PlanView free = small.view("free");
  free.usd.reset();
  CHECK_FALSE(money_against_time({small.view(), free}, {}, {}));
  const auto section = money_against_time({small.view("a"), small.view("b")}, 100, 5);
  REQUIRE(section);
  CHECK(section->chart->limit->value == 100);
  CHECK(section->chart->x_limit->value == 5);
}

TEST_CASE("sections: money over a run is time by price, and goes on at the rate so far") {
  const std::vector<RunPoint> points = {{0, 5, 1800}, {1, 4, 5400}};
  const PageSection section = burn_down(points, 10, 3, 20, 40);
  CHECK(section.chart->series[0].y[0] == doctest::Approx(1.5));
  CHECK(section.chart->series[0].y[1] == doctest::Approx(6));
  CHECK(section.chart->series[1].y[1] == doctest::Approx(4));
  CHECK(contains(section.lead, "2 of 10 steps for $6.00; at this rate the whole job costs $30.00"));
}

TEST_CASE("sections: ops are told apart by 10 %, those that did not run are left out") {
  Comparison comparison;
  comparison.predicted_step = Seconds(1);
  comparison.measured_step = Seconds(1.5);
  comparison.ops = {{"a", "gemm", "fwd", 1, Seconds(1), Seconds(1.05)},
                    {"b", "gemm", "fwd", 1, Seconds(1), Seconds(1.2)},
                    {"c", "gemm", "fwd", 1, Seconds(1), Seconds(0)}};
  const PageSection section = predicted_against_measured(comparison);
  REQUIRE(section.chart->series.size() == 2);
  CHECK(section.chart->series[0].labels == std::vector<std::string>{"a"});
  CHECK(section.chart->series[1].labels == std::vector<std::string>{"b"});
  CHECK(section.table->rows().size() == 2);
  CHECK(contains(section.lead, "+50.0 %"));
}
