// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of the start of a server with a thread fails in turn: the
// start says so and leaves nothing, or it serves; then it starts again.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include "kairos/tests/transports/faults.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/threaded_server.h"

namespace kairos {
namespace {

// One thread, so that while it starts nobody else makes calls.
class Server {
 public:
  std::error_code start(const Address& address) {
    ends_ = 0;
    if (const auto error = server_.add(thread_, nullptr, onAccepted, this)) return error;
    return server_.start(address, {});
  }
  std::error_code restart(const Address& address) {
    ends_ = 0;
    return server_.start(address, {});
  }
  // Which accepting ended once.
  void stop() {
    server_.stop();
    server_.join();
    EXPECT_EQ(ends_, 1u);
    EXPECT_FALSE(thread_.error) << thread_.error.message();
  }

 private:
  static void onAccepted(void* udata) {
    auto& self = *static_cast<Server*>(udata);
    if (self.thread_.accept.isPending()) return;
    ++self.ends_;
    self.thread_.leave();
  }

  ServerThread thread_;
  ThreadedServer server_;
  std::size_t ends_ = 0;
};

const Address unixAddress = pathAddress(socketPath("threads"));

template <class AnyFault>
void play(const Address& address, AnyFault& fault) {
  const AllocationCount memory;
  {
    fault.arm(true);
    Server server;
    const std::error_code error = server.start(address);
    fault.arm(false);
    const bool isAllowed = !error || error == fault.reported();
    EXPECT_TRUE(isAllowed && (!error || fault.happened())) << error.message();
    if (!error) {
      server.stop();
      EXPECT_EQ(server.restart(address), std::error_code());
      server.stop();
    }
  }
  {
    Server again;
    EXPECT_EQ(again.start(address), std::error_code());
    again.stop();
  }
  EXPECT_EQ(memory.bytes(), 0);
}

void sweepCall(const Address& address, const CallFault& row) {
  for (const std::size_t times : {std::size_t{1}, always}) {
    SCOPED_TRACE(testing::Message() << row << (times == always ? ", and on" : ", once"));
    const std::size_t moments =
        sweepFaults([&](std::size_t nth) { return std::make_unique<FailedCall>(row, nth, times); },
                    [&](auto& fault) { play(address, fault); });
    EXPECT_GT(moments, 0u) << "the call is made";
  }
}

TEST(ThreadedServerSweepTest, SurvivesTheWantOfMemory) {
  for (const Address& address : {loopback(), unixAddress}) {
    for (const std::size_t times : {std::size_t{1}, always}) {
      const std::size_t moments =
          sweepFaults([&](std::size_t nth) { return std::make_unique<NoMemory>(nth, times); },
                      [&](auto& fault) { play(address, fault); });
      EXPECT_GE(moments, 5u);
    }
  }
}

TEST(ThreadedServerSweepTest, ReportsErrorsOfTheOs) {
  for (const CallFault& row :
       {CallFault{SystemCall::eventfd, EMFILE}, CallFault{SystemCall::socket, EMFILE},
        CallFault{SystemCall::setsockopt, ENOPROTOOPT}, CallFault{SystemCall::bind, EADDRINUSE},
        CallFault{SystemCall::listen, EADDRINUSE}, CallFault{SystemCall::getsockname, ENOBUFS},
        CallFault{SystemCall::epollCreate, EMFILE}, CallFault{SystemCall::epollAdd, ENOSPC},
        CallFault{SystemCall::fcntl, EMFILE}}) {
    sweepCall(loopback(), row);
  }
  for (const CallFault& row :
       {CallFault{SystemCall::socket, ENFILE}, CallFault{SystemCall::bind, EACCES},
        CallFault{SystemCall::epollAdd, ENOMEM}}) {
    sweepCall(unixAddress, row);
  }
}

}  // namespace
}  // namespace kairos
