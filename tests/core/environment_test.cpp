#include "runtime/core/environment.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstring>
#include <regex>

#include "tests/support/temporary_folder.h"

using namespace aforo;

namespace {

constexpr const char* meminfo = "MemTotal:       8000 kB\nMemFree: 1 kB\nMemAvailable:   6000 kB\n";

}  // namespace

TEST_CASE("environment: this machine has cores, memory, a kernel and a date") {
  const Environment environment = read_environment("a backend");
  CHECK(environment.n_cores >= 1);
  CHECK(environment.memory.value > 0);
  CHECK(environment.memory_free <= environment.memory);
  CHECK(environment.kernel.rfind("Linux ", 0) == 0);
  CHECK(environment.backend == "a backend");
  CHECK(std::regex_match(environment.date, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

TEST_CASE("environment: without control groups the machine's own memory counts") {
  const TemporaryFolder root;
  root.write("proc/meminfo", meminfo);
  root.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU 1234\n");
  const Environment environment = read_environment("", root.path());
  CHECK(environment.cpu == "Some CPU 1234");
  CHECK(environment.memory == Bytes(8000 * kibi));
  CHECK(environment.memory_free == Bytes(6000 * kibi));
}

TEST_CASE("environment: a control group of version 2 limits memory; its file cache is free") {
  const TemporaryFolder root;
  root.write("proc/meminfo", meminfo);
  root.write("proc/self/cgroup", "0::/pod/box\n");
  root.write("sys/fs/cgroup/pod/memory.max", "4096000\n");
  root.write("sys/fs/cgroup/pod/memory.current", "1024000\n");
  root.write("sys/fs/cgroup/pod/memory.stat", "anon 5\ninactive_file 24000\n");
  root.write("sys/fs/cgroup/pod/box/memory.max", "max\n");
  const Environment environment = read_environment("", root.path());
  CHECK(environment.memory == Bytes(4096000));
  CHECK(environment.memory_free == Bytes(4096000 - 1024000 + 24000));
}

TEST_CASE("environment: a control group of version 1 limits memory, also as a container sees it") {
  for (const char* folder : {"sys/fs/cgroup/memory/box", "sys/fs/cgroup/memory"}) {
    const TemporaryFolder root;
    root.write("proc/meminfo", meminfo);
    root.write("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/box\n0::/\n");
    root.write(std::string(folder) + "/memory.limit_in_bytes", "2048000\n");
    root.write(std::string(folder) + "/memory.usage_in_bytes", "48000\n");
    const Environment environment = read_environment("", root.path());
    CHECK(environment.memory == Bytes(2048000));
    CHECK(environment.memory_free == Bytes(2000000));
  }
}

TEST_CASE("environment: a quota of one and a half cores allows two") {
  for (const bool version_2 : {true, false}) {
    const TemporaryFolder root;
    if (version_2) {
      root.write("sys/fs/cgroup/cpu.max", "150000 100000\n");
    } else {
      root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
      root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    }
    CHECK(read_environment("", root.path()).n_cores <= 2);
    root.write("sys/fs/cgroup/cpu.max", "100000 100000\n");
    CHECK(read_environment("", root.path()).n_cores == 1);
  }
}

TEST_CASE("environment: an empty root tells nothing and is no error") {
  const TemporaryFolder root;
  const Environment environment = read_environment("", root.path());
  CHECK(environment.memory == Bytes(0));
  CHECK(environment.cpu.empty());
}

TEST_CASE("environment: resident memory grows by what is touched, and its peak stays") {
  const ResidentMemory before = resident_memory();
  constexpr std::int64_t size = 64 * mebi;
  // A mapping of its own: the heap may hold that much already.
  void* block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(block != MAP_FAILED);
  std::memset(block, 1, size);
  const ResidentMemory during = resident_memory();
  munmap(block, size);
  const ResidentMemory after = resident_memory();
  CHECK(during.now >= before.now + Bytes(size / 2));
  CHECK(after.now <= during.now - Bytes(size / 2));
  CHECK(after.peak >= during.now);
}
