#include "cli/command_table.h"

namespace aforo::cli {
namespace {

constexpr Command table[] = {
    {"fit", "does it fit? memory of a model by method, sequence length and card", run_fit},
    {"estimate", "one plan: FLOPs, memory, time, price", run_estimate},
    {"explain", "what strategies are claimed to bring, and what they bring here", run_explain},
    {"plan", "the best plan within memory, budget and deadline", run_plan},
    {"run", "execute a plan and log what it did", run_run},
    {"export", "a plan as a file for DeepSpeed, accelerate, Slurm, SkyPilot ...", run_export},
    {"verify", "predicted against measured, op by op", run_verify},
    {"report", "one page about plans and a run, to open, print or send", run_report},
    {"trace", "a step for Perfetto, or its memory for PyTorch's viewer", run_trace},
    {"calibrate", "measure this machine, so that predictions hold on it", run_calibrate},
    {"validate", "predict published runs and score the predictions", run_validate},
    {"dump", "print the step program of a plan, after any pass", run_dump},
    {"models", "the models that are known", run_models},
    {"hardware", "the accelerators that are known", run_hardware},
    {"completions", "tab completion for bash, zsh or fish", run_completions},
    {"man", "manual pages, one a command", run_man},
    {"doctor", "what is here, what is missing, how to get it", run_doctor},
};

}  // namespace

std::span<const Command> commands() { return table; }

}  // namespace aforo::cli
