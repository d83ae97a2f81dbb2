#include "runtime/core/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "planner/base/error.h"
#include "runtime/core/checkpoint_file.h"
#include "runtime/core/checkpoint_format.h"
#include "runtime/core/file_writer.h"

namespace aforo {
namespace {

namespace fs = std::filesystem;
using namespace checkpoint;

constexpr std::string_view suffix = ".ckpt";
constexpr std::string_view unfinished_suffix = ".ckpt.part";

bool ends_with(const fs::path& path, std::string_view ending) {
  return path.filename().string().ends_with(ending);
}

/// Removes all checkpoints but `last` and the one before it, which serves should the last be
/// damaged, and what crashes left unfinished. That a file cannot be removed is no reason to end a
/// training.
void remove_others(const fs::path& folder, const fs::path& last) {
  std::error_code ignored;
  int n_older = 0;
  for (const fs::path& path : checkpoints_in(folder))
    if (path > last || (path < last && ++n_older > 1)) fs::remove_all(path, ignored);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (ends_with(entry.path(), unfinished_suffix)) fs::remove_all(entry.path(), ignored);
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw InputError(fmt::format("{}: cannot be made: {}; name another folder", folder.string(),
                                 error.message()));
}

std::string rank_file(int rank, int n_ranks) {
  return fmt::format("rank-{:04d}-of-{:04d}", rank, n_ranks);
}

void write_complete_mark(const fs::path& unfinished, int n_ranks) {
  CompleteMark mark;
  for (int rank = 0; rank < n_ranks; ++rank) {
    const std::string name = rank_file(rank, n_ranks);
    mark.files.push_back({name, static_cast<std::int64_t>(fs::file_size(unfinished / name))});
  }
  FileWriter file(unfinished / "complete.part");
  const std::string text = complete_text(mark);
  file.write(std::as_bytes(std::span(text)));
  file.move_to(unfinished / std::string(complete_name));
}

/// The folder gets its final name; that it is on the disk is made sure of by its parent.
void rename_folder(const fs::path& unfinished, const fs::path& finished) {
  std::error_code error;
  fs::remove_all(finished, error);  // of the same step, when a run was begun again
  fs::rename(unfinished, finished, error);
  if (error)
    throw EnvironmentError(fmt::format("{}: cannot be renamed: {}; name another folder",
                                       unfinished.string(), error.message()));
  synchronize_folder(finished.parent_path());
}

/// Every rank writes its file into one folder, which gets its name when all are on the disk.
void save_folder(const fs::path& folder, const std::string& stem, const Executor& executor,
                 const StepProgram& program, const CheckpointState& state,
                 Communicator& communicator) {
  const int rank = communicator.rank(), n_ranks = communicator.n_ranks();
  const fs::path unfinished = folder / (stem + std::string(unfinished_suffix));
  const fs::path finished = folder / (stem + std::string(suffix));
  if (rank == 0) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    make_folder(unfinished);
  }
  communicator.barrier("checkpoint: folder");
  const std::string name = rank_file(rank, n_ranks);
  write_file(unfinished / (name + ".part"), unfinished / name, executor, program, rank, state);
  communicator.barrier("checkpoint: files");
  if (rank == 0) {
    write_complete_mark(unfinished, n_ranks);
    rename_folder(unfinished, finished);
    remove_others(folder, finished);
  }
  communicator.barrier("checkpoint: complete");
}

/// The files of a checkpoint: itself, or what its mark says is in its folder.
std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::ifstream file(path / std::string(complete_name));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) throw Damage("was not completed");
  std::vector<fs::path> files;
  try {
    for (const CompleteMark::File& entry : parse_complete(text).files) {
      files.push_back(path / entry.name);
      std::error_code missing;
      const auto bytes = static_cast<std::int64_t>(fs::file_size(files.back(), missing));
      if (missing) throw Damage(entry.name + " is missing");
      if (bytes != entry.bytes)
        throw Damage(fmt::format("{} has {} bytes, expected {}", entry.name, bytes, entry.bytes));
    }
  } catch (const Damage&) {
    throw;
  } catch (const std::exception& error) {
    throw Damage(fmt::format("{}: {}", complete_name, error.what()));
  }
  return files;
}

/// Puts saved pieces where the rank's program wants their elements.
class Loader {
 public:
  Loader(Executor& executor, const StepProgram& program, int rank)
      : executor_(executor), program_(program) {
    for (Piece& piece : pieces_of_rank(program, rank)) {
      n_missing_ += piece.count;
      wanted_[piece.tensor].push_back(std::move(piece));
    }
  }

  void load(CheckpointFile& file) {
    for (std::size_t i = 0; i < file.header().pieces.size(); ++i) {
      const SavedPiece& saved = file.header().pieces[i];
      const std::vector<Piece>& wanted = wanted_[saved.name];
      const auto overlaps = [&](const Piece& piece) {
        return piece.begin < saved.begin + saved.count && saved.begin < piece.begin + piece.count;
      };
      if (std::none_of(wanted.begin(), wanted.end(), overlaps)) continue;
      const std::vector<std::byte> bytes = file.read_piece(i);
      for (const Piece& piece : wanted)
        if (overlaps(piece)) put(piece, saved, bytes);
    }
  }

  void finish() const {
    if (n_missing_ != 0) throw Damage(fmt::format("lacks {} elements", n_missing_));
  }

 private:
  void put(const Piece& piece, const SavedPiece& saved, const std::vector<std::byte>& bytes) {
    const std::int64_t width = size_of(program_.buffers[piece.buffer].dtype);
    const std::int64_t from = std::max(piece.begin, saved.begin);
    const std::int64_t to = std::min(piece.begin + piece.count, saved.begin + saved.count);
    executor_.write_part(piece.buffer, (piece.at + from - piece.begin) * width,
                         std::span(bytes).subspan(static_cast<std::size_t>((from - saved.begin) * width),
                                                  static_cast<std::size_t>((to - from) * width)));
    n_missing_ -= to - from;
  }

  Executor& executor_;
  const StepProgram& program_;
  std::map<std::string, std::vector<Piece>> wanted_;
  std::int64_t n_missing_ = 0;
};

/// Throws Damage if the checkpoint is not intact, InputError if it belongs to something else.
LoadedCheckpoint load_one(const fs::path& path, Executor& executor, const StepProgram& program,
                          const std::string& job_key, int rank) {
  std::vector<CheckpointFile> files;
  std::vector<SavedPiece> pieces;
  for (const fs::path& file : files_of(path)) {
    files.emplace_back(file);
    const Header& header = files.back().header();
    if (header.state.job_key != job_key)
      throw InputError(
          fmt::format("{}: was made for job {}, this plan is for {}; resume with the plan it was "
                      "made with, or train in another folder",
                      path.string(), header.state.job_key, job_key));
    if (header.state.n_steps_done != files.front().header().state.n_steps_done)
      throw Damage("has files of different steps");
    pieces.insert(pieces.end(), header.pieces.begin(), header.pieces.end());
  }
  if (files.empty()) throw Damage("has no files");
  check_tensors(pieces, program, path.string());
  Loader loader(executor, program, rank);
  for (CheckpointFile& file : files) loader.load(file);
  loader.finish();
  return {path, files.front().header().state.n_steps_done, {}};
}

}  // namespace

void save_checkpoint(const fs::path& folder, const Executor& executor, const StepProgram& program,
                     const CheckpointState& state, Communicator* communicator) {
  const std::string stem = fmt::format("step-{:09d}", state.n_steps_done);
  if (communicator != nullptr && communicator->n_ranks() > 1)
    return save_folder(folder, stem, executor, program, state, *communicator);
  make_folder(folder);
  const fs::path finished = folder / (stem + std::string(suffix));
  std::error_code ignored;
  if (fs::is_directory(finished)) fs::remove_all(finished, ignored);
  write_file(folder / (stem + std::string(unfinished_suffix)), finished, executor, program, 0,
             state);
  remove_others(folder, finished);
}

LoadedCheckpoint load_checkpoint(const fs::path& folder, Executor& executor,
                                 const StepProgram& program, const std::string& job_key,
                                 Communicator* communicator) {
  std::vector<std::string> damaged;
  for (const fs::path& path : checkpoints_in(folder)) {
    LoadedCheckpoint loaded;
    std::optional<std::string> wrong;
    try {
      loaded = load_one(path, executor, program, job_key,
                        communicator == nullptr ? 0 : communicator->rank());
    } catch (const Damage& damage) {
      wrong = damage.what();
    }
    if (communicator != nullptr && communicator->any(wrong.has_value(), "checkpoint: intact") &&
        !wrong)
      wrong = "another rank found it damaged";
    if (!wrong) {
      loaded.damaged = std::move(damaged);
      return loaded;
    }
    damaged.push_back(fmt::format("{}: {}", path.string(), *wrong));
  }
  if (damaged.empty())
    throw InputError(fmt::format("{}: holds no checkpoint (step-*{}); train without resuming",
                                 folder.string(), suffix));
  throw EnvironmentError(
      fmt::format("no checkpoint is intact: {}; train without resuming", fmt::join(damaged, "; ")));
}

std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code missing;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing))
    if (ends_with(entry.path(), suffix)) found.push_back(entry.path());
  // Numbers have nine digits, so names sort as steps do.
  std::sort(found.rbegin(), found.rend());
  return found;
}

}  // namespace aforo
