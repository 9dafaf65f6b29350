// SPDX-License-Identifier: MIT OR Apache-2.0
//
// All benchmarks of all contestants in one program. Beside Google Benchmark's own flags:
//
//   --samples=N      samples of each benchmark instead of its own number
//   --operations=N   operations of each sample instead of its own number, where it has one
#include <benchmark/benchmark.h>
#include <ev.h>
#include <event2/event.h>
#include <uv.h>

#include <algorithm>
#include <boost/version.hpp>
#include <cassert>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/samples.h"

namespace {

// Takes `--name=N` out of the arguments, or returns 0.
long takeFlag(int& argc, char** argv, std::string_view name) {
  const auto matches = [name](const char* argument) {
    return std::string_view(argument).substr(0, name.size()) == name;
  };
  char** found = std::find_if(argv + 1, argv + argc, matches);
  if (found == argv + argc) {
    return 0;
  }
  const long value = std::atol(*found + name.size());
  std::rotate(found, found + 1, argv + argc);
  --argc;
  return std::max(value, 0L);
}

void describe() {
  using benchmark::AddCustomContext;
  bool assertions = false;
  assert((assertions = true));
  AddCustomContext("assertions", assertions ? "on" : "off");
  AddCustomContext("compiler", __VERSION__);
  AddCustomContext("libev",
                   std::to_string(ev_version_major()) + "." + std::to_string(ev_version_minor()));
  AddCustomContext("libuv", uv_version_string());
  AddCustomContext("libevent", event_get_version());
  AddCustomContext("boost", BOOST_LIB_VERSION);
  AddCustomContext("descriptors", std::to_string(kairos::bench::raiseDescriptorLimit()));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kairos::bench;
  amount().samples = static_cast<int>(takeFlag(argc, argv, "--samples="));
  amount().operations = static_cast<std::size_t>(takeFlag(argc, argv, "--operations="));
  describe();
  enrollBare();
  enrollBareTwin();
  enrollKairos();
  enrollLibev();
  enrollLibuv();
  enrollLibevent();
  enrollAsio();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
}
