#include "runtime/core/checkpoint_format.h"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <boost/json.hpp>
#include <map>

#include "planner/base/dtype.h"
#include "planner/base/error.h"

namespace aforo::checkpoint {
namespace {

namespace json = boost::json;

std::string describe(const Tensor& tensor) {
  return fmt::format("{} [{}, {}]", tensor.dtype, tensor.rows, tensor.cols);
}

std::int64_t element_size(const std::string& dtype) {
  for (const Dtype type : {Dtype::fp64, Dtype::fp32, Dtype::bf16, Dtype::fp16, Dtype::int32})
    if (dtype == name_of(type)) return size_of(type);
  throw std::runtime_error(fmt::format("has numbers of unknown type {}", dtype));
}

SavedPiece parse_piece(const json::object& entry) {
  const auto number = [&](const char* key) { return json::value_to<std::int64_t>(entry.at(key)); };
  SavedPiece piece;
  piece.name = json::value_to<std::string>(entry.at("name"));
  piece.tensor = {json::value_to<std::string>(entry.at("dtype")), number("rows"), number("cols")};
  piece.begin = number("begin");
  piece.count = number("count");
  const Tensor& t = piece.tensor;
  constexpr std::int64_t most = std::int64_t{1} << 50;
  if (t.rows < 0 || t.cols < 0 || t.rows > most || (t.rows > 0 && t.cols > most / t.rows) ||
      piece.begin < 0 || piece.count < 0 || piece.begin > t.rows * t.cols ||
      piece.count > t.rows * t.cols - piece.begin)
    throw std::runtime_error(fmt::format("has elements {} to {} of {}, which is {}", piece.begin,
                                         piece.begin + piece.count, piece.name, describe(t)));
  piece.bytes = piece.count * element_size(t.dtype);
  return piece;
}

json::object versioned(std::string_view text) {
  const json::value value = json::parse(json::string_view(text.data(), text.size()));
  const json::object& object = value.as_object();
  const auto version = json::value_to<std::int64_t>(object.at("version"));
  if (version != format_version)
    throw std::runtime_error(
        fmt::format("has format version {}, this build reads {}", version, format_version));
  return object;
}

}  // namespace

std::string header_text(const Header& header) {
  json::array pieces;
  for (const SavedPiece& piece : header.pieces)
    pieces.push_back({{"name", piece.name},
                      {"dtype", piece.tensor.dtype},
                      {"rows", piece.tensor.rows},
                      {"cols", piece.tensor.cols},
                      {"begin", piece.begin},
                      {"count", piece.count}});
  return json::serialize(json::object{{"version", format_version},
                                      {"n_steps_done", header.state.n_steps_done},
                                      {"job_key", header.state.job_key},
                                      {"pieces", std::move(pieces)}});
}

Header parse_header(std::string_view text) {
  const json::object object = versioned(text);
  Header header;
  header.state.n_steps_done = json::value_to<std::int64_t>(object.at("n_steps_done"));
  header.state.job_key = json::value_to<std::string>(object.at("job_key"));
  for (const json::value& entry : object.at("pieces").as_array())
    header.pieces.push_back(parse_piece(entry.as_object()));
  return header;
}

std::string complete_text(const CompleteMark& mark) {
  json::array files;
  for (const CompleteMark::File& file : mark.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}});
  return json::serialize(json::object{{"version", format_version}, {"files", std::move(files)}});
}

CompleteMark parse_complete(std::string_view text) {
  CompleteMark mark;
  const json::object object = versioned(text);
  for (const json::value& entry : object.at("files").as_array())
    mark.files.push_back({json::value_to<std::string>(entry.at("name")),
                          json::value_to<std::int64_t>(entry.at("bytes"))});
  return mark;
}

void check_tensors(const std::vector<SavedPiece>& pieces, const StepProgram& program,
                   const std::string& file) {
  const std::map<std::string, Tensor> wanted = kept_tensors(program);
  std::map<std::string, const SavedPiece*> saved;
  for (const SavedPiece& piece : pieces) {
    saved.emplace(piece.name, &piece);
    const auto found = wanted.find(piece.name);
    if (found == wanted.end())
      throw InputError(fmt::format(
          "{}: holds {} ({}), which this plan does not have; resume with the precision, model and "
          "optimizer it was made with",
          file, piece.name, describe(piece.tensor)));
    if (found->second != piece.tensor)
      throw InputError(fmt::format(
          "{}: {} is {}, but this plan needs {}; resume with the precision and model it was made "
          "with",
          file, piece.name, describe(piece.tensor), describe(found->second)));
  }
  for (const auto& [name, tensor] : wanted)
    if (!saved.contains(name))
      throw InputError(fmt::format(
          "{}: lacks {} ({}), which this plan needs; resume with the precision, model and "
          "optimizer it was made with",
          file, name, describe(tensor)));
}

std::uint32_t crc32(std::span<const std::byte> bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace aforo::checkpoint
