// SPDX-License-Identifier: MIT OR Apache-2.0
// Servers and connecting when each of their allocations fails: who needed it is told, nothing is
// lost or left behind.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/connect_any.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// A server that accepts on and on, and two clients. It allocates nothing but what Kairos does.
class Meeting {
 public:
  Meeting() {
    if (note(StreamServer::listen(*context_, loopback(), {}, server_))) return;
    if (note(server_.localAddress(addresses_[0]))) return;
    if (note(server_.start(accept_, onAccepted, this))) return;
    if (note(connect(*context_, one_, addresses_[0], {}, onOne, this))) return;
    addresses_[1] = addresses_[0];
    note(connectAny(*context_, any_, addresses_, {}, onAny, this));
  }

  // As a program does, which ends when polling fails. What is left ends with the context.
  void run() {
    const auto enough = Clock::now() + 10s;
    while ((!isOver() || isExpectingGuests()) && Clock::now() < enough) {
      if (note(reactor_.poll(1ms).error)) break;
    }
    wasInTime_ = Clock::now() < enough;
    server_ = StreamServer();
    isEnding_ = true;
    context_.reset();
  }

  bool isWell() const { return errors_ == 0; }
  bool wasInTime() const { return wasInTime_; }
  bool isOver() const { return !one_.isPending() && !any_.isPending(); }
  bool hasOtherErrors() const { return hasOtherErrors_; }
  std::size_t guests() const { return guestCount_; }

 private:
  static void onAccepted(void* udata) { static_cast<Meeting*>(udata)->welcome(); }
  static void onOne(void* udata) {
    auto& self = *static_cast<Meeting*>(udata);
    self.note(self.one_.error);
  }
  static void onAny(void* udata) {
    auto& self = *static_cast<Meeting*>(udata);
    self.note(self.any_.error);
  }

  bool note(std::error_code error) {
    if (!error || isEnding_) return false;
    ++errors_;
    hasOtherErrors_ = hasOtherErrors_ || error != std::errc::not_enough_memory;
    return true;
  }

  void welcome() {
    if (isEnding_ || note(accept_.error) || guestCount_ == guests_.size()) return;
    guests_[guestCount_++] = std::move(accept_.stream);
  }

  bool isExpectingGuests() const { return errors_ == 0 && guestCount_ < 2; }

  Reactor reactor_;
  std::optional<TransportContext> context_{std::in_place, reactor_};
  StreamServer server_;
  std::array<Address, 2> addresses_;
  AcceptOperation accept_;
  ConnectOperation one_;
  ConnectAnyOperation any_;
  std::array<StreamTransport, 4> guests_;
  std::size_t guestCount_ = 0;
  std::size_t errors_ = 0;
  bool hasOtherErrors_ = false;
  bool wasInTime_ = false;
  bool isEnding_ = false;
};

TEST(ConnectMemoryTest, IsReportedWhereverItIsWanting) {
  const auto before = openFds();
  std::size_t told = 0;
  bool happened = true;
  for (std::size_t nth = 1; happened && !testing::Test::HasFailure(); ++nth) {
    SCOPED_TRACE(testing::Message() << "allocation " << nth);
    const AllocationCount memory;
    bool isWell = false;
    bool isOver = false;
    bool hasOtherErrors = false;
    std::size_t guests = 0;
    {
      const OutOfMemory none(nth, 1);
      Meeting meeting;
      meeting.run();
      happened = none.happened();
      isWell = meeting.isWell();
      isOver = meeting.isOver() && meeting.wasInTime();
      hasOtherErrors = meeting.hasOtherErrors();
      guests = meeting.guests();
    }
    EXPECT_TRUE(isOver);
    EXPECT_FALSE(hasOtherErrors);
    EXPECT_GE(guests, isWell ? 2u : 0u);
    EXPECT_EQ(memory.bytes(), 0);
    EXPECT_EQ(openFds(), before);
    told += isWell ? 0u : 1u;
  }
  EXPECT_GT(told, 5u);
}

}  // namespace
}  // namespace kairos
