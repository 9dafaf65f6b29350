// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Busy connections beside many that do nothing, or nothing good.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
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
constexpr std::size_t dyingPeerBytes = 65536;

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
  double p99Ms;
};

Busy keepBusy(const EchoServer& server, double seconds, Figures& figures) {
  Exchanges exchanges(server, {.atOnce = 200, .bytes = 1000});
  const Budget budget(seconds);
  const std::uint64_t before = figures.ok;
  exchanges.run(budget, figures);
  return {static_cast<double>(figures.ok - before) / budget.spent(), exchanges.percentile(0.99)};
}

// Two servers are kept busy in turn, of which one has a crowd as well: whatever else the machine
// does befalls both. Rounds are compared in pairs, and the pair in the middle counts.
class Contest {
 public:
  static constexpr std::size_t rounds = 9;

  Contest(const EchoServer& alone, const EchoServer& crowded, double seconds, Figures& figures,
          const std::function<void(const std::function<void()>&)>& inCrowd) {
    const double each = seconds / (2 * rounds);
    for (std::size_t i = 0; i < rounds; ++i) {
      const Busy one = keepBusy(alone, each, figures);
      inCrowd([&] {
        const Busy other = keepBusy(crowded, each, figures);
        alone_.push_back(one);
        crowded_.push_back(other);
      });
    }
  }

  // What the crowd costs once for each round says nothing about a round that is short.
  static bool isFair(const Budget& budget) {
    return budget.judgesRatios() && budget.seconds() / (2 * rounds) >= 1;
  }

  using Figure = double Busy::*;
  double alone(Figure figure) const { return median(alone_, figure); }
  double crowded(Figure figure) const { return median(crowded_, figure); }
  double ratio(Figure figure) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < rounds; ++i) {
      ratios.push_back(crowded_[i].*figure / (alone_[i].*figure));
    };
    return median(std::move(ratios));
  }

 private:
  static double median(const std::vector<Busy>& all, Figure figure) {
    std::vector<double> figures;
    for (const Busy& each : all) figures.push_back(each.*figure);
    return median(std::move(figures));
  }
  static double median(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return figures[figures.size() / 2];
  }

  std::vector<Busy> alone_;
  std::vector<Busy> crowded_;
};

// The time of the server's process while nothing happens, in ms per second.
double idleCost(const EchoServer& server, double seconds) {
  const std::int64_t before = cpuNanoseconds(server.process());
  ::usleep(static_cast<useconds_t>(seconds * 1e6));
  return static_cast<double>(cpuNanoseconds(server.process()) - before) / 1e6 / seconds;
}

// A process with connections, which is killed after so long, in the middle of sending.
class DyingPeers {
 public:
  DyingPeers(const EchoServer& server, double seconds, Figures& figures) : process_(::fork()) {
    if (process_ != 0) return;
    auto all = connectAll(server, dyingPeers, figures);
    ::usleep(static_cast<useconds_t>(seconds * 1e6));
    for (RawClient& each : all) each.flood(dyingPeerBytes);
    ::raise(SIGKILL);
  }
  ~DyingPeers() { ::waitpid(process_, nullptr, 0); }
  DyingPeers(const DyingPeers&) = delete;
  DyingPeers& operator=(const DyingPeers&) = delete;

 private:
  pid_t process_;
};

}  // namespace

Figures manyIdle(const Budget& budget) {
  Figures figures{.name = "manyIdle"};
  EchoServer unvisited({});
  EchoServer server({});
  ServerWatch watch(server, figures);
  keepBusy(server, budget.seconds() * 0.1, figures);
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
    const Contest contest(unvisited, server, budget.seconds() * 0.6, figures,
                          [](const auto& round) { round(); });
    const double ratio = contest.ratio(&Busy::p99Ms);
    std::snprintf(text, sizeof text,
                  "idle=%zu %.0f B each, %.2f ms CPU/s; busy %.0f/s (alone %.0f/s), p99 %.1f ms "
                  "(alone %.1f ms: %.2fx)",
                  count, bytes, cost, contest.crowded(&Busy::perSecond),
                  contest.alone(&Busy::perSecond), contest.crowded(&Busy::p99Ms),
                  contest.alone(&Busy::p99Ms), ratio);
    figures.demand(bytes <= 1024 || underSanitizer(), "an idle connection takes more than 1 KiB");
    figures.demand(cost <= 2, "idle connections cost time");
    figures.demand(!contest.isFair(budget) || ratio <= 2,
                   "idle connections double the p99 of busy ones");
    // What the allocator keeps of the idle ones' memory is no leak.
    figures.growthMax += static_cast<std::int64_t>(count);
  }
  figures.more = text;
  watch.finish();
  figures.demand(unvisited.stop(), "the other server did not end well");
  return figures;
}

Figures badPeers(const Budget& budget) {
  Figures figures{.name = "badPeers"};
  EchoServer unharmed({});
  EchoServer server({});
  ServerWatch watch(server, figures);
  keepBusy(server, budget.seconds() * 0.1, figures);
  watch.take();
  char text[200];
  {
    auto slow = connectAll(server, slowPeers, figures);
    auto deaf = connectAll(server, deafPeers, figures);
    for (RawClient& each : deaf) each.flood();
    const std::int64_t flooded = residentKilobytes(server.process()) - figures.rssBefore;
    const double seconds = budget.seconds() * 0.7;
    const Contest contest(unharmed, server, seconds, figures, [&](const auto& round) {
      const DyingPeers dying(server, seconds / (4 * Contest::rounds), figures);
      for (RawClient& each : slow) each.drip();
      round();
    });
    const double ratio = contest.ratio(&Busy::perSecond);
    std::snprintf(text, sizeof text,
                  "%.0f/s beside them (alone %.0f/s: %.0f%%); %lld kB for %zu deaf peers",
                  contest.crowded(&Busy::perSecond), contest.alone(&Busy::perSecond), 100 * ratio,
                  static_cast<long long>(flooded), deafPeers);
    figures.demand(flooded <= static_cast<std::int64_t>(deafPeers) * deafPeerKilobytes + 1024,
                   "memory grows with what is not read");
    figures.demand(!contest.isFair(budget) || ratio >= 0.8,
                   "bad peers take more than a fifth from the others");
  }
  figures.growthMax += static_cast<std::int64_t>(deafPeers) * deafPeerKilobytes;
  figures.more = text;
  watch.finish();
  figures.demand(unharmed.stop(), "the other server did not end well");
  return figures;
}

}  // namespace kairos::soak
