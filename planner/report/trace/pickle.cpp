#include "planner/report/trace/pickle.h"

#include <limits>

namespace aforo {

PickleWriter::PickleWriter() : bytes_("\x80\x02") {}  // PROTO 2

PickleWriter& PickleWriter::begin_dict() {
  bytes_ += "}(";  // EMPTY_DICT MARK
  return *this;
}

PickleWriter& PickleWriter::end_dict() {
  bytes_ += 'u';  // SETITEMS
  return *this;
}

PickleWriter& PickleWriter::begin_list() {
  bytes_ += "](";  // EMPTY_LIST MARK
  return *this;
}

PickleWriter& PickleWriter::end_list() {
  bytes_ += 'e';  // APPENDS
  return *this;
}

PickleWriter& PickleWriter::value(std::string_view text) {
  bytes_ += 'X';  // BINUNICODE
  little_endian(text.size(), 4);
  bytes_ += text;
  return *this;
}

PickleWriter& PickleWriter::value(std::int64_t number) {
  const bool fits = number >= std::numeric_limits<std::int32_t>::min() &&
                    number <= std::numeric_limits<std::int32_t>::max();
  if (fits) {
    bytes_ += 'J';  // BININT
  } else {
    bytes_ += "\x8a\x08";  // LONG1 of 8 bytes
  }
  little_endian(static_cast<std::uint64_t>(number), fits ? 4 : 8);
  return *this;
}

std::string PickleWriter::finish() {
  bytes_ += '.';  // STOP
  return std::move(bytes_);
}

void PickleWriter::little_endian(std::uint64_t number, int n_bytes) {
  for (int i = 0; i < n_bytes; ++i) bytes_ += static_cast<char>(number >> (8 * i) & 0xff);
}

}  // namespace aforo
