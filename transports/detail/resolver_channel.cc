// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/resolver_channel.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "kairos/transports/detail/resolver_sockets.h"
#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }

std::error_code errorOf(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return {};
    case ARES_ENODATA:
      return ResolveError::noAddress;
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
      return ResolveError::notFound;
    case ARES_ETIMEOUT:
      return ResolveError::noAnswer;
    case ARES_EBADNAME:
    case ARES_EBADSTR:
      return ResolveError::badName;
    case ARES_EBADFAMILY:
      return ResolveError::badFamily;
    case ARES_ESERVICE:
      return ResolveError::unknownService;
    case ARES_ENOMEM:
      return noMemory();
    case ARES_EDESTRUCTION:
      return TransportError::closed;
    default:
      return ResolveError::temporary;
  }
}

int familyOf(Address::Family family) {
  if (family == Address::Family::ipv4) return AF_INET;
  return family == Address::Family::ipv6 ? AF_INET6 : AF_UNSPEC;
}

bool isWanted(const Address& address, Address::Family family) {
  return family == Address::Family::none || address.family() == family;
}

ares_addr_port_node serverOf(const Address& address) {
  ares_addr_port_node node{};
  node.family = address.sockaddrData()->sa_family;
  node.udp_port = node.tcp_port = address.port();
  if (address.isIpv4()) {
    const auto bytes = address.ipv4Bytes();
    std::memcpy(&node.addr, bytes.data(), bytes.size());
  } else {
    const auto bytes = address.ipv6Bytes();
    std::memcpy(&node.addr, bytes.data(), bytes.size());
  }
  return node;
}

}  // namespace

ResolverChannel::ResolverChannel(TransportContext& transportContext, Context& context) noexcept
    : transportContext_(transportContext), context_(&context) {
  context.add(*this);
}

ResolverChannel::~ResolverChannel() { close(TransportError::closed); }

std::error_code ResolverChannel::open(const ResolverOptions& options) noexcept {
  using std::chrono::milliseconds;
  const auto most = milliseconds(std::numeric_limits<int>::max());
  ares_options wishes{};
  const auto wait = std::chrono::ceil<milliseconds>(options.tryTimeout);
  wishes.timeout = static_cast<int>(std::min(wait, most).count());
  wishes.tries = options.tries;
  wishes.sock_state_cb = onSocketWish;
  wishes.sock_state_cb_data = this;
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ::ares_init_options(&channel_, &wishes, mask); status != ARES_SUCCESS) {
    return errorOf(status);
  }
  ::ares_set_socket_functions(channel_, &resolverSockets, this);
  return options.servers.empty() ? std::error_code() : setServers(options.servers);
}

std::error_code ResolverChannel::setServers(std::span<const Address> servers) noexcept {
  std::array<ares_addr_port_node, ResolverOptions::serversMax> nodes;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    nodes[i] = serverOf(servers[i]);
    if (i > 0) nodes[i - 1].next = &nodes[i];
  }
  return errorOf(::ares_set_servers_ports(channel_, nodes.data()));
}

// ---- Operations

std::error_code ResolverChannel::mayStart(const ResolveOperation& operation) const noexcept {
  if (operation.isPending()) return TransportError::busy;
  if (context_ == nullptr || context_->isEnding()) return TransportError::closed;
  return {};
}

void ResolverChannel::start(ResolveOperation& operation, const ResolverHost& host,
                            const ResolverService& service, const ResolveOptions& options,
                            AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.addresses_.reset();
  operation.count_ = 0;
  const bool isAddress = host.address().isIp();
  if (isAddress && !isWanted(host.address(), options.family)) {
    return finish(operation, ResolveError::badFamily);
  }
  std::uint16_t port = service.port();
  if (service.isName()) {
    if (const auto error = findPort(service.name(), port)) return finish(operation, error);
  }
  if (!isAddress && !host.isLocal()) return ask(operation, host, port, options);
  if (!operation.reserve(2)) return finish(operation, noMemory());
  if (isAddress) {
    operation.add(host.address().withPort(port));
  } else {
    const Address loopback6 = Address::ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, port);
    const Address loopback4 = Address::ipv4({127, 0, 0, 1}, port);
    for (const Address& each : {loopback6, loopback4}) {
      if (isWanted(each, options.family)) operation.add(each);
    }
  }
  finish(operation, {});
}

// c-ares tells it with the addresses of a host. If that is an IPv6 address in digits, it asks
// nobody and answers inside the call; for all others, IPv4 addresses included, it may ask name
// servers.
std::error_code ResolverChannel::findPort(const char* service, std::uint16_t& port) noexcept {
  struct Answer {
    std::error_code error;
    Address address;
  } found{noMemory(), Address()};
  const auto onPort = [](void* udata, int status, int, ares_addrinfo* answer) {
    auto& result = *static_cast<Answer*>(udata);
    result.error = errorOf(status);
    if (result.error) return;
    const ares_addrinfo_node& node = *answer->nodes;
    result.error = Address::fromSockaddr(node.ai_addr, node.ai_addrlen, result.address);
    ::ares_freeaddrinfo(answer);
  };
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  ::ares_getaddrinfo(channel_, "::1", service, &hints, onPort, &found);
  port = found.address.port();
  return found.error;
}

// c-ares may answer inside its call; the query is gone then.
void ResolverChannel::ask(ResolveOperation& operation, const ResolverHost& host, std::uint16_t port,
                          const ResolveOptions& options) noexcept {
  auto* const query = new (std::nothrow) ResolverQuery(*this, operation, port);
  if (query == nullptr) return finish(operation, noMemory());
  operation.query_ = query;
  queries_.pushBack(*query);
  query->timer = context_->reactor().addTimer(options.timeout, onTimeout, query);
  if (query->timer == TimerId::none) {
    finish(operation, noMemory());
    delete query;
    return;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = familyOf(options.family);
  hints.ai_socktype = SOCK_STREAM;
  ::ares_getaddrinfo(channel_, host.text(), nullptr, &hints, onAnswer, query);
  afterCall();
}

// Runs inside a function of c-ares.
void ResolverChannel::onAnswer(void* udata, int status, int, ares_addrinfo* answer) {
  auto* const query = static_cast<ResolverQuery*>(udata);
  ResolverChannel& channel = query->channel;
  if (ResolveOperation* const operation = query->operation) {
    std::error_code error = errorOf(status);
    if (status == ARES_ECANCELLED && channel.refusal_) error = channel.refusal_;
    if (status == ARES_ECONNREFUSED && channel.shortage_) error = channel.shortage_;
    if (!error) channel.take(*operation, *answer, query->port);
    if (!error && operation->count_ == 0) {
      error = operation->addresses_ ? ResolveError::noAddress : noMemory();
    }
    channel.finish(*operation, error);
  }
  ::ares_freeaddrinfo(answer);
  delete query;
}

void ResolverChannel::take(ResolveOperation& operation, const ares_addrinfo& answer,
                           std::uint16_t port) noexcept {
  std::size_t count = 0;
  for (const auto* node = answer.nodes; node != nullptr; node = node->ai_next) ++count;
  if (!operation.reserve(std::min(count, ResolveOperation::addressesMax))) return;
  for (const auto* node = answer.nodes; node != nullptr; node = node->ai_next) {
    Address address;
    if (Address::fromSockaddr(node->ai_addr, node->ai_addrlen, address)) continue;
    operation.add(address.withPort(port));
  }
}

// The query, if there is one, is from now on nobody's.
void ResolverChannel::finish(ResolveOperation& operation, std::error_code error) noexcept {
  if (operation.query_ != nullptr) detach(*operation.query_);
  OperationAccess::disown(operation);
  operation.error = error;
  context_->complete(operation);
}

void ResolverChannel::detach(ResolverQuery& query) noexcept {
  context_->reactor().removeTimer(std::exchange(query.timer, TimerId::none));
  std::exchange(query.operation, nullptr)->query_ = nullptr;
}

bool ResolverChannel::isAwaited() const noexcept {
  bool isAwaited = false;
  queries_.forEach([&isAwaited](const ResolverQuery& query) {
    isAwaited = query.operation != nullptr;
    return !isAwaited;
  });
  return isAwaited;
}

bool ResolverChannel::cancel(ResolveOperation& operation) noexcept {
  const ResolverQuery* const query = operation.query_;
  if (query == nullptr || &query->channel != this) return false;
  finish(operation, std::make_error_code(std::errc::operation_canceled));
  afterCall();
  return true;
}

void ResolverChannel::onTimeout(void* udata) {
  auto& query = *static_cast<ResolverQuery*>(udata);
  ResolverChannel& channel = query.channel;
  query.timer = TimerId::none;
  channel.context_->dispatch([&] {
    channel.finish(*query.operation, ResolveError::noAnswer);
    channel.afterCall();
  });
}

void ResolverChannel::forget(Operation& operation) noexcept {
  ResolverQuery* const query = static_cast<ResolveOperation&>(operation).query_;
  if (query == nullptr) return;
  detach(*query);
  afterCall();
}

void ResolverChannel::leaveContext() noexcept {
  close(TransportError::closed);
  context_ = nullptr;
}

// c-ares speaks of its sockets, and of what it was asked, once more.
void ResolverChannel::close(std::error_code error) noexcept {
  if (context_ == nullptr) return;
  queries_.forEach([this, error](ResolverQuery& query) {
    if (query.operation != nullptr) finish(*query.operation, error);
    return true;
  });
  if (channel_ != nullptr) ::ares_destroy(std::exchange(channel_, nullptr));
  context_->reactor().removeTimer(std::exchange(deadline_, TimerId::none));
}

// ---- The sockets and the deadline of c-ares

ResolverChannel::Socket* ResolverChannel::socketOf(Fd fd) noexcept {
  Socket* found = nullptr;
  sockets_.forEach([&found, fd](Socket& socket) {
    if (socket.fd == fd) found = &socket;
    return found == nullptr;
  });
  return found;
}

// Runs inside a function of c-ares, so it must call none.
void ResolverChannel::onSocketWish(void* self, ares_socket_t fd, int reads, int writes) {
  auto& channel = *static_cast<ResolverChannel*>(self);
  Socket* socket = channel.socketOf(fd);
  if (socket == nullptr) {
    if (reads == 0 && writes == 0) return;
    socket = new (std::nothrow) Socket(channel, fd);
    if (socket == nullptr) {
      channel.refusal_ = noMemory();
      return;
    }
    channel.sockets_.pushBack(*socket);
  }
  channel.watch(*socket, reads != 0, writes != 0);
  if (reads == 0 && writes == 0) delete socket;  // c-ares is about to close it
}

void ResolverChannel::watch(Socket& socket, bool reads, bool writes) noexcept {
  Reactor& reactor = context_->reactor();
  if (socket.reads && !reads) reactor.removeReader(socket.fd);
  if (socket.writes && !writes) reactor.removeWriter(socket.fd);
  if (!socket.reads && reads) {
    if (const auto error = reactor.addReader(socket.fd, onReadable, &socket)) refusal_ = error;
  }
  if (!socket.writes && writes) {
    if (const auto error = reactor.addWriter(socket.fd, onWritable, &socket)) refusal_ = error;
  }
  socket.reads = reads;
  socket.writes = writes;
}

void ResolverChannel::onReadable(void* udata) {
  const auto& socket = *static_cast<const Socket*>(udata);
  socket.channel.process(socket.fd, ARES_SOCKET_BAD);
}

void ResolverChannel::onWritable(void* udata) {
  const auto& socket = *static_cast<const Socket*>(udata);
  socket.channel.process(ARES_SOCKET_BAD, socket.fd);
}

void ResolverChannel::onDeadline(void* self) {
  auto& channel = *static_cast<ResolverChannel*>(self);
  channel.deadline_ = TimerId::none;
  channel.process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void ResolverChannel::process(Fd readable, Fd writable) noexcept {
  receivesLeft_ = receivesPerWakeUpMax;
  context_->dispatch([=, this] {
    ::ares_process_fd(channel_, readable, writable);
    afterCall();
  });
}

// After each call of c-ares, which tells nobody when its deadline changes. What nobody waits for is
// ended, and so is what would only end by its time because a socket cannot be watched.
void ResolverChannel::afterCall() noexcept {
  if (channel_ == nullptr) return;
  if (refusal_ || !isAwaited()) ::ares_cancel(channel_);
  refusal_.clear();
  shortage_.clear();
  context_->reactor().removeTimer(std::exchange(deadline_, TimerId::none));
  timeval left{};
  if (::ares_timeout(channel_, nullptr, &left) == nullptr) return;
  const auto delay = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  deadline_ = context_->reactor().addTimer(delay, onDeadline, this);
  if (deadline_ != TimerId::none) return;
  refusal_ = noMemory();
  ::ares_cancel(channel_);
  refusal_.clear();
}

}  // namespace kairos::detail
