// SPDX-License-Identifier: MIT OR Apache-2.0
//
// local CONTESTANT CASE [COUNT]: what happens in one process, without a load from outside.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "kairos/bench/transports/local/cases.h"

namespace kairos::bench {
namespace {

struct Case {
  std::string_view contestant;
  std::string_view name;
  void (*run)(long count);
  long count;
};

// clang-format off
constexpr Case cases[] = {
    {"libuv", "wake", wakeLibuv, 2'000'000},
    {"kairos", "wake", wakeKairos, 2'000'000},
    {"asio", "post", postAsio, 100'000},
    {"kairos", "post", postKairos, 100'000},
    {"libev", "touch", touchLibev, 1'000'000},
    {"kairos", "touch", touchKairos, 1'000'000},
    {"bare", "spawn", spawnBare, 50},
    {"kairos", "spawn", spawnKairos, 50},
    {"libuv", "spawn", spawnLibuv, 50},
};
// clang-format on

int run(int argc, char** argv) {
  const auto isWanted = [&](const Case& each) {
    return argc >= 3 && each.contestant == argv[1] && each.name == argv[2];
  };
  const Case* const found = std::find_if(std::begin(cases), std::end(cases), isWanted);
  if (found != std::end(cases)) {
    found->run(argc > 3 ? std::max(std::atol(argv[3]), 1L) : found->count);
    return 0;
  }
  std::fprintf(stderr, "usage: local CONTESTANT CASE [COUNT], one of:\n");
  for (const Case& each : cases) {
    std::fprintf(stderr, "  %s %s\n", each.contestant.data(), each.name.data());
  }
  return 2;
}

}  // namespace
}  // namespace kairos::bench

int main(int argc, char** argv) { return kairos::bench::run(argc, argv); }
