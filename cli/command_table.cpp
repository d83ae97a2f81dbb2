#include "cli/command_table.h"

namespace aforo::cli {
namespace {

constexpr Command table[] = {
    {"fit", "does it fit? memory of a model by method, sequence length and card", run_fit},
    {"estimate", "one plan: FLOPs, memory, time, price", run_estimate},
    {"explain", "what strategies are claimed to bring, and what they bring here", run_explain},
    {"plan", "the best plan within memory, budget and deadline", run_plan},
    {"compare", "scenarios of budget, deadline and hardware side by side", run_compare},
    {"bill", "the whole bill of a run, line by line, with its formulas", run_bill},
    {"run", "execute a plan and log what it did", run_run},
    {"verify", "predicted against measured, op by op", run_verify},
    {"report", "one page about plans and a run, to open, print or send", run_report},
    {"diff", "what a change of a plan does to cost, time and memory", run_diff},
    {"export", "a plan as a file for DeepSpeed, accelerate, Slurm, SkyPilot ...", run_export},
    {"lint", "what is wrong with a configuration of DeepSpeed, accelerate, axolotl, Slurm",
     run_lint},
    {"trace", "a step for Perfetto, or its memory for PyTorch's viewer", run_trace},
    {"calibrate", "measure this machine, so that predictions hold on it", run_calibrate},
    {"validate", "predict published runs and score the predictions", run_validate},
    {"dump", "print the step program of a plan, after any pass", run_dump},
    {"prices", "what renting costs; import your own price lists", run_prices},
    {"models", "the models that are known", run_models},
    {"hardware", "the accelerators that are known", run_hardware},
    {"doctor", "what is here, what is missing, how to get it", run_doctor},
    {"completions", "tab completion for bash, zsh or fish", run_completions},
    {"man", "manual pages, one a command", run_man},
};

}  // namespace

std::span<const Command> commands() { return table; }

}  // namespace aforo::cli
