#pragma once
// Command-line parsing that all subcommands share: Boost.Program_options with help that leads with
// examples, no guessed prefixes, and errors that name the nearest option.

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <vector>

namespace aforo::cli {

namespace po = boost::program_options;

/// What `--help` says before the list of options.
struct Help {
  std::string name;                   ///< "estimate"
  std::string synopsis;               ///< "--model M --gpu G[:n] [options]"
  std::string summary;                ///< one sentence
  std::vector<std::string> examples;  ///< whole command lines
  std::string notes;                  ///< printed after the options; may be empty
};

/// What a command takes, for completions and manual pages.
struct CommandDescription {
  struct Option {
    std::string name;  ///< "gpu"
    char letter = 0;   ///< 'o' of --output,-o; 0: none
    bool takes_value;
    std::string text;
  };
  Help help;
  std::vector<Option> options;
  std::vector<std::string> positional;
};

/// Asks a command what it takes, without running it: its Arguments are never parsed.
CommandDescription describe(int (*run)(const std::vector<std::string>&));

/// Parsed arguments of one subcommand. Every command also gets --help and --json.
class Arguments {
 public:
  /// Parses `args` (without the program and command names). `positional` names the options that
  /// words without a dash fill, in order; "file..." takes all that are left. Throws InputError on
  /// anything unknown or malformed.
  Arguments(const Help& help, const po::options_description& options,
            const std::vector<std::string>& positional, const std::vector<std::string>& args);

  bool help_wanted() const { return has("help"); }
  bool json() const { return has("json"); }
  bool has(const std::string& name) const {
    return values_.count(name) != 0 && !values_[name].defaulted();
  }
  std::string help_text() const;

  template <typename T>
  T get(const std::string& name) const {
    return values_[name].as<T>();
  }
  template <typename T>
  std::optional<T> find(const std::string& name) const {
    return values_.count(name) != 0 ? std::optional<T>(values_[name].as<T>()) : std::nullopt;
  }
  /// The value of a mandatory option; InputError with the synopsis if it is missing.
  std::string require(const std::string& name) const;
  /// A comma-separated list; empty if the option is missing.
  std::vector<std::string> list(const std::string& name) const;

 private:
  Help help_;
  po::options_description options_;
  po::variables_map values_;
};

/// Splits at commas; empty parts are dropped.
std::vector<std::string> split_list(const std::string& text);

}  // namespace aforo::cli
