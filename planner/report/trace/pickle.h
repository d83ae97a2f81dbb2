#pragma once
// Python's pickle format, protocol 2, writing only: dictionaries, lists, texts and whole numbers.
// Nothing it can write runs code when it is read.

#include <cstdint>
#include <string>
#include <string_view>

namespace aforo {

/// Builds one value; keys and values of a dictionary alternate.
class PickleWriter {
 public:
  PickleWriter();
  PickleWriter& begin_dict();
  PickleWriter& end_dict();
  PickleWriter& begin_list();
  PickleWriter& end_list();
  PickleWriter& value(std::string_view text);
  PickleWriter& value(std::int64_t number);

  template <typename T>
  PickleWriter& field(std::string_view name, const T& content) {
    value(name);
    return value(content);
  }

  /// The whole file; call it once, after the value is complete.
  std::string finish();

 private:
  void little_endian(std::uint64_t number, int n_bytes);
  std::string bytes_;
};

}  // namespace aforo
