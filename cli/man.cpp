#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/arguments.h"
#include "cli/command_table.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/json.h"

namespace aforo::cli {
namespace {

/// `text` for roff: backslashes, dashes, and lines that begin as if they were requests.
std::string roff(const std::string& text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string head(const std::string& title, const std::string& summary) {
  std::string upper = title;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return fmt::format(".TH {} 1 \"\" \"aforo {}\" \"aforo\"\n.SH NAME\n{} \\- {}\n", roff(upper),
                     aforo_version, roff(title), roff(summary));
}

std::string command_page(const Command& command) {
  const CommandDescription d = describe(command.run);
  std::string out = head("aforo-" + d.help.name, command.summary);
  out += fmt::format(".SH SYNOPSIS\n.B aforo {}\n{}\n.SH DESCRIPTION\n{}\n", roff(d.help.name),
                     roff(d.help.synopsis), roff(d.help.summary));
  if (!d.help.notes.empty()) out += fmt::format(".PP\n{}\n", roff(d.help.notes));
  out += ".SH OPTIONS\n";
  for (const auto& option : d.options) {
    out += ".TP\n.B ";
    if (option.letter) out += fmt::format("\\-{}, ", option.letter);
    out += fmt::format("\\-\\-{}{}\n{}\n", roff(option.name),
                       option.takes_value ? " \\fIvalue\\fR" : "", roff(option.text));
  }
  out += ".SH EXAMPLES\n";
  for (const std::string& example : d.help.examples)
    out += fmt::format(".PP\n.nf\n{}\n.fi\n", roff(example));
  return out + fmt::format(".SH EXIT STATUS\n{}\n.SH SEE ALSO\n.BR aforo (1)\n", roff(exit_codes));
}

std::string overview_page() {
  std::string out = head("aforo", "plans the training of neural networks, and runs the plan");
  out += ".SH SYNOPSIS\n.B aforo\n\\fIcommand\\fR [\\fIoptions\\fR]\n.SH DESCRIPTION\n" +
         roff(
             "Says whether a training job fits, how long it takes, what it costs and what to "
             "change; then runs the plan it chose and shows how far its prediction was off.") +
         "\n.SH COMMANDS\n";
  for (const Command& command : commands())
    out += fmt::format(".TP\n.BR aforo\\-{} (1)\n{}\n", roff(command.name), roff(command.summary));
  return out + fmt::format(".SH EXIT STATUS\n{}\n", roff(exit_codes));
}

std::string page(const std::string& name) {
  if (name.empty() || name == "aforo") return overview_page();
  for (const Command& command : commands())
    if (name == command.name) return command_page(command);
  throw InputError(fmt::format("there is no command \"{}\"; `aforo --help` lists them", name));
}

}  // namespace

int run_man(const CommandLine& command_line) {
  const Help help{"man",
                  "[COMMAND] [-o FOLDER]",
                  "Manual pages in roff: of one command, or with -o of all of them as files.",
                  {"aforo man plan | man -l -", "aforo man -o ~/.local/share/man/man1"},
                  ""};
  po::options_description options("options");
  options.add_options()("command", po::value<std::string>(),
                        "of this command; default: the overview")(
      "output,o", po::value<std::string>(), "write aforo.1 and one page a command to this folder");
  const Arguments args(help, options, {"command"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  const auto folder = args.find<std::string>("output");
  if (!folder) {
    const std::string name = args.find<std::string>("command").value_or("");
    if (!args.json()) return fmt::print("{}", page(name)), 0;
    JsonWriter json;
    json.begin_object().field("schema_version", 1).field("command", name).field("page", page(name));
    json.end_object();
    fmt::print("{}\n", json.text());
    return 0;
  }
  std::error_code error;
  std::filesystem::create_directories(*folder, error);
  if (error) throw InputError(fmt::format("{}: {}", *folder, error.message()));
  write_file(*folder + "/aforo.1", overview_page());
  for (const Command& command : commands())
    write_file(fmt::format("{}/aforo-{}.1", *folder, command.name), command_page(command));
  fmt::print("Wrote {} pages to {}\n", commands().size() + 1, *folder);
  return 0;
}

}  // namespace aforo::cli
