#pragma once
// The JSON that a command printed.

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/cli/aforo.h"

namespace aforo::test {

/// The object in an answer's standard output; a failed check if there is none, or if its
/// schema_version is not 1.
inline boost::json::object parsed(const Answer& answer) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(answer.out, error);
  CAPTURE(answer.err);
  REQUIRE_FALSE(error);
  REQUIRE(value.is_object());
  CHECK(value.at("schema_version") == 1);
  return value.as_object();
}

/// The same of a command that must succeed.
inline boost::json::object object_of(const Answer& answer) {
  CAPTURE(answer.err);
  CHECK(answer.code == 0);
  return parsed(answer);
}

inline double number(const boost::json::value& value) { return value.to_number<double>(); }

}  // namespace aforo::test
