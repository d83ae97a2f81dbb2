#include "planner/peers/peer_keys.h"

#include <fmt/format.h>

#include "planner/base/files.h"

namespace aforo {
namespace {

std::vector<std::string> words(const YamlNode& list) {
  std::vector<std::string> out;
  for (const YamlNode& item : list.items()) out.push_back(item.string());
  return out;
}

}  // namespace

std::string PeerKeys::long_name(char letter) const {
  const auto found = sections.find("short");
  if (found != sections.end())
    for (const std::string& entry : found->second)
      if (entry.size() > 2 && entry[0] == letter && entry[1] == '=') return entry.substr(2);
  return fmt::format("-{}", letter);
}

PeerKeys load_peer_keys(PeerKind kind) {
  const YamlNode root =
      YamlNode::load_file(fmt::format("{}/profiles/peers/{}.yaml", data_root(), enum_name(kind)));
  PeerKeys keys;
  keys.peer = root.at("peer").string();
  keys.version = root.at("version").string();
  keys.source = root.at("source").at("note").string();
  keys.keys = words(root.at("keys"));
  const YamlNode sections = root.at("sections");
  for (const std::string& section : sections.keys())
    keys.sections[section] = words(sections.at(section));
  root.finish();
  return keys;
}

}  // namespace aforo
