#pragma once
// The part of JSON Schema that docs/schemas uses: type, properties, required, additionalProperties,
// items, const.

#include <boost/json.hpp>
#include <string>

namespace aforo::test {

/// The first place where `value` is not what `schema` says, such as "plan.ranked[0].verdict: ...";
/// "" if there is none. Throws std::exception for a keyword that it does not know.
std::string schema_violation(const boost::json::value& value, const boost::json::value& schema,
                             const std::string& place = "");

}  // namespace aforo::test
