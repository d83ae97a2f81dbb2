#include "planner/spec/machine_file.h"

#include <doctest/doctest.h>

#include "planner/spec/hardware_file.h"
#include "tests/base/thrown.h"

using namespace aforo;

TEST_CASE("machines: every file reads, and names an accelerator that is known") {
  const std::vector<AcceleratorSpec> cards = all_accelerators();
  const std::vector<MachineSpec> machines = all_machines();
  CHECK(machines.size() >= 86);
  for (const MachineSpec& machine : machines) {
    CAPTURE(machine.name);
    CHECK(match_accelerator(machine.accelerator, cards) == machine.accelerator);
    CHECK(machine.name.find('/') != std::string::npos);
  }
  const MachineSpec p5 = find_machine("aws/p5.48xlarge");
  CHECK(p5.count == 8);
  CHECK(p5.network->value == 400e9);
}

TEST_CASE("machines: problems carry the place and the way out") {
  const auto error = [](const std::string& text) {
    return test::input_error([&] { read_machine(YamlNode::load_text(text, "m.yaml")); });
  };
  CHECK(error("name: a/b\nprovider: a\naccelerator: t4\ncount: 0\nsource: s\n") ==
        "m.yaml:4:8: count is 0; expected 1 to 1024");
  CHECK(error("name: a/b\nprovider: a\naccelerator: t4\ncount: 1\nsource: s\nnetwork: {kind: x, "
              "bandwidth: 0 GB/s}\n")
            .find("m.yaml:6:") == 0);
  CHECK(test::input_error([] { find_machine("aws/p5.48xlarg"); })
            .find("did you mean "
                  "aws/p5.48xlarge?") != std::string::npos);
}
