#pragma once
// Writes one file of which nothing is seen until it is complete and on the disk.

#include <cstddef>
#include <filesystem>
#include <span>

namespace aforo {

/// A new file under a passing name. If it is not moved to its final name, it is removed again.
class FileWriter {
 public:
  /// Throws EnvironmentError, here and below, with the path and what the system says.
  explicit FileWriter(std::filesystem::path path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(std::span<const std::byte> bytes);

  /// Synchronizes the file, gives it its final name in the same folder, and synchronizes the
  /// folder. Nothing can be written afterwards.
  void move_to(const std::filesystem::path& final_path);

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int file_ = -1;
};

/// Makes sure that the names in a folder are on the disk. Without it a rename may be lost with the
/// power; a file system that cannot do it is no reason to stop.
void synchronize_folder(const std::filesystem::path& folder);

}  // namespace aforo
