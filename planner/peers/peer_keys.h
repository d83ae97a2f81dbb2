#pragma once
// The keys that a peer's parser knows, from profiles/peers: with version and source.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "planner/peers/peer_file.h"

namespace aforo {

struct PeerKeys {
  std::string peer, version, source;
  std::vector<std::string> keys;                             ///< of the top level
  std::map<std::string, std::vector<std::string>> sections;  ///< by path, "zero_optimization"

  /// The long option of sbatch that a letter stands for; "-x" if none.
  std::string long_name(char letter) const;
};

/// Throws InputError if the table is missing or malformed.
PeerKeys load_peer_keys(PeerKind kind);

}  // namespace aforo
