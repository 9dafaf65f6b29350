// SPDX-License-Identifier: MIT OR Apache-2.0
// Which system calls each part makes: those of its list, all of them, and none beside them. A
// service that confines itself by seccomp(2) has to allow these, and what its C library needs.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "kairos/tests/support/allow_list.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

SystemCalls operator-(SystemCalls calls, int call) {
  std::erase(calls, call);
  return calls;
}

// Memory and locks, and clocks where the kernel does not map them: more or less, as it happens. The
// last is of the checks of builds for debugging.
const SystemCalls ofTheLibrary{SYS_brk,     SYS_mmap,          SYS_munmap, SYS_mremap,
                               SYS_madvise, SYS_clock_gettime, SYS_futex,  SYS_gettid};

// Waits whose ends are not whole milliseconds need epoll_pwait2(2) too, or end up to 1 ms later.
const SystemCalls ofTheReactor{SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_close};

const SystemCalls ofConnections{SYS_socket,      SYS_bind,     SYS_listen,
                                SYS_getsockname, SYS_accept4,  SYS_connect,
                                SYS_sendmsg,     SYS_recvfrom, SYS_shutdown};

// What a dynamically linked program does until it has ended.
const SystemCalls ofPrograms{SYS_access,          SYS_arch_prctl,      SYS_openat,   SYS_pread64,
                             SYS_mprotect,        SYS_set_tid_address, SYS_rseq,     SYS_prlimit64,
                             SYS_set_robust_list, SYS_getrandom,       SYS_fadvise64};

// Operations start one after another; each is waited for.
class Place : public OwnLoop {
 public:
  // Started by a function that takes a callback and its udata. False: it did not end well.
  template <class Operation, class Start>
  bool does(Operation& operation, Start start) {
    return begins(operation, start) && ends(operation);
  }
  template <class Operation, class Start>
  static bool begins(Operation& operation, Start start) {
    return !start(Operation::done, &operation);
  }
  template <class Operation>
  bool ends(const Operation& operation) {
    while (operation.isPending()) {
      const PollResult result = reactor.poll(10s);
      if (result.error || result.callbacks == 0) return false;
    }
    return !operation.error;
  }
};

constexpr std::size_t fileBytes = 200'000;

// One end accepts, and the other connects; bytes go there and back, then both close.
bool converse(Place& place, const Address& address) {
  StreamServer server;
  Accept accept;
  Connect connect;
  Address bound;
  if (StreamServer::listen(place.context, address, {}, server)) return false;
  if (server.localAddress(bound)) return false;
  const bool isConnected = place.begins(accept, [&](auto... with) {
    return server.accept(accept, with...);
  }) && place.does(connect, [&](auto... with) {
    return kairos::connect(place.context, connect, bound, {}, with...);
  });
  if (!isConnected || !place.ends(accept)) return false;
  Write write;
  Write end;
  Read line;
  Read rest;
  StreamTransport& near = connect.stream;
  StreamTransport& far = accept.stream;
  const std::string_view parts[] = {"parts of a ", "line\n"};
  return place.does(write, [&](auto... with) { return near.write(write, parts, with...); }) &&
         place.does(line, [&](auto... with) { return far.readLine(line, {}, with...); }) &&
         place.does(end, [&](auto... with) { return near.shutdown(end, with...); }) &&
         place.does(rest, [&](auto... with) { return far.readToEnd(rest, {}, with...); }) &&
         line.data == "parts of a line" && rest.atEnd;
}

bool overTcp() {
  Place place;
  return converse(place, loopback());
}

bool overAPath() {
  Place place;
  const std::string path = socketPath("sandbox");
  return converse(place, pathAddress(path));
}

bool overAnAbstractName() {
  Place place;
  return converse(place, abstractAddress("sandbox"));
}

bool sendDatagrams() {
  Place place;
  DatagramTransport near;
  DatagramTransport far;
  Address address;
  if (DatagramTransport::bind(place.context, loopback(), {}, far)) return false;
  if (far.localAddress(address)) return false;
  if (DatagramTransport::connect(place.context, address, {}, near)) return false;
  Receive receive;
  Send send;
  const Datagram two[] = {{"one"}, {"two"}};
  return place.begins(receive, [&](auto... with) { return far.receive(receive, with...); }) &&
         place.does(send, [&](auto... with) { return near.send(send, two, with...); }) &&
         place.ends(receive) && receive.datagrams.front().data == "one";
}

// The streams of two ends, which they own from now on.
bool adopt(Place& place, Pair ends, StreamTransport& near, StreamTransport& far) {
  if (StreamTransport::adopt(place.context, ends.near.get(), near)) return false;
  ends.near.release();
  if (StreamTransport::adopt(place.context, ends.far.get(), far)) return false;
  ends.far.release();
  return true;
}

// A small one is copied, a large one is sent by the kernel.
bool sendFile(Fd file) {
  Place place;
  StreamTransport near;
  StreamTransport far;
  if (!adopt(place, pair(), near, far)) return false;
  for (const std::size_t size : {std::size_t{5000}, fileBytes}) {
    Write write;
    Read read;
    std::string bytes(size, '\0');
    const FileRange range{.file = file, .size = size};
    const bool isSent =
        place.begins(write, [&](auto... with) { return near.writeFile(write, range, with...); }) &&
        place.does(read, [&](auto... with) { return far.readExactly(read, bytes, with...); }) &&
        place.ends(write) && bytes == pattern(size);
    if (!isSent) return false;
  }
  return true;
}

bool sendThroughAPipe() {
  Place place;
  StreamTransport in;
  StreamTransport out;
  if (!adopt(place, pipePair(), in, out)) return false;
  Write write;
  Read read;
  return place.does(write, [&](auto... with) { return out.write(write, "line\n", with...); }) &&
         place.does(read, [&](auto... with) { return in.readLine(read, {}, with...); }) &&
         read.data == "line";
}

bool runChild() {
  Place place;
  constexpr const char* arguments[] = {"/bin/cat"};
  SubprocessOptions options = runs(arguments);
  options.input = options.output = Redirect::pipe();
  SubprocessTransport child;
  if (SubprocessTransport::start(place.context, options, child)) return false;
  Write write;
  Read read;
  Exit exit;
  return place.does(write,
                    [&](auto... with) { return child.input().write(write, "line\n", with...); }) &&
         place.does(read,
                    [&](auto... with) { return child.output().readLine(read, {}, with...); }) &&
         read.data == "line" && !child.kill() &&
         place.does(exit, [&](auto... with) { return child.wait(exit, with...); });
}

bool notifyItself() {
  Place place;
  ThreadAsyncEvent event;
  Watched<EventOperation> wait;
  if (ThreadAsyncEvent::open(event)) return false;
  if (event.wait(place.context, wait, wait.done, &wait)) return false;
  event.notify();
  return place.ends(wait);
}

bool postToItself() {
  Place place;
  ThreadQueue queue;
  Watched<PostOperation> post;
  if (ThreadQueue::open(place.context, queue)) return false;
  return place.does(post, [&](auto... with) { return queue.poster().post(post, with...); });
}

bool takeASignal() {
  Place place;
  SignalSet signals;
  Watched<SignalOperation> wait;
  if (SignalSet::open(place.context, {SIGUSR1}, signals)) return false;
  return place.does(wait, [&](auto... with) {
    const std::error_code refused = signals.wait(wait, with...);
    ::raise(SIGUSR1);
    return refused;
  });
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (underSanitizer()) GTEST_SKIP() << "a sanitizer makes system calls of its own";
  }

  // It goes well with all of its list, and not without any one of them.
  static void expectExactly(const SystemCalls& own, const std::function<bool()>& act,
                            const SystemCalls& others = {}) {
    const SystemCalls all = ofTheReactor + own;
    const SystemCalls rest = ofTheLibrary + others;
    const Confinement whole = confine(all + rest, act);
    EXPECT_TRUE(whole.isWell) << whole.forbidden << " is missing in the list";
    for (const int call : all) {
      EXPECT_FALSE(confine(all + rest - call, act).isWell) << call << " is not needed";
    }
  }
};

TEST_F(SandboxTest, ListsTcpStreams) {
  expectExactly(ofConnections + SystemCalls{SYS_setsockopt, SYS_getsockopt}, overTcp);
}

// The path is taken back when the server closes, if it is still the one it made.
TEST_F(SandboxTest, ListsStreamsOfUnixPaths) {
  expectExactly(ofConnections + SystemCalls{SYS_newfstatat, SYS_unlink}, overAPath);
}

TEST_F(SandboxTest, ListsStreamsOfAbstractNames) {
  expectExactly(ofConnections, overAnAbstractName);
}

TEST_F(SandboxTest, ListsDatagrams) {
  expectExactly({SYS_socket, SYS_bind, SYS_getsockname, SYS_connect, SYS_sendmmsg, SYS_recvmmsg},
                sendDatagrams);
}

// The first is this test's own.
TEST_F(SandboxTest, ListsFiles) {
  const UniqueFd file(::memfd_create("sandbox", MFD_CLOEXEC));
  sendAll(file.get(), pattern(fileBytes));
  expectExactly({SYS_socketpair, SYS_fcntl, SYS_newfstatat, SYS_rt_sigprocmask, SYS_getsockopt,
                 SYS_pread64, SYS_sendto, SYS_sendfile, SYS_recvfrom},
                [&file] { return sendFile(file.get()); });
}

// The first is this test's own.
TEST_F(SandboxTest, ListsPipes) {
  expectExactly({SYS_pipe2, SYS_fcntl, SYS_newfstatat, SYS_rt_sigprocmask, SYS_writev, SYS_read},
                sendThroughAPipe);
}

TEST_F(SandboxTest, ListsChildProcesses) {
  expectExactly(
      {SYS_pipe2, SYS_fcntl, SYS_newfstatat, SYS_rt_sigprocmask, SYS_writev, SYS_read, SYS_clone,
       SYS_rt_sigaction, SYS_dup3, SYS_close_range, SYS_execve, SYS_waitid, SYS_pidfd_send_signal},
      runChild, ofPrograms + SystemCalls{SYS_write});
}

TEST_F(SandboxTest, ListsEvents) {
  expectExactly({SYS_eventfd2, SYS_fcntl, SYS_write, SYS_read}, notifyItself);
}

TEST_F(SandboxTest, ListsQueuesBetweenThreads) {
  expectExactly({SYS_eventfd2, SYS_fcntl, SYS_write, SYS_read}, postToItself);
}

// getpid and tgkill are those of raise().
TEST_F(SandboxTest, ListsSignals) {
  expectExactly({SYS_signalfd4, SYS_rt_sigprocmask, SYS_read, SYS_rt_sigtimedwait}, takeASignal,
                {SYS_getpid, SYS_tgkill});
}

}  // namespace
}  // namespace kairos
