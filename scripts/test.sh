#!/bin/sh
# Every test that needs no GPU, with sanitizers; GPU tests say that they are skipped and why.
# Usage: scripts/test.sh
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh
cmake --preset ci
cmake --build --preset ci
ctest --preset ci -j 2
# The planner is pure: it builds and passes without oneDNN, OpenMP, MPI or CUDA.
cmake --preset planner -DAFORO_WERROR=ON
cmake --build --preset planner
ctest --preset planner -j 2
