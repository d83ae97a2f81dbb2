#pragma once
// The message of an InputError, for tests of what users are told.

#include <doctest/doctest.h>

#include <string>

#include "planner/base/error.h"

namespace aforo::test {

/// What `call` said when it threw InputError; "" and a failed check if it did not throw.
template <typename Call>
std::string input_error(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  FAIL_CHECK("nothing was thrown");
  return "";
}

}  // namespace aforo::test
