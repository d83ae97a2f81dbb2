#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "planner/base/error.h"
#include "planner/base/nearest.h"

namespace aforo::cli {
namespace {

/// One line, with the nearest option if one is near.
std::string unknown_option(const std::string& name, const po::options_description& options) {
  std::vector<std::string> known;
  for (const auto& option : options.options()) known.push_back("--" + option->long_name());
  const std::string near = nearest(name, known);
  return near.empty() ? fmt::format("unknown option {}", name)
                      : fmt::format("unknown option {}; did you mean {}?", name, near);
}

/// True while a command is only asked what it takes.
thread_local bool describing = false;

CommandDescription description(const Help& help, const po::options_description& options,
                               const std::vector<std::string>& positional) {
  CommandDescription result{help, {}, positional};
  for (const auto& option : options.options()) {
    const std::string shorthand =
        option->canonical_display_name(po::command_line_style::allow_dash_for_short);
    const char letter = shorthand.size() == 2 && shorthand[0] == '-' ? shorthand[1] : 0;
    const bool takes_value = option->semantic()->max_tokens() > 0;
    result.options.push_back({option->long_name(), letter, takes_value, option->description()});
  }
  return result;
}

}  // namespace

CommandDescription describe(int (*run)(const std::vector<std::string>&)) {
  struct Asking {
    Asking() { describing = true; }
    ~Asking() { describing = false; }
  } asking;
  try {
    run({});
  } catch (const CommandDescription& asked) {
    return asked;
  }
  throw InternalError("a command ran instead of saying what it takes");
}

Arguments::Arguments(const Help& help, const po::options_description& options,
                     const std::vector<std::string>& positional,
                     const std::vector<std::string>& args)
    : help_(help) {
  options_.add(options);
  options_.add_options()("json", po::bool_switch(), "print JSON, documented in docs/formats.md")(
      "help", po::bool_switch(), "print this text");
  if (describing) throw description(help_, options_, positional);
  po::positional_options_description places;
  for (const std::string& name : positional) {
    const bool rest = name.ends_with("...");
    places.add(name.substr(0, name.size() - (rest ? 3 : 0)).c_str(), rest ? -1 : 1);
  }
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(args).options(options_).positional(places).style(style).run(),
              values_);
  } catch (const po::unknown_option& error) {
    throw InputError(fmt::format("aforo {}: {}; see `aforo {} --help`", help.name,
                                 unknown_option(error.get_option_name(), options_), help.name));
  } catch (const po::error& error) {
    throw InputError(
        fmt::format("aforo {}: {}; see `aforo {} --help`", help.name, error.what(), help.name));
  }
}

std::string Arguments::help_text() const {
  std::ostringstream text;
  text << help_.summary << "\n\n";
  for (const std::string& example : help_.examples) text << "  $ " << example << "\n";
  text << "\nusage: aforo " << help_.name << " " << help_.synopsis << "\n" << options_;
  if (!help_.notes.empty()) text << "\n" << help_.notes << "\n";
  return text.str();
}

std::string Arguments::require(const std::string& name) const {
  if (const auto value = find<std::string>(name)) return *value;
  throw InputError(fmt::format("aforo {}: {} is missing; usage: aforo {} {}", help_.name, name,
                               help_.name, help_.synopsis));
}

std::vector<std::string> Arguments::list(const std::string& name) const {
  const auto value = find<std::string>(name);
  return value ? split_list(*value) : std::vector<std::string>{};
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

}  // namespace aforo::cli
