// SPDX-License-Identifier: MIT OR Apache-2.0
// What the OS refuses: interruptions, false readiness, want of memory and of watches.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class StreamFaultTest : public ServerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, StreamFaultTest, backends(), backendName);

// T34
TEST_P(StreamFaultTest, RepeatsInterruptedCalls) {
  connect(pair());
  failCalls(SystemCall::send, EINTR, 3);
  Write write;
  this->write(write, "x");
  EXPECT_EQ(receiveAll(far_.get()), "x");
  sendAll(far_.get(), "y");
  Read read;
  readOnce(read);
  failCalls(SystemCall::recv, EINTR, 3);
  settle();
  EXPECT_EQ(read.data, "y");
}

// IT3
TEST_P(StreamFaultTest, ToleratesFalseReadiness) {
  connect(pair());
  sendAll(far_.get(), "y");
  Read read;
  readOnce(read);
  failCalls(SystemCall::recv, EAGAIN, 2);
  poll();
  poll();
  EXPECT_EQ(read.completions(), 0u);
  poll();
  EXPECT_EQ(read.data, "y");
}

// T37, T54: the OS takes nothing now, and then.
TEST_P(StreamFaultTest, KeepsWhatTheOsDoesNotTakeNow) {
  connect(pair());
  failCalls(SystemCall::send, EAGAIN, 2);
  Write write;
  this->write(write, "x");
  EXPECT_EQ(stream_.queuedBytes(), 1u);
  EXPECT_EQ(receiveAll(far_.get()), "");
  poll();
  EXPECT_EQ(write.completions(), 0u);
  poll();
  EXPECT_EQ(write.completions(), 1u);
  EXPECT_EQ(receiveAll(far_.get()), "x");
}

// Errors of the OS reach the operation with their number.
// IT3: nothing tells when the OS has memory for what is sent again.
TEST_P(StreamFaultTest, WritesAgainSoonWhatTheOsHasNoMemoryFor) {
  connect(pair());
  std::array<Write, 2> writes;
  failCalls(SystemCall::send, ENOBUFS);
  write(writes[0], "1");
  write(writes[1], "2");
  Read read;
  readOnce(read);
  EXPECT_EQ(poll(9ms), 0u) << "it does not spin";
  EXPECT_TRUE(writes[0].isPending());
  sendAll(far_.get(), "x");
  poll();
  EXPECT_EQ(read.data, "x") << "reading goes on";
  failCalls(SystemCall::sendmsg, ENOBUFS);
  poll(1ms);
  poll(10ms);
  settle();
  EXPECT_EQ(receiveAll(far_.get()), "12");
  for (const Write& each : writes) EXPECT_EQ(each.error, std::error_code());

  // Whatever ends the pause leaves no timer.
  for (const bool closes : {false, true}) {
    failCalls(SystemCall::send, ENOBUFS);
    write(writes[0], "3");
    if (closes) {
      stream_.close();
    } else {
      EXPECT_TRUE(stream_.cancel(writes[0]));
    }
    settle();
    EXPECT_TRUE(writes[0].error);
    EXPECT_EQ(poll(20ms), 0u);
  }
}

// Nor does what goes on before the pause is over.
TEST_P(StreamFaultTest, PausesOnceWhenTheOsHasNoMemoryAgain) {
  connect(pair());
  Write refused;
  Write nothing;
  Write next;
  failCalls(SystemCall::send, ENOBUFS);
  write(refused, "refused");
  write(nothing, "");
  write(next, "next");
  failCalls(SystemCall::send, ENOBUFS);
  EXPECT_TRUE(stream_.cancel(refused));
  settle();
  EXPECT_EQ(nothing.completions(), 1u);
  EXPECT_TRUE(next.isPending());
  stream_.close();
  settle();
  EXPECT_EQ(poll(20ms), 0u);
}

// T96: of TCP it means that the OS has no port left.
TEST_P(StreamFaultTest, TakesOnlyAUnixServerForAFullOne) {
  listen(loopback());
  failCalls(SystemCall::connect, EAGAIN);
  Connect connected;
  dial(connected);
  settle();
  EXPECT_EQ(connected.completions(), 1u);
  EXPECT_EQ(connected.error, std::errc::resource_unavailable_try_again);
  listen(abstractAddress("full"));
  failCalls(SystemCall::connect, EAGAIN);
  dial(connected);
  settle();
  EXPECT_TRUE(connected.isPending());
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::error_code());
}

TEST_P(StreamFaultTest, ReportsErrorsAsTheyAre) {
  connect(pair());
  failCalls(SystemCall::send, EHOSTUNREACH);
  Write write;
  this->write(write, "x");
  settle();
  EXPECT_EQ(write.error, std::errc::host_unreachable);
  this->write(write, "x");
  settle();
  EXPECT_EQ(write.error, std::errc::host_unreachable) << "it stays";
  sendAll(far_.get(), "y");
  Read read;
  readOnce(read);
  failCalls(SystemCall::recv, ETIMEDOUT);
  settle();
  EXPECT_EQ(read.error, std::errc::timed_out);
  EXPECT_EQ(poll(10ms), 0u);
}

TEST_P(StreamFaultTest, ReportsThatADescriptorCannotBeWatched) {
  connect(pair());
  fill(stream_.fd());
  time_.failWatch(std::errc::no_space_on_device, 2);
  Read read;
  readOnce(read);
  Write write;
  this->write(write, "x");
  settle();
  EXPECT_EQ(read.error, std::errc::no_space_on_device);
  EXPECT_EQ(write.error, std::errc::no_space_on_device);
}

// On the real backend, which allocates nothing in a poll.
TEST(StreamMemoryTest, IsReportedWhenItRunsOutAndGoesOn) {
  Reactor reactor;
  TransportContext context(reactor);
  Pair ends = pair();
  Pair others = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context, ends.near.release(), stream));
  sendAll(ends.far.get(), std::string(20000, 'x'));
  Read read;
  for (std::size_t nth = 1; nth <= 2; ++nth) {
    ASSERT_FALSE(stream.readUntil(read, ";", {}, Read::done, &read));
    const OutOfMemory outOfMemory;
    while (read.isPending()) reactor.poll(0ms);
    EXPECT_EQ(read.error, std::errc::not_enough_memory);
    EXPECT_EQ(read.completions(), nth);
    StreamTransport refused;
    EXPECT_EQ(StreamTransport::adopt(context, others.near.get(), refused),
              std::errc::not_enough_memory);
  }
  EXPECT_TRUE(isOpen(others.near.get())) << "it stays the caller's";
  sendAll(ends.far.get(), ";");
  ASSERT_FALSE(stream.readUntil(read, ";", {}, Read::done, &read));
  while (read.isPending()) reactor.poll(0ms);
  EXPECT_FALSE(read.error);
  EXPECT_EQ(read.bytes, 20001u);
}

// T77
TEST_P(StreamFaultTest, AcceptsTheNextAfterErrorsOfOneNewcomer) {
  listen(abstractAddress("skip"));
  for (const int error : {EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ETIMEDOUT}) {
    Connect connected;
    dial(connected);
    failCalls(SystemCall::accept, error, 3);
    Accept accepted;
    accept(accepted);
    poll();
    EXPECT_EQ(accepted.completions(), 1u);
    EXPECT_FALSE(accepted.error) << error;
  }
}

// T77
TEST_P(StreamFaultTest, RestsForWantAndReportsABadSocket) {
  listen(abstractAddress("rest"));
  Connect connected;
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EIO}) {
    dial(connected);
    failCalls(SystemCall::accept, error, 4);
    Accept accepted;
    accept(accepted);
    settle();
    EXPECT_EQ(accepted.error.value(), error);
    const auto since = time_.elapsed();
    accept(accepted);
    settleUntilDone(accepted);
    EXPECT_FALSE(accepted.error) << "said once";
    EXPECT_EQ(accepted.completions(), 2u);
    EXPECT_EQ(time_.elapsed() - since, 10ms + 20ms + 40ms + 60ms);
  }
  for (const int error : {EBADF, EINVAL, ENOTSOCK}) {
    Accept accepted;
    failCalls(SystemCall::accept, error);
    accept(accepted);
    settle();
    EXPECT_EQ(accepted.error.value(), error);
  }
}

// T77: and so does accepting on and on, which only a bad socket ends.
TEST_P(StreamFaultTest, AcceptsOnAndOnUntilTheSocketIsBad) {
  listen(abstractAddress("on and on"));
  Accept accepted;
  const auto start = [&] { ok(server_.start(accepted, Accept::done, &accepted)); };
  std::size_t completions = 0;
  // What the callback is told of one newcomer.
  const auto admit = [&](int error) {
    Connect connected;
    dial(connected);
    failCalls(SystemCall::accept, error);
    settle();
    EXPECT_TRUE(hasFailed(SystemCall::accept));
    EXPECT_EQ(accepted.completions(), ++completions) << error;
    return accepted.error.value();
  };
  start();
  for (const int error :
       {EINTR, EAGAIN, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ETIMEDOUT}) {
    EXPECT_EQ(admit(error), 0);
    EXPECT_TRUE(accepted.isPending());
  }
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    EXPECT_EQ(admit(error), error);
    EXPECT_TRUE(accepted.isPending());
    poll(10ms);
    EXPECT_EQ(accepted.completions(), ++completions) << "it waits in the backlog meanwhile";
    EXPECT_FALSE(accepted.error);
  }
  for (const int error : {EBADF, EINVAL, ENOTSOCK}) {
    EXPECT_EQ(admit(error), error);
    EXPECT_FALSE(accepted.isPending());
    EXPECT_EQ(poll(1s), 0u) << "nothing is tried any more";
    start();
    settle();
    EXPECT_EQ(accepted.completions(), ++completions);
    EXPECT_FALSE(accepted.error);
  }
}

}  // namespace
}  // namespace kairos
