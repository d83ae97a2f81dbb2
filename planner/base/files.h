#pragma once
// Files: read whole, written whole or not at all; and where models/ and profiles/ lie.

#include <string>
#include <string_view>
#include <vector>

namespace aforo {

/// The whole file. Throws InputError with path and reason if it cannot be read or is larger than
/// `limit` bytes.
std::string read_file(const std::string& path, std::size_t limit = 256u << 20);

/// Writes a temporary file beside `path`, syncs it and renames it: a reader never sees half a file.
/// Throws InputError with path and reason; the old file stays then. What is no regular file (a
/// pipe, /dev/null) is written into instead.
void write_file(const std::string& path, std::string_view contents);

/// The folder that holds models/ and profiles/: $AFORO_DATA if it is set; else share/aforo beside
/// the program's bin/; else the source tree this build came from. Throws EnvironmentError naming
/// where it looked if they are not there.
std::string data_root();

/// Files in `folder` with this ending, sorted by name. Throws InputError if the folder cannot be
/// read.
std::vector<std::string> files_in(const std::string& folder, std::string_view ending);

}  // namespace aforo
