// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The programs that are exchanges with an echo server, in another number and size.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "kairos/tests/soak/chaos.h"
#include "kairos/tests/soak/echo_server.h"
#include "kairos/tests/soak/exchanges.h"
#include "kairos/tests/soak/programs.h"
#include "kairos/tests/soak/watch.h"

namespace kairos::soak {
namespace {

std::string perSecond(const Figures& figures, const Budget& budget, double each, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f%s",
                static_cast<double>(figures.ok) * each / budget.spent(), unit);
  return text;
}

// Exchanges with a server whose descriptors and memory are the figures.
Figures exchange(const char* name, const Budget& budget, const Exchanges::Options& options,
                 const EchoServer::Options& serverOptions = {}) {
  Figures figures{.name = name};
  EchoServer server(serverOptions);
  ServerWatch watch(server, figures);
  const std::size_t ours = openDescriptors(::getpid());
  {
    Exchanges exchanges(server, options);
    chaos(serverOptions.chaosSeed);
    exchanges.run(budget, figures, [&] { watch.take(); });
    chaos(0);
  }
  if (openDescriptors(::getpid()) != ours) figures.failure = "the clients leave descriptors";
  watch.finish();
  return figures;
}

}  // namespace

Figures churn(const Budget& budget) {
  Figures figures = exchange("churn", budget, {.atOnce = 200, .bytes = 1000});
  figures.more = perSecond(figures, budget, 1, " connections/s");
  return figures;
}

Figures bulk(const Budget& budget) {
  const std::uint64_t bytes = budget.seconds() < 10 ? 8'000'000 : 200'000'000;
  Figures figures = exchange("bulk", budget, {.atOnce = 8, .bytes = bytes});
  figures.more = perSecond(figures, budget, static_cast<double>(bytes) / 1e6, " MB/s each way");
  return figures;
}

// The clients of the next burst come as those of the one before go.
Figures burst(const Budget& budget) {
  const std::size_t atOnce = budget.seconds() < 5 ? 300 : 2000;
  Figures figures = exchange("burst", budget, {.atOnce = atOnce, .bytes = 100'000});
  figures.more = perSecond(figures, budget, 0.1, " MB/s each way");
  return figures;
}

// Two hundred clients want a server that may have 64 descriptors.
Figures fewDescriptors(const Budget& budget) {
  Figures figures{.name = "fewDescriptors"};
  EchoServer server({.descriptorsMax = 64});
  ServerWatch watch(server, figures);
  Exchanges exchanges(server, {.atOnce = 200, .bytes = 100, .hold = std::chrono::milliseconds(50)});
  const std::int64_t before = cpuNanoseconds(server.process());
  exchanges.run(budget, figures, [&] { watch.take(); });
  const double busy =
      static_cast<double>(cpuNanoseconds(server.process()) - before) / 1e9 / budget.spent();
  figures.more = std::to_string(static_cast<int>(busy * 100)) + "% of a processor";
  if (busy > 0.5) figures.failure = "it spins";
  watch.finish();
  return figures;
}

// A new seed for each part.
Figures disturbed(const Budget& budget) {
  constexpr int seeds = 5;
  Figures all{.name = "disturbed"};
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    const Figures figures = exchange("disturbed", Budget(budget.seconds() / seeds),
                                     {.atOnce = 50, .bytes = 50'000}, {.chaosSeed = seed});
    all.ok += figures.ok;
    all.lost += figures.lost;
    all.corrupt += figures.corrupt;
    all.errors += figures.errors;
    all.fdsBefore = figures.fdsBefore;
    all.fdsAfter = figures.fdsAfter;
    all.rssBefore = figures.rssBefore;
    all.rssAfter = figures.rssAfter;
    if (!figures.passed()) {
      all.failure = "seed " + std::to_string(seed) + ": " + figures.line();
      break;
    }
  }
  all.more = perSecond(all, budget, 1, " connections/s");
  return all;
}

}  // namespace kairos::soak
