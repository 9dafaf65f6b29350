// SPDX-License-Identifier: MIT OR Apache-2.0
// Does what the core promises not to do, so that the checks can be seen to refuse it.

#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

namespace kairos {

std::chrono::system_clock::time_point wallClock() { return std::chrono::system_clock::now(); }

void ignoreSignal() { std::signal(SIGPIPE, SIG_IGN); }

void startThread() { std::thread(ignoreSignal).join(); }

void fail() { throw std::runtime_error("unruly"); }

ssize_t receive(int fd, char* byte) { return recv(fd, byte, 1, 0); }

}  // namespace kairos
