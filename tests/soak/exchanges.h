// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_EXCHANGES_H_
#define KAIROS_TESTS_SOAK_EXCHANGES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/soak/echo_server.h"
#include "kairos/tests/soak/figures.h"
#include "kairos/transports/transport_context.h"

namespace kairos::soak {

class Exchange;

// Clients of an EchoServer: each connects, sends a stream of numbers and compares what comes back
// byte by byte, both at the same time, and closes.
class Exchanges {
 public:
  struct Options {
    std::size_t atOnce = 1;
    std::uint64_t bytes = 1000;  // each way
    std::uint64_t most = 0;      // exchanges in all; 0: until the time is over
    Clock::duration hold{};      // how long a connection stays open after that
  };

  Exchanges(const EchoServer& server, const Options& options);
  ~Exchanges();
  Exchanges(const Exchanges&) = delete;
  Exchanges& operator=(const Exchanges&) = delete;

  // Until `budget` is over and all are done. `atTenth` is called when a tenth of it is.
  void run(const Budget& budget, Figures& figures, const std::function<void()>& atTenth = {});

  // Of all exchanges of the last run, in ms.
  double percentile(double part);

 private:
  friend class Exchange;
  enum class Outcome { ok, corrupt, failed };

  bool mayBegin() const;
  void begin();
  void ended(Exchange& exchange, Outcome outcome);

  const EchoServer& server_;
  const Options options_;
  Reactor reactor_;
  TransportContext context_{reactor_};
  std::vector<Exchange*> running_;
  const Budget* budget_ = nullptr;
  Figures* figures_ = nullptr;
  std::uint64_t begun_ = 0;
  std::vector<float> milliseconds_;
};

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_EXCHANGES_H_
