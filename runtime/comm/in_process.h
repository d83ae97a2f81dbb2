#pragma once
// Ranks as threads of one process: no launcher, no library.

#include <functional>

#include "planner/base/units.h"
#include "runtime/core/communicator.h"

namespace aforo {

/// Runs `rank_main` once per rank, each on a thread of its own, and returns when all are done. The
/// communicator of a rank lives as long as its call.
///
/// If a rank throws, all others get a RankError that names it at their next or present collective,
/// and this function throws one too: with the exit code of what the rank threw, rank_failed if that
/// was no error of aforo. If a rank does not come to a collective within `timeout`, it is to blame
/// in the same way. A thread that does not end even then cannot be ended: after `grace` the process
/// exits with code rank_failed and the message on standard error.
void run_ranks(int n_ranks, Seconds timeout, const std::function<void(Communicator&)>& rank_main,
               Seconds grace = Seconds(30));

}  // namespace aforo
