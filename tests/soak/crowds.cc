// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Busy connections beside many that do nothing, or nothing good.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "kairos/tests/soak/echo_server.h"
#include "kairos/tests/soak/exchanges.h"
#include "kairos/tests/soak/programs.h"
#include "kairos/tests/soak/raw_client.h"
#include "kairos/tests/soak/watch.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"

namespace kairos::soak {
namespace {

constexpr std::size_t idleMost = 9000;
constexpr std::size_t slowPeers = 500;
constexpr std::size_t deafPeers = 50;
constexpr std::size_t dyingPeers = 50;

// What a peer that does not read may cost the server: a read buffer, and what came with it.
constexpr std::int64_t deafPeerKilobytes = 64;

std::vector<RawClient> connectAll(const EchoServer& server, std::size_t count, Figures& figures) {
  std::vector<RawClient> all;
  all.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(server.address(i));
    if (!all.back().isConnected()) ++figures.errors;
  }
  return all;
}

struct Busy {
  double perSecond;
  double p99;  // ms
};

Busy keepBusy(const EchoServer& server, double seconds, Figures& figures) {
  Exchanges exchanges(server, {.atOnce = 200, .bytes = 1000});
  const Budget budget(seconds);
  const std::uint64_t before = figures.ok;
  exchanges.run(budget, figures);
  return {static_cast<double>(figures.ok - before) / budget.spent(), exchanges.percentile(0.99)};
}

// The time of the server's process while nothing happens, in ms per second.
double idleCost(const EchoServer& server, double seconds) {
  const std::int64_t before = cpuNanoseconds(server.process());
  ::usleep(static_cast<useconds_t>(seconds * 1e6));
  return static_cast<double>(cpuNanoseconds(server.process()) - before) / 1e6 / seconds;
}

// A process with connections in mid-flood, to be killed.
class DyingPeers {
 public:
  DyingPeers(const EchoServer& server, Figures& figures) : process_(::fork()) {
    if (process_ != 0) return;
    auto all = connectAll(server, dyingPeers, figures);
    for (;;) {
      for (RawClient& each : all) each.flood();
    }
  }
  ~DyingPeers() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  DyingPeers(const DyingPeers&) = delete;
  DyingPeers& operator=(const DyingPeers&) = delete;

 private:
  pid_t process_;
};

}  // namespace

Figures manyIdle(const Budget& budget) {
  Figures figures{.name = "manyIdle"};
  EchoServer server({});
  ServerWatch watch(server, figures);
  const Busy alone = keepBusy(server, budget.seconds() * 0.2, figures);
  watch.take();
  const std::size_t count = std::min(idleMost, raiseFdLimit() - 500);
  char text[200];
  {
    auto idle = connectAll(server, count, figures);
    const auto answers = [](RawClient& each) { return each.exchange(); };
    figures.corrupt +=
        count - static_cast<std::size_t>(std::count_if(idle.begin(), idle.end(), answers));
    const double bytes =
        static_cast<double>(residentKilobytes(server.process()) - figures.rssBefore) * 1024 /
        static_cast<double>(count);
    const double cost = idleCost(server, std::min(2.0, budget.seconds() * 0.1));
    const Busy beside = keepBusy(server, budget.seconds() * 0.4, figures);
    std::snprintf(text, sizeof text,
                  "idle=%zu %.0f B each, %.2f ms CPU/s; busy %.0f/s, p99 %.1f ms (alone %.0f/s, "
                  "%.1f ms)",
                  count, bytes, cost, beside.perSecond, beside.p99, alone.perSecond, alone.p99);
    if (bytes > 1024 && !underSanitizer())
      figures.failure = "an idle connection takes more than 1 KiB";
    if (cost > 2) figures.failure = "idle connections cost time";
    // What the allocator keeps of the idle ones' memory is no leak.
    figures.growthMax += static_cast<std::int64_t>(count);
  }
  figures.more = text;
  watch.finish();
  return figures;
}

Figures badPeers(const Budget& budget) {
  Figures figures{.name = "badPeers"};
  EchoServer server({});
  ServerWatch watch(server, figures);
  const Busy alone = keepBusy(server, budget.seconds() * 0.4, figures);
  watch.take();
  char text[200];
  {
    auto slow = connectAll(server, slowPeers, figures);
    auto deaf = connectAll(server, deafPeers, figures);
    for (RawClient& each : deaf) each.flood();
    const std::int64_t flooded = residentKilobytes(server.process()) - figures.rssBefore;
    Busy beside{};
    {
      const DyingPeers dying(server, figures);
      for (int part = 0; part < 5; ++part) {
        for (RawClient& each : slow) each.drip();
        const Busy now = keepBusy(server, budget.seconds() * 0.08, figures);
        beside.perSecond += now.perSecond / 5;
      }
    }
    std::snprintf(text, sizeof text,
                  "%.0f/s beside them (alone %.0f/s); %lld kB for %zu deaf peers", beside.perSecond,
                  alone.perSecond, static_cast<long long>(flooded), deafPeers);
    if (flooded > static_cast<std::int64_t>(deafPeers) * deafPeerKilobytes + 1024) {
      figures.failure = "memory grows with what is not read";
    }
  }
  figures.growthMax += static_cast<std::int64_t>(deafPeers) * deafPeerKilobytes;
  figures.more = text;
  watch.finish();
  return figures;
}

}  // namespace kairos::soak
