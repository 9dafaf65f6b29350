// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_RESOLVER_CHANNEL_H_
#define KAIROS_TRANSPORTS_DETAIL_RESOLVER_CHANNEL_H_

#include <ares.h>

#include <cstdint>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/resolver_host.h"
#include "kairos/transports/resolver.h"

namespace kairos::detail {

class ResolverChannel;

// A question to c-ares, which cannot take one back. Lives until c-ares is done with it.
struct ResolverQuery : ListNode {
  ResolverQuery(ResolverChannel& owner, ResolveOperation& asking, std::uint16_t itsPort) noexcept
      : channel(owner), operation(&asking), port(itsPort) {}

  ResolverChannel& channel;
  ResolveOperation* operation;  // null: nobody waits for the answer any more
  const std::uint16_t port;
  TimerId timer = TimerId::none;
};

// What a Resolver is, behind its handle: a channel of c-ares whose sockets and deadline the reactor
// watches. c-ares calls back inside its functions; all that is done then is to note what it wants,
// and to complete operations, so that no user code runs inside c-ares.
class ResolverChannel final : public ContextMember, public OperationOwner {
 public:
  ResolverChannel(TransportContext& transportContext, Context& context) noexcept;
  ~ResolverChannel();

  // Datagrams, or parts of a stream, that are received when a socket is readable; others have their
  // turn then.
  static constexpr int receivesPerWakeUpMax = 64;

  std::error_code open(const ResolverOptions& options) noexcept;

  // There was no socket for c-ares, which looks to it as if the servers refused it.
  void noteShortage(std::error_code error) noexcept { shortage_ = error; }
  // Within that bound.
  bool mayReceive() noexcept { return receivesLeft_ > 0 && receivesLeft_-- > 0; }

  std::error_code mayStart(const ResolveOperation& operation) const noexcept;
  // `host` is checked.
  void start(ResolveOperation& operation, const ResolverHost& host, const ResolverService& service,
             const ResolveOptions& options, AsyncCallback callback) noexcept;
  bool cancel(ResolveOperation& operation) noexcept;

  TransportContext& transportContext() const noexcept { return transportContext_; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  // One that c-ares wants to be woken for.
  struct Socket : ListNode {
    Socket(ResolverChannel& owner, Fd number) noexcept : channel(owner), fd(number) {}
    ResolverChannel& channel;
    Fd fd;
    bool reads = false;
    bool writes = false;
  };

  static void onSocketWish(void* self, ares_socket_t fd, int reads, int writes);
  static void onAnswer(void* query, int status, int timeouts, ares_addrinfo* answer);
  static void onReadable(void* socket);
  static void onWritable(void* socket);
  static void onDeadline(void* self);
  static void onTimeout(void* query);

  std::error_code setServers(std::span<const Address> servers) noexcept;
  std::error_code findPort(const char* service, std::uint16_t& port) noexcept;
  void ask(ResolveOperation& operation, const ResolverHost& host, std::uint16_t port,
           const ResolveOptions& options) noexcept;
  void take(ResolveOperation& operation, const ares_addrinfo& answer, std::uint16_t port) noexcept;
  void finish(ResolveOperation& operation, std::error_code error) noexcept;
  void detach(ResolverQuery& query) noexcept;
  bool isAwaited() const noexcept;
  void close(std::error_code error) noexcept;

  Socket* socketOf(Fd fd) noexcept;
  void watch(Socket& socket, bool reads, bool writes) noexcept;
  void process(Fd readable, Fd writable) noexcept;
  void afterCall() noexcept;

  TransportContext& transportContext_;
  Context* context_;  // null: it has ended
  ares_channel channel_ = nullptr;
  TimerId deadline_ = TimerId::none;
  int receivesLeft_ = 0;
  // Of the call of c-ares under way:
  std::error_code refusal_;   // a socket cannot be watched
  std::error_code shortage_;  // a socket cannot be opened
  IntrusiveList<Socket> sockets_;
  IntrusiveList<ResolverQuery> queries_;
};

struct ResolverAccess {
  // nullptr: the resolver is empty.
  static ResolverChannel* of(const Resolver& resolver) noexcept { return resolver.channel_.get(); }
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_RESOLVER_CHANNEL_H_
