#include "planner/peers/batch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/peers/peer_keys.h"

namespace aforo {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// Words of a directive line with their columns; quotes are taken off.
struct Word {
  std::string text;
  std::size_t column;
};
std::vector<Word> words_of(std::string_view line, std::size_t from) {
  std::vector<Word> words;
  for (std::size_t i = from; i < line.size();) {
    if (line[i] == ' ' || line[i] == '\t' || line[i] == '\r') {
      ++i;
      continue;
    }
    if (line[i] == '#') break;
    Word word{"", i + 1};
    char quote = 0;
    for (; i < line.size() && (quote != 0 || (line[i] != ' ' && line[i] != '\t')); ++i) {
      if (quote == 0 && (line[i] == '"' || line[i] == '\''))
        quote = line[i];
      else if (line[i] == quote)
        quote = 0;
      else if (line[i] != '\r')
        word.text += line[i];
    }
    words.push_back(std::move(word));
  }
  return words;
}

/// Reads the lines of one file.
class BatchReader {
 public:
  explicit BatchReader(const std::string& path)
      : path_(path), keys_(load_peer_keys(PeerKind::sbatch)) {}

  void line(std::string_view text, int number) {
    const std::string_view body = trimmed(text);
    if (body.starts_with("#SBATCH"))
      directives(text, text.find("#SBATCH") + 7, number, !commands_began_);
    else if (body.starts_with("# SBATCH") || body.starts_with("##SBATCH"))
      directives(text, text.find("SBATCH") + 6, number, false);
    else if (!body.empty() && !body.starts_with('#'))
      command(body, number);
  }
  BatchFile take() { return std::move(file_); }

 private:
  void directives(std::string_view line, std::size_t from, int number, bool read) {
    const std::vector<Word> words = words_of(line, from);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string place = fmt::format("{}:{}:{}", path_, number, words[i].column);
      const std::string& text = words[i].text;
      std::string name = text, value;
      const bool is_long = text.starts_with("--");
      const std::size_t equal = text.find('=');
      if (is_long && equal != std::string::npos) {
        name = text.substr(2, equal - 2);
        value = text.substr(equal + 1);
      } else if (is_long) {
        name = text.substr(2);
      } else if (text.starts_with('-') && text.size() > 1) {
        name = keys_.long_name(text[1]);
        value = text.substr(2);
      }
      // A value may also stand apart.
      if (value.empty() && i + 1 < words.size() && !words[i + 1].text.starts_with('-'))
        value = words[++i].text;
      file_.directives.push_back({name, value, place, read});
    }
  }

  void command(std::string_view body, int number) {
    commands_began_ = true;
    if (continued_)
      file_.commands.back().text += " " + std::string(body);
    else
      file_.commands.push_back({std::string(body), fmt::format("{}:{}:1", path_, number)});
    continued_ = body.ends_with('\\');
    if (continued_) file_.commands.back().text.pop_back();
  }

  std::string path_;
  PeerKeys keys_;
  BatchFile file_;
  bool commands_began_ = false, continued_ = false;
};

std::optional<std::int64_t> count_of(const BatchFile& file, std::string_view name) {
  const Directive* directive = file.find(name);
  return directive == nullptr ? std::nullopt : slurm_count(directive->value);
}

}  // namespace

const Directive* BatchFile::find(std::string_view name) const {
  const auto found = std::find_if(directives.rbegin(), directives.rend(), [&](const Directive& d) {
    return d.name == name && d.read_by_slurm;
  });
  return found == directives.rend() ? nullptr : &*found;
}

BatchFile read_batch(const std::string& text, const std::string& path) {
  BatchReader reader(path);
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) reader.line(line, ++number);
  return reader.take();
}

std::optional<double> slurm_minutes(const std::string& text) {
  std::string_view rest = text;
  double days = 0;
  const std::size_t dash = rest.find('-');
  if (dash != std::string_view::npos) {
    const auto value = parse_natural(rest.substr(0, dash));
    if (!value || *value > 10000) return std::nullopt;
    days = static_cast<double>(*value);
    rest.remove_prefix(dash + 1);
  }
  std::vector<double> parts;
  while (true) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const auto value = parse_natural(rest.substr(0, colon));
    if (!value || *value > 10000000 || parts.size() == 3) return std::nullopt;
    parts.push_back(static_cast<double>(*value));
    if (colon == rest.size()) break;
    rest.remove_prefix(colon + 1);
  }
  // With days: hours[:minutes[:seconds]]; without: minutes, minutes:seconds, hours:minutes:seconds.
  parts.resize(3);
  if (dash != std::string_view::npos) return 1440 * days + 60 * parts[0] + parts[1] + parts[2] / 60;
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (colons == 2) return 60 * parts[0] + parts[1] + parts[2] / 60;
  return parts[0] + parts[1] / 60;
}

std::optional<std::int64_t> slurm_count(const std::string& text) {
  std::string_view last = text;
  const std::size_t comma = last.find(',');
  last = last.substr(0, comma);
  const std::size_t colon = last.rfind(':');
  if (colon != std::string_view::npos) last.remove_prefix(colon + 1);
  last = last.substr(0, last.find('-'));
  const auto value = parse_natural(last);
  if (!value || *value > 1000000) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<std::string> flag_value(std::string_view command, std::string_view flag) {
  const auto dashed = [](std::string text) {
    const std::size_t end = std::min(text.find('='), text.size());
    std::replace(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
    return text;
  };
  const std::vector<Word> words = words_of(command, 0);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = dashed(words[i].text);
    if (word == flag) {
      const bool has_value = i + 1 < words.size() && !words[i + 1].text.starts_with("--");
      return has_value ? words[i + 1].text : "";
    }
    if (word.starts_with(flag) && word[flag.size()] == '=') return word.substr(flag.size() + 1);
  }
  return std::nullopt;
}

BatchDevices batch_devices(const BatchFile& file) {
  BatchDevices d;
  d.nodes = std::max<std::int64_t>(1, count_of(file, "nodes").value_or(1));
  d.per_node = count_of(file, "gpus-per-node").value_or(0);
  const Directive* gres = file.find("gres");
  if (d.per_node == 0 && gres != nullptr && gres->value.starts_with("gpu"))
    d.per_node = slurm_count(gres->value).value_or(1);
  if (const auto each = count_of(file, "gpus-per-task"); d.per_node == 0 && each)
    d.per_node = *each * count_of(file, "ntasks-per-node").value_or(1);
  d.total = count_of(file, "gpus").value_or(d.nodes * d.per_node);
  return d;
}

}  // namespace aforo
