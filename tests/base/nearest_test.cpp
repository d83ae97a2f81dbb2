#include "planner/base/nearest.h"

#include <doctest/doctest.h>

namespace aforo {

TEST_CASE("nearest: edit distance counts insertions, deletions and substitutions") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("gpt2", "gpt2") == 0);
}

TEST_CASE("nearest: offers a name that differs in at most a third of its letters") {
  CHECK(nearest("llama-2-7", {"llama-2-70b", "llama-2-7b", "gpt2"}) == "llama-2-7b");
  CHECK(nearest("gtp2", {"gpt2"}).empty());  // two of four letters
  CHECK(nearest("gpt3", {"gpt2"}) == "gpt2");
  CHECK(nearest("x", {"gpt2"}).empty());
  CHECK(nearest("anything", {}).empty());
}

TEST_CASE("nearest: gives up on names too long to be a slip") {
  const std::string name(65, 'a');
  CHECK(nearest(name, {name}).empty());
}

}  // namespace aforo
