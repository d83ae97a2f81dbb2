#include "runtime/core/checkpoint_format.h"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <boost/json.hpp>
#include <map>
#include <stdexcept>

#include "planner/base/error.h"

namespace aforo::checkpoint {
namespace {

namespace json = boost::json;

bool is_kept(const Buffer& buffer) {
  const bool carries_training = buffer.role == Role::weight || buffer.role == Role::master ||
                                buffer.role == Role::optimizer_state ||
                                buffer.role == Role::control;
  return buffer.persistent && carries_training;
}

std::string describe(const SavedBuffer& buffer) {
  return fmt::format("{} [{}, {}]", buffer.dtype, buffer.rows, buffer.cols);
}

SavedBuffer describe_buffer(const Buffer& buffer) {
  return {buffer.name, std::string(name_of(buffer.dtype)), buffer.shape.rows, buffer.shape.cols,
          buffer.bytes().value};
}

SavedBuffer parse_buffer(const json::object& entry) {
  return {json::value_to<std::string>(entry.at("name")),
          json::value_to<std::string>(entry.at("dtype")),
          json::value_to<std::int64_t>(entry.at("rows")),
          json::value_to<std::int64_t>(entry.at("cols")),
          json::value_to<std::int64_t>(entry.at("bytes"))};
}

}  // namespace

std::vector<BufferId> kept_buffers(const StepProgram& program) {
  std::vector<BufferId> kept;
  for (std::size_t id = 0; id < program.buffers.size(); ++id)
    if (is_kept(program.buffers[id])) kept.push_back(static_cast<BufferId>(id));
  return kept;
}

std::string header_text(const StepProgram& program, const CheckpointState& state) {
  json::array buffers;
  for (BufferId id : kept_buffers(program)) {
    const SavedBuffer buffer = describe_buffer(program.buffers[id]);
    buffers.push_back({{"name", buffer.name},
                       {"dtype", buffer.dtype},
                       {"rows", buffer.rows},
                       {"cols", buffer.cols},
                       {"bytes", buffer.bytes}});
  }
  return json::serialize(json::object{{"version", format_version},
                                      {"n_steps_done", state.n_steps_done},
                                      {"job_key", state.job_key},
                                      {"buffers", std::move(buffers)}});
}

Header parse_header(std::string_view text) {
  const json::value value = json::parse(json::string_view(text.data(), text.size()));
  const json::object& object = value.as_object();
  const auto version = json::value_to<std::int64_t>(object.at("version"));
  if (version != format_version)
    throw std::runtime_error(
        fmt::format("has format version {}, this build reads {}", version, format_version));
  Header header;
  header.state.n_steps_done = json::value_to<std::int64_t>(object.at("n_steps_done"));
  header.state.job_key = json::value_to<std::string>(object.at("job_key"));
  for (const json::value& entry : object.at("buffers").as_array())
    header.buffers.push_back(parse_buffer(entry.as_object()));
  return header;
}

std::vector<BufferId> match_buffers(const Header& header, const StepProgram& program,
                                    const std::string& file) {
  std::map<std::string, BufferId> by_name;
  for (BufferId id : kept_buffers(program))
    if (!by_name.emplace(program.buffers[id].name, id).second)
      throw InternalError(fmt::format("two buffers are called {}", program.buffers[id].name));
  std::vector<BufferId> ids;
  for (const SavedBuffer& saved : header.buffers) {
    const auto found = by_name.find(saved.name);
    if (found == by_name.end())
      throw InputError(fmt::format(
          "{}: holds {} ({}), which this plan does not have; resume with the precision, model and "
          "optimizer it was made with",
          file, saved.name, describe(saved)));
    const SavedBuffer wanted = describe_buffer(program.buffers[found->second]);
    if (saved.dtype != wanted.dtype || saved.rows != wanted.rows || saved.cols != wanted.cols ||
        saved.bytes != wanted.bytes)
      throw InputError(fmt::format(
          "{}: {} is {}, but this plan needs {}; resume with the precision and model it was made "
          "with",
          file, saved.name, describe(saved), describe(wanted)));
    ids.push_back(found->second);
    by_name.erase(found);
  }
  if (!by_name.empty())
    throw InputError(fmt::format(
        "{}: lacks {} ({}), which this plan needs; resume with the precision, model and optimizer "
        "it was made with",
        file, by_name.begin()->first,
        describe(describe_buffer(program.buffers[by_name.begin()->second]))));
  return ids;
}

std::uint32_t crc32(std::span<const std::byte> bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace aforo::checkpoint
