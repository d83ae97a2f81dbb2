#pragma once
// The subcommands: one file each, one line each in the table of main.cpp.

#include <string>
#include <vector>

namespace aforo::cli {

using CommandLine = std::vector<std::string>;

/// Each takes its arguments without the program and command names and returns an exit code.
int run_bill(const CommandLine& args);
int run_calibrate(const CommandLine& args);
int run_compare(const CommandLine& args);
int run_completions(const CommandLine& args);
int run_diff(const CommandLine& args);
int run_doctor(const CommandLine& args);
int run_dump(const CommandLine& args);
int run_estimate(const CommandLine& args);
int run_explain(const CommandLine& args);
int run_export(const CommandLine& args);
int run_fit(const CommandLine& args);
int run_hardware(const CommandLine& args);
int run_lint(const CommandLine& args);
int run_man(const CommandLine& args);
int run_models(const CommandLine& args);
int run_plan(const CommandLine& args);
int run_prices(const CommandLine& args);
int run_report(const CommandLine& args);
int run_run(const CommandLine& args);
int run_trace(const CommandLine& args);
int run_validate(const CommandLine& args);
int run_verify(const CommandLine& args);

}  // namespace aforo::cli
