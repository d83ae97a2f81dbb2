#pragma once
// A backend that computes nothing: buffers hold what is written, runs are counted, and times follow
// a formula. Tests see through it what core asks of a backend.

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "planner/base/error.h"
#include "runtime/core/backend.h"

namespace aforo::fake {

class Executor final : public aforo::Executor {
 public:
  using OpTime = std::function<Seconds(const StepProgram&, const Op&)>;

  explicit Executor(StepProgram program, OpTime op_time = {})
      : program_(std::move(program)), op_time_(std::move(op_time)) {}

  struct Run {
    SectionKind kind;
    bool profiled;
    bool operator==(const Run&) const = default;
  };
  std::vector<Run> runs;
  std::function<void(Executor&, SectionKind)> on_run;  ///< stands for the ops of a section
  bool forgets = false;  ///< writes are checked and dropped: for programs of hundreds of MB

  void run(SectionKind kind) override {
    runs.push_back({kind, false});
    if (on_run) on_run(*this, kind);
  }

  std::vector<Seconds> run_profiled(SectionKind kind) override {
    runs.push_back({kind, true});
    if (on_run) on_run(*this, kind);
    const Section& section = program_.section(kind);
    std::vector<Seconds> times;
    for (int i = section.begin; i < section.end; ++i)
      times.push_back(op_time_ ? op_time_(program_, program_.ops[i]) : Seconds(i + 1));
    return times;
  }

  void write(BufferId buffer, std::span<const std::byte> bytes) override {
    check(buffer, bytes.size());
    if (!forgets) contents_[buffer].assign(bytes.begin(), bytes.end());
  }

  void read(BufferId buffer, std::span<std::byte> bytes) const override {
    check(buffer, bytes.size());
    const auto found = contents_.find(buffer);
    if (found == contents_.end()) {
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
    } else {
      std::copy(found->second.begin(), found->second.end(), bytes.begin());
    }
  }

  void write_part(BufferId buffer, std::int64_t offset, std::span<const std::byte> bytes) override {
    if (forgets) return;
    std::vector<std::byte>& contents = contents_[buffer];
    contents.resize(static_cast<std::size_t>(program_.buffers.at(buffer).bytes().value));
    std::copy(bytes.begin(), bytes.end(), contents.begin() + offset);
  }

  void read_part(BufferId buffer, std::int64_t offset, std::span<std::byte> bytes) const override {
    std::vector<std::byte> contents(
        static_cast<std::size_t>(program_.buffers.at(buffer).bytes().value));
    read(buffer, contents);
    std::copy_n(contents.begin() + offset, bytes.size(), bytes.begin());
  }

  void initialize(std::uint64_t) override { contents_.clear(); }
  void fill_pattern() override { runs.clear(); }
  Bytes touched() const override { return Bytes(static_cast<std::int64_t>(runs.size())); }

  template <typename T>
  std::vector<T> values(BufferId buffer) const {
    std::vector<T> result(static_cast<std::size_t>(program_.buffers[buffer].shape.numel()));
    read(buffer, std::as_writable_bytes(std::span(result)));
    return result;
  }
  template <typename T>
  void set(BufferId buffer, const std::vector<T>& values) {
    write(buffer, std::as_bytes(std::span(values)));
  }
  const StepProgram& program() const { return program_; }

 private:
  void check(BufferId buffer, std::size_t size) const {
    if (static_cast<std::int64_t>(size) != program_.buffers.at(buffer).bytes().value)
      throw InternalError("sizes differ");
  }

  StepProgram program_;
  OpTime op_time_;
  std::map<BufferId, std::vector<std::byte>> contents_;
};

class Backend final : public aforo::Backend {
 public:
  explicit Backend(Executor::OpTime op_time = {}, bool forgets = false)
      : op_time_(std::move(op_time)), forgets_(forgets) {}
  std::string name() const override { return "fake"; }
  std::string description() const override { return "fake, computes nothing"; }
  int n_threads() const override { return 1; }
  std::unique_ptr<aforo::Executor> load(const StepProgram& program, Communicator*) override {
    auto executor = std::make_unique<Executor>(program, op_time_);
    executor->forgets = forgets_;
    return executor;
  }

 private:
  Executor::OpTime op_time_;
  bool forgets_;
};

}  // namespace aforo::fake
