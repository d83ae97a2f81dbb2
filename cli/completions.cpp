#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "cli/arguments.h"
#include "cli/command_table.h"
#include "planner/base/error.h"
#include "planner/base/json.h"
#include "planner/fast/engine.h"
#include "planner/report/export/quote.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

namespace aforo::cli {
namespace {

using Names = std::vector<std::string>;

/// Values that an option may have, where they can be listed; all others are files or free text.
const std::map<std::string, Names>& known_values() {
  static const std::map<std::string, Names> values = [] {
    Names cards, engines;
    for (const AcceleratorSpec& card : all_accelerators()) cards.push_back(card.name);
    for (const fast::EngineSpec& engine : fast::all_engines()) engines.push_back(engine.name);
    return std::map<std::string, Names>{
        {"model", model_names()},
        {"gpu", cards},
        {"engine", engines},
        {"precision", enum_choices<Precision>()},
        {"sharding", enum_choices<Sharding>()},
        {"method", enum_choices<Method>()},
        {"optimizer", enum_choices<OptimizerKind>()},
        {"recompute", {"none", "selective", "full", "optimal"}},
        {"offload-states", enum_choices<OffloadTo>()},
        {"offload-activations", enum_choices<OffloadTo>()},
        {"objective", {"time", "money"}},
    };
  }();
  return values;
}

Names values_of(const std::string& option) {
  const auto found = known_values().find(option);
  return found == known_values().end() ? Names{} : found->second;
}

std::string flags_of(const CommandDescription& description) {
  Names flags;
  for (const auto& option : description.options) {
    flags.push_back("--" + option.name);
    if (option.letter) flags.push_back(fmt::format("-{}", option.letter));
  }
  return fmt::format("{}", fmt::join(flags, " "));
}

std::string bash_script() {
  std::string cases, values;
  Names names;
  for (const Command& command : commands()) {
    names.emplace_back(command.name);
    cases += fmt::format("    {}) flags={} ;;\n", command.name,
                         shell_word(flags_of(describe(command.run))));
  }
  for (const auto& [option, list] : known_values())
    values += fmt::format("    --{}) COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n",
                          option, shell_word(fmt::format("{}", fmt::join(list, " "))));
  return fmt::format(
      "# bash completion of aforo; made by `aforo completions bash`\n"
      "_aforo() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} flags=''\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W {} -- \"$word\")); return\n"
      "  fi\n"
      "  case $before in\n{}  esac\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  case $word in\n"
      "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
      "  esac\n"
      "}}\n"
      "complete -o filenames -F _aforo aforo\n",
      shell_word(fmt::format("{} --help --version", fmt::join(names, " "))), values, cases);
}

/// An option's text inside the brackets of zsh's _arguments.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_option(const CommandDescription::Option& option) {
  std::string spec = fmt::format("--{}[{}]", option.name, zsh_text(option.text));
  if (option.takes_value) {
    const Names values = values_of(option.name);
    spec += values.empty() ? fmt::format(":{}:_files", option.name)
                           : fmt::format(":{}:({})", option.name, fmt::join(values, " "));
  }
  return "      " + shell_word(spec) + " \\\n";
}

std::string zsh_script() {
  std::string names, cases;
  for (const Command& command : commands()) {
    names += fmt::format("    {}\n",
                         shell_word(fmt::format("{}:{}", command.name, zsh_text(command.summary))));
    cases += fmt::format("    {}) _arguments \\\n", command.name);
    for (const auto& option : describe(command.run).options) cases += zsh_option(option);
    cases += "      '*:file:_files' ;;\n";
  }
  return fmt::format(
      "#compdef aforo\n# zsh completion of aforo; made by `aforo completions zsh`\n"
      "_aforo() {{\n"
      "  local -a names=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then _describe command names; return; fi\n"
      "  local name=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n"
      "  case $name in\n{}  esac\n"
      "}}\n"
      "compdef _aforo aforo\n",
      names, cases);
}

std::string fish_script() {
  std::string out =
      "# fish completion of aforo; made by `aforo completions fish`\n"
      "complete -c aforo -n __fish_use_subcommand -f\n";
  for (const Command& command : commands()) {
    out += fmt::format("complete -c aforo -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       shell_word(command.summary));
    for (const auto& option : describe(command.run).options) {
      out += fmt::format("complete -c aforo -n '__fish_seen_subcommand_from {}' -l {}",
                         command.name, option.name);
      if (option.letter) out += fmt::format(" -s {}", option.letter);
      if (option.takes_value) out += " -r";
      if (const Names values = values_of(option.name); !values.empty())
        out += fmt::format(" -f -a {}", shell_word(fmt::format("{}", fmt::join(values, " "))));
      out += " -d " + shell_word(option.text) + "\n";
    }
  }
  return out;
}

std::string script_for(const std::string& shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  throw InputError(fmt::format("shell is \"{}\"; expected bash, zsh or fish", shell));
}

}  // namespace

int run_completions(const CommandLine& command_line) {
  const Help help{
      "completions",
      "bash | zsh | fish",
      "A script for the shell that completes commands, options, models and cards.",
      {"source <(aforo completions bash)", "aforo completions zsh > \"${fpath[1]}/_aforo\"",
       "aforo completions fish > ~/.config/fish/completions/aforo.fish"},
      ""};
  po::options_description options("options");
  options.add_options()("shell", po::value<std::string>(), "bash, zsh or fish");
  const Arguments args(help, options, {"shell"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  const std::string shell = args.require("shell");
  const std::string script = script_for(shell);
  if (!args.json()) return fmt::print("{}", script), 0;
  JsonWriter json;
  json.begin_object().field("schema_version", 1).field("shell", shell).field("script", script);
  json.end_object();
  fmt::print("{}\n", json.text());
  return 0;
}

}  // namespace aforo::cli
