#pragma once
// Backends by name: those linked into the program, and plug-ins that lie beside it.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "runtime/core/backend.h"

namespace aforo {

/// A backend that is part of the program. core cannot know them, so the caller brings the list.
struct BackendFactory {
  const char* name;
  std::unique_ptr<Backend> (*make)(int n_threads);
};

/// What a plug-in must answer. Raised whenever backend.h or what it includes changes its layout.
constexpr int backend_abi_version = 2;

/// The backend called `name`: one of `linked`, else the plug-in libaforo_backend_<name>.so in
/// `folder`. A plug-in exports two C functions:
///
///   int aforo_backend_abi_version();                              returns backend_abi_version
///   aforo::Backend* aforo_backend_create(char* error, size_t n);  null: says why in `error`
///
/// Its library stays loaded until the process ends. Throws EnvironmentError if there is no such
/// backend, if its library cannot be loaded or was built for another version, or if it finds no
/// device; InputError if `name` cannot be the name of a backend.
std::unique_ptr<Backend> open_backend(const std::string& name, int n_threads,
                                      std::span<const BackendFactory> linked,
                                      const std::filesystem::path& folder);

/// What a transport's plug-in must answer. Raised whenever communicator.h changes its layout.
constexpr int communicator_abi_version = 1;

/// The transport called `name`: the plug-in libaforo_comm_<name>.so in `folder`. It exports
///
///   int aforo_communicator_abi_version();
///   aforo::Communicator* aforo_communicator_create(double timeout_s, char* error, size_t n);
///
/// Throws EnvironmentError as open_backend does.
std::unique_ptr<Communicator> open_communicator(const std::string& name, Seconds timeout,
                                                const std::filesystem::path& folder);

/// The folder of the running program, where its plug-ins lie.
std::filesystem::path program_folder();

}  // namespace aforo
