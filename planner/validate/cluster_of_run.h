#pragma once
// Which links a published run had, from the free text that sources write.

#include "planner/fast/cluster.h"
#include "planner/validate/run_file.h"

namespace aforo::validate {

fast::Cluster cluster_of(const Run& run, const AcceleratorSpec& accelerator);

}  // namespace aforo::validate
