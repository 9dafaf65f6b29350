// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/threaded_server.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/listening_socket.h"
#include "kairos/transports/detail/socket_address.h"
#include "kairos/transports/error.h"

namespace kairos {

using detail::systemError;

void* ServerThread::main(void* udata) {
  static_cast<ServerThread*>(udata)->run();
  return nullptr;
}

// What is left when the context ends, such as reads, ends with it.
void ServerThread::run() noexcept {
  Reactor reactor;
  TransportContext context(reactor);
  reactor_ = &reactor;
  context_ = &context;
  startError_ = error = prepare();
  owner_->threadStarted();
  if (!startError_) error = pollUntilLeft();
  server_ = StreamServer();
}

std::error_code ServerThread::prepare() noexcept {
  isStopping_ = isLeaving_ = false;
  error.clear();
  const auto& options = owner_->options_.server;
  if (const auto refused = StreamServer::adopt(*context_, listening_, options, server_)) {
    return refused;
  }
  listening_ = -1;
  if (const auto refused = reactor_->addReader(owner_->stopFd_, onStop, this)) return refused;
  if (started_ != nullptr) started_(udata_);
  return error ? error : server_.start(accept, accepted_, udata_);
}

std::error_code ServerThread::pollUntilLeft() noexcept {
  while (!isLeaving_) {
    if (const auto refused = reactor_->poll(Reactor::forever).error) return refused;
  }
  return {};
}

// The last callback of `accepted` is due before the timer.
void ServerThread::onStop(void* udata) {
  auto& thread = *static_cast<ServerThread*>(udata);
  const ThreadedServer& owner = *thread.owner_;
  thread.reactor_->removeReader(owner.stopFd_);
  thread.isStopping_ = true;
  thread.server_.close();
  const auto timer = thread.reactor_->addTimer(owner.options_.drainTime, onDrained, udata);
  if (timer == TimerId::none) thread.leave();
}

void ServerThread::onDrained(void* udata) { static_cast<ServerThread*>(udata)->leave(); }

ThreadedServer::ThreadedServer() noexcept : stopFd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

ThreadedServer::~ThreadedServer() {
  stop();
  join();
  if (stopFd_ >= 0) ::close(stopFd_);
}

std::error_code ThreadedServer::add(ServerThread& thread, CallbackFunc started,
                                    CallbackFunc accepted, void* udata) noexcept {
  if (accepted == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (isStarted_ || thread.isLinked()) return TransportError::busy;
  thread.owner_ = this;
  thread.started_ = started;
  thread.accepted_ = accepted;
  thread.udata_ = udata;
  threads_.pushBack(thread);
  return {};
}

std::error_code ThreadedServer::start(const Address& address,
                                      const ThreadedServerOptions& options) noexcept {
  if (isStarted_) return TransportError::busy;
  if (threads_.empty()) return std::make_error_code(std::errc::invalid_argument);
  if (stopFd_ < 0) return std::make_error_code(std::errc::too_many_files_open);
  std::uint64_t stops = 0;  // that came when nothing ran
  [[maybe_unused]] const auto got = ::read(stopFd_, &stops, sizeof stops);
  isStarted_ = true;
  options_ = options;
  std::error_code error = openSockets(address);
  if (!error) error = createThreads();
  if (!error) error = awaitStart();
  if (!error) return {};
  stop();
  join();
  return error;
}

// The first socket finds a free port for all.
std::error_code ThreadedServer::openSockets(const Address& address) noexcept {
  std::size_t count = 0;
  threads_.forEach([&count](const ServerThread&) { return ++count < 2; });
  if (count > 1) options_.server.reusePort = true;
  address_ = address;
  std::error_code error;
  threads_.forEach([&](ServerThread& thread) {
    error = openSocket(thread);
    return !error;
  });
  return error;
}

std::error_code ThreadedServer::openSocket(ServerThread& thread) noexcept {
  const Fd shared = threads_.front().listening_;
  if (shared >= 0 && !address_.isIp()) {
    thread.listening_ = ::fcntl(shared, F_DUPFD_CLOEXEC, 0);
    return thread.listening_ >= 0 ? std::error_code() : systemError(errno);
  }
  const auto error = detail::openListening(address_, options_.server, thread.listening_, path_);
  return error ? error : detail::localAddressOf(thread.listening_, address_);
}

std::error_code ThreadedServer::createThreads() noexcept {
  std::error_code error;
  threads_.forEach([&](ServerThread& thread) {
    ++starting_;
    const int failure = ::pthread_create(&thread.thread_, nullptr, ServerThread::main, &thread);
    thread.isCreated_ = failure == 0;
    if (!thread.isCreated_) {
      --starting_;
      error = systemError(failure);
    }
    return thread.isCreated_;
  });
  return error;
}

std::error_code ThreadedServer::awaitStart() noexcept {
  while (const std::size_t left = starting_) starting_.wait(left);
  std::error_code error;
  threads_.forEach([&error](const ServerThread& thread) {
    error = thread.startError_;
    return !error;
  });
  return error;
}

void ThreadedServer::threadStarted() noexcept {
  --starting_;
  starting_.notify_one();
}

// Nobody reads the number, so all threads see it.
void ThreadedServer::stop() noexcept {
  const int interrupted = errno;  // what a signal handler has to keep
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(stopFd_, &one, sizeof one);
  errno = interrupted;
}

void ThreadedServer::join() noexcept {
  threads_.forEach([](ServerThread& thread) {
    if (std::exchange(thread.isCreated_, false)) ::pthread_join(thread.thread_, nullptr);
    if (thread.listening_ >= 0) ::close(std::exchange(thread.listening_, -1));
    return true;
  });
  path_.remove();
  isStarted_ = false;
}

}  // namespace kairos
