#include <fmt/format.h>

#include <filesystem>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/comparison.h"
#include "cli/planned.h"
#include "cli/version.h"
#include "planner/base/dates.h"
#include "planner/base/files.h"
#include "planner/base/quantity.h"
#include "planner/explain/study.h"
#include "planner/report/sections/sections.h"
#include "runtime/core/run_log.h"

namespace aforo::cli {
namespace {

/// What the page is about: plans, and at most one run.
struct Subject {
  std::vector<std::unique_ptr<Planned>> plans;
  std::vector<PlanView> views;
  std::optional<RunRecord> run;
  std::optional<double> budget_usd, deadline_hours;
};

PlanView view_of(const Planned& planned, const std::string& name) {
  if (planned.layout) return aforo::view_of(*planned.layout, name);
  return aforo::view_of(planned.file.job, planned.file.plan, *planned.program, *planned.estimate,
                        planned.device.line, name);
}

void add_plan(Subject& subject, std::unique_ptr<Planned> planned, const std::string& path) {
  subject.views.push_back(view_of(*planned, std::filesystem::path(path).filename().string()));
  subject.plans.push_back(std::move(planned));
}

Subject read_subject(const Arguments& args, const LayoutWorld& world) {
  Subject subject;
  subject.budget_usd = args.find<double>("budget-usd");
  if (const auto deadline = quantity<Seconds>(args, "deadline", parse_seconds, expected_seconds))
    subject.deadline_hours = deadline->value / 3600;
  for (const std::string& path : args.get<std::vector<std::string>>("file")) {
    if (!path.ends_with(".jsonl")) {
      add_plan(subject, evaluate_plan(args, world, path), path);
      continue;
    }
    if (subject.run)
      throw InputError(fmt::format("{}: a report shows one run, and there is one already", path));
    subject.run = read_run_log(path);
  }
  if (subject.plans.empty() && subject.run) {
    const std::string name = "the run's plan";
    add_plan(subject,
             evaluate_plan(args, world, read_plan_text(subject.run->header.plan, name), name),
             name);
  }
  if (subject.plans.empty()) throw InputError("no plan: give the files that `aforo plan` wrote");
  return subject;
}

void add_run(Page& page, const Subject& subject) {
  const RunRecord& run = *subject.run;
  const Planned& planned = *subject.plans.front();
  page.sections.push_back(predicted_against_measured(comparison_of(run)));
  std::vector<RunPoint> points;
  for (const StepRecord& step : run.steps)
    points.push_back({step.step, step.loss, (step.time + step.data_time).value});
  if (points.empty()) return;
  page.sections.push_back(losses(points));
  const DeviceLine& device = planned.device.line;
  if (!device.price_per_device) return;
  page.sections.push_back(burn_down(points, planned.file.job.n_steps(),
                                    device.price_per_device->value * device.count,
                                    subject.views.front().usd->mid, subject.budget_usd));
}

void add_studies(Page& page, const Planned& planned, const LayoutWorld& world) {
  if (!planned.variant) {
    page.notes.push_back(
        "The machine is known by its calibration alone, so there is no look at other sizes, "
        "choices and figures.");
    return;
  }
  const explain::Variant& variant = *planned.variant;
  const explain::World asked{&world.constants, &world.engines,
                             static_cast<double>(planned.file.job.n_tokens), planned.file.job.lora};
  page.sections.push_back(fit_map(explain::fit_study(variant, asked), variant));
  page.sections.push_back(ladder_section(explain::ladder(variant, asked)));
  const auto sways = explain::sensitivity(variant, asked);
  if (!sways.empty())
    page.sections.push_back(
        sensitivity_section(sways, explain::evaluate(variant, asked).hours,
                            variant.usd_per_device_hour * variant.cluster.n_devices));
}

/// --gpus: what the first plan's job would cost and take on every offer.
void add_offers(Page& page, const Arguments& args, const Subject& subject) {
  if (!args.has("gpus")) return;
  const scenarios::World world;
  scenarios::Scenario scenario;
  scenario.name = subject.views.front().name;
  scenario.job = subject.plans.front()->file.job;
  scenario.hardware = scenarios::parse_hardware(args.require("gpus"), world.cards);
  scenario.budget_usd = subject.budget_usd;
  scenario.deadline_hours = subject.deadline_hours;
  page.sections.push_back(offers_section(scenarios::answer_of(scenario, world)));
}

Page make_page(const Arguments& args, const Subject& subject, const LayoutWorld& world) {
  const Planned& first = *subject.plans.front();
  Page page = page_of(subject.views);
  page.footer =
      fmt::format("aforo {}, {}. Peaks are dense; GiB is 2^30 bytes; intervals hold 80 %.",
                  aforo_version, today());
  if (subject.plans.size() > 1) page.sections.push_back(plans_side_by_side(subject.views));
  if (first.program) page.sections.push_back(memory_over_step(*first.program, *first.estimate));
  page.sections.push_back(memory_by_part(subject.views));
  page.sections.push_back(time_by_part(subject.views));
  if (auto money = money_against_time(subject.views, subject.budget_usd, subject.deadline_hours))
    page.sections.push_back(std::move(*money));
  add_offers(page, args, subject);
  if (subject.run) add_run(page, subject);
  if (first.program) page.sections.push_back(time_line(*first.program, *first.estimate));
  add_studies(page, first, world);
  return page;
}

bool wants_html(const Arguments& args) {
  const std::string format = args.find<std::string>("format").value_or("html");
  if (format != "html" && format != "md")
    throw InputError(fmt::format("--format is \"{}\"; expected html or md", format));
  return format == "html";
}

}  // namespace

int run_report(const CommandLine& command_line) {
  const Help help{
      "report",
      "PLAN.yaml... [RUN.jsonl] -o report.html",
      "One page about plans and a run: the answer first, then memory, time, money and "
      "what they hang on.",
      {"aforo report plan.yaml -o report.html",
       "aforo report a.yaml b.yaml --budget-usd 500 --deadline 3d -o report.html",
       "aforo report plan.yaml --gpus owned:4x3090,rent:any --budget-usd 20 -o report.html",
       "aforo report plan.yaml run.jsonl -o report.html",
       "aforo report plan.yaml --format md >> notes.md"},
      "The page needs no network: style, script and charts are inside. The first plan "
      "is looked at closely,\nothers stand beside it."};
  po::options_description options("options");
  options.add_options()("file", po::value<std::vector<std::string>>(),
                        "plans of `aforo plan`, and at most one log of `aforo run` (.jsonl)")(
      "output,o", po::value<std::string>(), "write it to this file; default: standard output")(
      "format", po::value<std::string>(), "html (default) or md")(
      "gpus", po::value<std::string>(),
      "also show every offer of owned:4x3090,rent:any, as `aforo plan --gpus` compares them")(
      "price", po::value<std::string>(), "per device and hour, such as 2.5 USD/h")(
      "price-kind", po::value<std::string>(), "on-demand, spot, community ...")(
      "budget-usd", po::value<double>(), "drawn where money is shown")(
      "deadline", po::value<std::string>(), "such as \"36 h\", drawn where time is shown");
  const Arguments args(help, options, {"file..."}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  if (!args.has("file")) throw InputError("no plan: give the files that `aforo plan` wrote");

  const bool html = wants_html(args);
  const LayoutWorld world;
  const Page page = make_page(args, read_subject(args, world), world);
  const std::string text = args.json() ? json_page(page)
                           : html      ? html_page(page)
                                       : markdown_page(page);
  const auto output = args.find<std::string>("output");
  if (output && !args.json()) {
    write_file(*output, text);
    fmt::print("{}\nWrote {} ({} sections)\n", page.answer, *output, page.sections.size());
  } else {
    fmt::print("{}", text);
  }
  return 0;
}

}  // namespace aforo::cli
