// SPDX-License-Identifier: MIT OR Apache-2.0
//
// generator LOAD [--connections=N] [--bytes=N] [--samples=N] [--milliseconds=N | --requests=N]
//     -- SERVER...
//
// Starts the server, puts the load on it, and prints what that cost the server, as JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "kairos/bench/support/check.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/transports/loads/loads.h"
#include "kairos/bench/transports/loads/options.h"
#include "kairos/bench/transports/loads/server_process.h"

namespace kairos::bench {
namespace {

struct Load {
  std::string_view name;
  void (*run)(ServerProcess& server, const Options& options);
};

constexpr Load loads[] = {
    {"echo", loadEcho}, {"datagrams", loadDatagrams}, {"files", loadFiles},
    {"bulk", loadBulk}, {"idle", loadIdle},
};

bool readOption(std::string_view text, Options& options) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return false;
  const std::string_view name = text.substr(0, equals);
  const auto value = std::strtoull(text.data() + equals + 1, nullptr, 10);
  if (value == 0) return false;
  if (name == "--connections") {
    options.connections = value;
  } else if (name == "--bytes") {
    options.bytes = value;
  } else if (name == "--samples") {
    options.samples = static_cast<int>(value);
  } else if (name == "--milliseconds") {
    options.sampleTime = std::chrono::milliseconds(value);
  } else if (name == "--requests") {
    options.requests = value;
  } else {
    return false;
  }
  return true;
}

int fail(const char* what) {
  std::fprintf(stderr, "generator: not understood: %s\n", what);
  return 2;
}

int run(char** arguments) {
  if (*arguments == nullptr) return fail("no load");
  const auto isWanted = [&](const Load& load) { return load.name == *arguments; };
  const Load* const load = std::find_if(std::begin(loads), std::end(loads), isWanted);
  if (load == std::end(loads)) return fail(*arguments);
  Options options;
  while (*++arguments != nullptr && std::strcmp(*arguments, "--") != 0) {
    if (!readOption(*arguments, options)) return fail(*arguments);
  }
  if (*arguments == nullptr || *++arguments == nullptr) return fail("no server");
  raiseDescriptorLimit();
  ServerProcess server(arguments);
  load->run(server, options);
  return 0;
}

}  // namespace
}  // namespace kairos::bench

int main(int, char** argv) { return kairos::bench::run(argv + 1); }
