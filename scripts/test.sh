#!/bin/sh
# Every test that needs no GPU, with sanitizers; says why GPU tests are skipped.
# Usage: scripts/test.sh
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh
cmake --preset ci
cmake --build --preset ci
ctest --preset ci -j 2
# The planner is pure: it builds and passes without oneDNN, OpenMP, MPI or CUDA.
cmake --preset planner -DAFORO_WERROR=ON -DCMAKE_UNITY_BUILD=ON
cmake --build --preset planner
ctest --preset planner -j 2
echo "aforo: GPU tests skipped: these builds leave the CUDA backend out; on a machine with a GPU run"
echo "  cmake --preset cuda && cmake --build --preset cuda && ctest --test-dir build/cuda -L gpu"
