// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/threaded_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
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
  if (const auto refused = owner_->stopping_.wait(*context_, stopped_, onStop, this)) {
    return refused;
  }
  if (started_ != nullptr) started_(udata_);
  return error ? error : server_.start(accept, accepted_, udata_);
}

std::error_code ServerThread::pollUntilLeft() noexcept {
  while (!isLeaving_) {
    if (const auto refused = reactor_->poll(Reactor::forever).error) return refused;
  }
  return {};
}

// One thread takes the event, and raises it for the next. The last callback of `accepted` is due
// before the timer.
void ServerThread::onStop(void* udata) {
  auto& thread = *static_cast<ServerThread*>(udata);
  if (thread.stopped_.error) return;  // it left before
  ThreadedServer& owner = *thread.owner_;
  owner.stop();
  thread.isStopping_ = true;
  thread.server_.close();
  const auto timer = thread.reactor_->addTimer(owner.options_.drainTime, onDrained, udata);
  if (timer == TimerId::none) thread.leave();
}

void ServerThread::onDrained(void* udata) { static_cast<ServerThread*>(udata)->leave(); }

ThreadedServer::ThreadedServer() noexcept : openError_(ThreadAsyncEvent::open(stopping_)) {}

ThreadedServer::~ThreadedServer() {
  stop();
  join();
  while (!threads_.empty()) threads_.popFront();
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
  if (openError_) return openError_;
  // Of a stop that came when nothing ran, or of the last that passed it on, nothing is left.
  static_cast<void>(stopping_.waitSync(Clock::duration::zero()));
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

void ThreadedServer::stop() noexcept { stopping_.notify(); }

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
