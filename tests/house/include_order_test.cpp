// Guards the house: includes run only to a lower floor, and only runtime/ sees CUDA, MPI or oneDNN.

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path source_dir = AFORO_SOURCE_DIR;

/// Floor of every folder; an include may go to the own folder or to a lower floor.
const std::map<std::string, int> floors = {
    {"planner/base", 0},
    {"planner/baselines", 1},
    {"planner/program", 1},
    {"planner/spec", 1},
    {"planner/lower", 2},
    {"planner/money", 2},
    {"planner/peers", 2},
    {"planner/fast", 3},
    {"planner/simulate", 4},
    {"planner/search", 5},
    {"planner/validate", 6},
    {"planner/explain", 6},
    {"planner/scenarios", 6},
    {"planner/report", 7},
    {"runtime/core", 2},
    {"runtime/comm", 3},
    {"runtime/cpu", 3},
    {"runtime/cuda", 3},
    {"cli", 8},
};

/// The top folders and their arrows: cli -> runtime -> planner.
const std::map<std::string, int> tops = {{"planner", 0}, {"runtime", 1}, {"cli", 2}};

std::string room_of(const std::string& path) {
  for (const auto& [room, floor] : floors)
    if (path.rfind(room + "/", 0) == 0) return room;
  return "";
}

std::string top_of(const std::string& room) { return room.substr(0, room.find('/')); }

bool is_source(const fs::path& path) {
  const std::string ext = path.extension().string();
  return ext == ".h" || ext == ".cpp" || ext == ".cu" || ext == ".cuh";
}

std::vector<fs::path> sources() {
  std::vector<fs::path> result;
  for (const char* top : {"planner", "runtime", "cli"})
    for (const auto& entry : fs::recursive_directory_iterator(source_dir / top))
      if (entry.is_regular_file() && is_source(entry.path())) result.push_back(entry.path());
  return result;
}

std::vector<std::string> includes_of(const fs::path& path) {
  static const std::regex pattern(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  std::vector<std::string> result;
  std::ifstream file(path);
  std::smatch match;
  for (std::string line; std::getline(file, line);)
    if (std::regex_search(line, match, pattern)) result.push_back(match[1]);
  return result;
}

/// spec and program share a floor: program may name what a model is (activation kinds), never the
/// other way round.
bool arrow_allowed(const std::string& from, const std::string& to) {
  if (from == to) return true;
  if (from == "planner/program" && to == "planner/spec") return true;
  if (tops.at(top_of(from)) < tops.at(top_of(to))) return false;
  return floors.at(from) > floors.at(to);
}

}  // namespace

TEST_CASE("house: includes run only to a lower floor") {
  for (const fs::path& path : sources()) {
    const std::string file = fs::relative(path, source_dir).string();
    const std::string from = room_of(file);
    CAPTURE(file);
    CHECK_MESSAGE(!from.empty(), "lies in no room");
    for (const std::string& include : includes_of(path)) {
      const std::string to = room_of(include);
      if (to.empty() || from.empty()) continue;
      CHECK_MESSAGE(arrow_allowed(from, to), file << " includes " << include);
    }
  }
}

TEST_CASE("house: CUDA, MPI, NCCL and oneDNN headers appear in runtime/ only") {
  const std::regex outside(R"(^(cuda|cublas|cudnn|nccl|mpi|dnnl|omp\.h|oneapi).*)");
  for (const fs::path& path : sources()) {
    const std::string file = fs::relative(path, source_dir).string();
    if (file.rfind("runtime/", 0) == 0) continue;
    for (const std::string& include : includes_of(path))
      CHECK_MESSAGE(!std::regex_match(include, outside), file << " includes " << include);
  }
}

TEST_CASE("house: the runtime's executors never see a model, a plan or a hardware profile") {
  for (const fs::path& path : sources()) {
    const std::string file = fs::relative(path, source_dir).string();
    if (file.rfind("runtime/", 0) != 0 || file.rfind("runtime/core/", 0) == 0) continue;
    for (const std::string& include : includes_of(path))
      for (const char* forbidden :
           {"planner/spec/plan", "planner/spec/job", "planner/spec/hardware", "planner/lower",
            "planner/search", "planner/simulate", "planner/report"})
        CHECK_MESSAGE(include.rfind(forbidden, 0) != 0, file << " includes " << include);
  }
}

TEST_CASE("house: every header begins with #pragma once") {
  for (const fs::path& path : sources()) {
    if (path.extension() != ".h") continue;
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    CHECK_MESSAGE(line == "#pragma once", path.string());
  }
}
