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
using CreateBackend = Backend* (*)(char* error, std::size_t n);
using CreateCommunicator = Communicator* (*)(double timeout_s, char* error, std::size_t n);

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

std::string upper_case(std::string name) {
  for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

/// What is loaded, in words: "backend", "cuda".
struct Part {
  const char* kind;
  std::string name;
};

/// Opens the library for good: CUDA's libraries do not survive being unloaded, and a part's code
/// must outlive every object made by it.
void* load_library(const Part& part, const std::string& beside,
                   const std::filesystem::path& library) {
  if (!std::filesystem::exists(library))
    throw EnvironmentError(fmt::format(
        "{} {} is not there: looked for {};{} to build the plug-in, configure with -DAFORO_{}=ON "
        "where its libraries are installed",
        part.kind, part.name, library.string(), beside, upper_case(part.name)));
  dlerror();
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr)
    throw EnvironmentError(fmt::format(
        "{} {} cannot be loaded: dlopen({}): {}; install what is missing or build it again",
        part.kind, part.name, library.string(), dlerror()));
  return handle;
}

template <typename Function>
Function entry_point(const Part& part, void* handle, const std::filesystem::path& library,
                     const std::string& symbol) {
  dlerror();
  void* address = dlsym(handle, symbol.c_str());
  if (address == nullptr)
    throw EnvironmentError(
        fmt::format("{} is no {} of aforo: dlsym({}): {}; build it again from these sources",
                    library.string(), part.kind, symbol, dlerror()));
  return reinterpret_cast<Function>(address);
}

/// Checks the version and calls `make(create function, error text)`.
template <typename CreateFunction, typename Make>
auto create(const Part& part, void* handle, const std::filesystem::path& library, int expected,
            Make make) {
  const std::string prefix = fmt::format("aforo_{}_", part.kind);
  const int version =
      entry_point<AbiVersionFunction>(part, handle, library, prefix + "abi_version")();
  if (version != expected)
    throw EnvironmentError(fmt::format(
        "{} was built for {} version {}, but this program has version {}; build both from the same "
        "sources",
        library.string(), part.kind, version, expected));
  const auto function = entry_point<CreateFunction>(part, handle, library, prefix + "create");
  std::array<char, 1024> error{};
  auto made = make(function, error);
  error.back() = '\0';
  if (made == nullptr)
    throw EnvironmentError(fmt::format(
        "{} {} cannot start: {}", part.kind, part.name,
        error[0] != '\0' ? error.data() : "its library gives no reason; it may be damaged"));
  return made;
}

using ErrorText = std::array<char, 1024>;

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
  const Part part{"backend", name};
  const std::string beside = fmt::format(" built in are: {};", fmt::join(names_of(linked), ", "));
  return create<CreateBackend>(part, load_library(part, beside, library), library,
                               backend_abi_version, [](CreateBackend make, ErrorText& error) {
                                 return std::unique_ptr<Backend>(make(error.data(), error.size()));
                               });
}

std::unique_ptr<Communicator> open_communicator(const std::string& name, Seconds timeout,
                                                const std::filesystem::path& folder) {
  const std::filesystem::path library = folder / ("libaforo_comm_" + name + ".so");
  const Part part{"communicator", name};
  return create<CreateCommunicator>(
      part, load_library(part, "", library), library, communicator_abi_version,
      [&](CreateCommunicator make, ErrorText& error) {
        return std::unique_ptr<Communicator>(make(timeout.value, error.data(), error.size()));
      });
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
