#include "runtime/core/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "planner/base/error.h"

namespace aforo {
namespace {

using AbiVersionFunction = int (*)();
using CreateFunction = Backend* (*)(char* error, std::size_t n);

bool is_backend_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::vector<std::string> names_of(std::span<const BackendFactory> linked) {
  std::vector<std::string> names;
  for (const BackendFactory& factory : linked) names.emplace_back(factory.name);
  return names;
}

/// Opens the library for good: CUDA's libraries do not survive being unloaded, and the backend's
/// code must outlive every object made by it.
void* load_library(const std::string& name, std::span<const BackendFactory> linked,
                   const std::filesystem::path& library) {
  if (!std::filesystem::exists(library))
    throw EnvironmentError(fmt::format(
        "backend {} is not there: looked for {}; built in are: {}; to build the plug-in, "
        "configure with -DAFORO_{}=ON where its libraries are installed",
        name, library.string(), fmt::join(names_of(linked), ", "), [&] {
          std::string upper = name;
          for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
          return upper;
        }()));
  dlerror();
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr)
    throw EnvironmentError(fmt::format(
        "backend {} cannot be loaded: dlopen({}): {}; install what is missing or build it again",
        name, library.string(), dlerror()));
  return handle;
}

template <typename Function>
Function entry_point(void* handle, const std::filesystem::path& library, const char* symbol) {
  dlerror();
  void* address = dlsym(handle, symbol);
  if (address == nullptr)
    throw EnvironmentError(
        fmt::format("{} is no backend of aforo: dlsym({}): {}; build it again from these sources",
                    library.string(), symbol, dlerror()));
  return reinterpret_cast<Function>(address);
}

std::unique_ptr<Backend> create(const std::string& name, void* handle,
                                const std::filesystem::path& library) {
  const int version =
      entry_point<AbiVersionFunction>(handle, library, "aforo_backend_abi_version")();
  if (version != backend_abi_version)
    throw EnvironmentError(fmt::format(
        "{} was built for backend version {}, but this program has version {}; build both from "
        "the same sources",
        library.string(), version, backend_abi_version));
  const auto make = entry_point<CreateFunction>(handle, library, "aforo_backend_create");
  std::array<char, 1024> error{};
  std::unique_ptr<Backend> backend(make(error.data(), error.size()));
  error.back() = '\0';
  if (backend == nullptr)
    throw EnvironmentError(fmt::format(
        "backend {} cannot start: {}", name,
        error[0] != '\0' ? error.data() : "its library gives no reason; it may be damaged"));
  return backend;
}

}  // namespace

std::unique_ptr<Backend> open_backend(const std::string& name, int n_threads,
                                      std::span<const BackendFactory> linked,
                                      const std::filesystem::path& folder) {
  for (const BackendFactory& factory : linked)
    if (name == factory.name) return factory.make(n_threads);
  if (!is_backend_name(name))
    throw InputError(
        fmt::format("backend is \"{}\"; expected a name of small letters, digits and _, such as {}",
                    name, fmt::join(names_of(linked), ", ")));
  const std::filesystem::path library = folder / ("libaforo_backend_" + name + ".so");
  return create(name, load_library(name, linked, library), library);
}

std::filesystem::path program_folder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    throw EnvironmentError(
        fmt::format("/proc/self/exe cannot be read: {}; mount /proc", error.message()));
  return program.parent_path();
}

}  // namespace aforo
