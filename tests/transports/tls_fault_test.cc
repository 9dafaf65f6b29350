// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, ours or OpenSSL's, and each system call of a conversation in TLS fails once, or
// from then on: each operation ends exactly once, what is read is what was written, nothing leaks.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>

#include "kairos/tests/transports/faults.h"
#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

// What OpenSSL allocates, of which one in turn may fail; NoMemory is of the rest. It takes the
// functions before it has allocated anything, or never.
class OpensslNoMemory {
 public:
  OpensslNoMemory(std::size_t nth, std::size_t times) {
    left = nth;
    timesLeft = times;
    failed = false;
  }
  ~OpensslNoMemory() { armed = false; }
  OpensslNoMemory(const OpensslNoMemory&) = delete;
  OpensslNoMemory& operator=(const OpensslNoMemory&) = delete;

  void arm(bool on) { armed = on; }
  bool mayHang() const { return false; }
  bool happened() const { return failed; }

  static bool install() {
    return ::CRYPTO_set_mem_functions(
               [](std::size_t size, const char*, int) { return fails() ? nullptr : malloc_(size); },
               [](void* block, std::size_t size, const char*, int) {
                 return fails() ? nullptr : realloc_(block, size);
               },
               [](void* block, const char*, int) { free_(block); }) == 1;
  }

 private:
  // Not those that the linker has put in their place here.
  template <class Function>
  static Function* find(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
  }
  static inline const auto malloc_ = find<void*(std::size_t)>("malloc");
  static inline const auto realloc_ = find<void*(void*, std::size_t)>("realloc");
  static inline const auto free_ = find<void(void*)>("free");

  static bool fails() {
    if (!armed || timesLeft == 0) return false;
    if (left > 1) {
      --left;
      return false;
    }
    --timesLeft;
    failed = true;
    return true;
  }

  static inline bool armed = false;
  static inline bool failed = false;
  static inline std::size_t left = 0;
  static inline std::size_t timesLeft = 0;
};

const bool isInstalled = OpensslNoMemory::install();

const std::string& words() {
  static const std::string bytes = pattern(20000);
  return bytes;
}

// Both ends say the same, and farewell.
class TlsConversation {
 public:
  TlsConversation(const TlsContext& clients, const TlsContext& servers, Pair ends) {
    StreamTransport near;
    StreamTransport far;
    adopt(std::move(ends.near), near);
    adopt(std::move(ends.far), far);
    isOpen_ = !TlsStream::client(context_, clients, std::move(near), "server.test", {}, client_) &&
              !TlsStream::server(context_, servers, std::move(far), {}, server_);
    if (!isOpen_) return;
    begin(client_, shakes_[0], writes_[0], ends_[0], reads_[0]);
    begin(server_, shakes_[1], writes_[1], ends_[1], reads_[1]);
  }

  // Who is told of an error closes. False: it hangs, longer than the OS may want it to pause.
  bool run() {
    for (int polls = 0; polls < 500 && isPending(); ++polls) {
      if (reactor_.poll(Clock::duration::zero()).callbacks == 0 &&
          reactor_.poll(std::chrono::milliseconds(20)).callbacks == 0) {
        break;
      }
      if (hasFailed(0)) client_.close();
      if (hasFailed(1)) server_.close();
    }
    return !isPending();
  }

  void finish() {
    client_.close();
    server_.close();
    for (int polls = 0; polls < 10; ++polls) (void)reactor_.poll(Clock::duration::zero());
  }

  bool isComplete() const {
    const auto isRead = [](const Read& read) { return read.atEnd && !read.error; };
    return isOpen_ && std::all_of(reads_.begin(), reads_.end(), isRead);
  }

  void expectAllToHaveEndedOnce() const {
    each([](const auto& operation, std::size_t starts) {
      EXPECT_FALSE(operation.isPending());
      EXPECT_EQ(operation.completions(), starts);
    });
  }

  void expectWhatWasSent() const {
    for (const Read& read : reads_) {
      if (!read.error && read.completions() > 0) {
        EXPECT_TRUE(read.data == words());
      }
    }
  }

 private:
  void adopt(UniqueFd fd, StreamTransport& stream) {
    if (!StreamTransport::adopt(context_, fd.get(), stream)) fd.release();
  }

  void begin(TlsStream& stream, Handshake& shake, Write& write, Write& end, Read& read) {
    const bool isRefused = stream.handshake(shake, Handshake::done, &shake) ||
                           stream.write(write, words(), Write::done, &write) ||
                           stream.shutdown(end, Write::done, &end) ||
                           stream.readToEnd(read, {}, Read::done, &read);
    EXPECT_FALSE(isRefused);
    starts_ = 1;
  }

  bool hasFailed(std::size_t end) const {
    return shakes_[end].error || writes_[end].error || ends_[end].error || reads_[end].error;
  }

  template <class Visit>
  void each(Visit visit) const {
    for (const auto& operation : shakes_) visit(operation, starts_);
    for (const auto& operation : writes_) visit(operation, starts_);
    for (const auto& operation : ends_) visit(operation, starts_);
    for (const auto& operation : reads_) visit(operation, starts_);
  }

  bool isPending() const {
    bool any = false;
    each([&any](const auto& operation, std::size_t) { any = any || operation.isPending(); });
    return any;
  }

  Reactor reactor_;
  TransportContext context_{reactor_};
  TlsStream client_;
  TlsStream server_;
  bool isOpen_ = false;
  std::size_t starts_ = 0;
  std::array<Handshake, 2> shakes_;
  std::array<Write, 2> writes_;
  std::array<Write, 2> ends_;
  std::array<Read, 2> reads_;
};

class TlsFaultTest : public testing::Test {
 protected:
  TlsFaultTest() {
    EXPECT_FALSE(TlsContext::makeClient(clients_));
    EXPECT_FALSE(clients_.trust(testAuthority().pem()));
    EXPECT_FALSE(TlsContext::makeServer(servers_));
    EXPECT_FALSE(servers_.useCertificate(serverIdentity().chain, serverIdentity().key));
    words();
    // What OpenSSL keeps from the first use on.
    FailedCall none({SystemCall::listen, EINVAL}, always, 1);
    converse(none, [](const TlsConversation& first) { EXPECT_TRUE(first.isComplete()); });
  }

  template <class Guard, class Check>
  void converse(Guard& guard, Check check) {
    Pair ends = pair();
    setSmallBuffers(ends);
    {
      guard.arm(true);
      TlsConversation conversation(clients_, servers_, std::move(ends));
      EXPECT_TRUE(conversation.run() || guard.mayHang());
      guard.arm(false);
      conversation.finish();
      conversation.expectAllToHaveEndedOnce();
      conversation.expectWhatWasSent();
      check(conversation);
    }
    EXPECT_EQ(::ERR_peek_error(), 0u) << "what OpenSSL complained of was taken";
    ::ERR_clear_error();
  }

  // How often it happened.
  template <class MakeGuard, class Check>
  std::size_t sweep(MakeGuard makeGuard, Check check, std::size_t step = 1) {
    return sweepFaults(
        makeGuard, [&](auto& guard) { converse(guard, check); }, step);
  }

  TlsContext clients_;
  TlsContext servers_;
};

TEST_F(TlsFaultTest, SurvivesTheWantOfMemory) {
  for (const std::size_t times : {std::size_t{1}, always}) {
    const std::size_t moments =
        sweep([times](std::size_t nth) { return std::make_unique<NoMemory>(nth, times); },
              [](const TlsConversation&) {});
    EXPECT_GE(moments, 10u);
  }
}

TEST_F(TlsFaultTest, SurvivesOpensslsWantOfMemory) {
  ASSERT_TRUE(isInstalled);
  for (const std::size_t times : {std::size_t{1}, always}) {
    const std::size_t moments =
        sweep([times](std::size_t nth) { return std::make_unique<OpensslNoMemory>(nth, times); },
              [](const TlsConversation&) {}, 7);
    EXPECT_GE(moments, 100u);
  }
}

// What was made or loaded works, or is an error.
TEST_F(TlsFaultTest, MakesContextsOrSaysWhyNot) {
  std::size_t nth = 1;
  for (bool isOver = false; !isOver && nth < 20000; nth += 41) {
    SCOPED_TRACE(nth);
    OpensslNoMemory guard(nth, 1);
    guard.arm(true);
    const bool isMade = !TlsContext::makeServer(servers_) &&
                        !servers_.useCertificate(serverIdentity().chain, serverIdentity().key) &&
                        !servers_.trust(testAuthority().pem());
    guard.arm(false);
    isOver = !guard.happened();
    EXPECT_TRUE(isMade || !isOver);
    EXPECT_EQ(::ERR_peek_error(), 0u);
    if (!isMade) continue;
    FailedCall none({SystemCall::listen, EINVAL}, always, 1);
    converse(none, [](const TlsConversation& each) { EXPECT_TRUE(each.isComplete()); });
  }
  EXPECT_GT(nth, 100u);
}

// A bundle is trusted as a whole or not at all, beside one that is trusted already.
TEST_F(TlsFaultTest, TrustsAllOfABundleOrNothing) {
  const CertificateAuthority roots[] = {CertificateAuthority("1"), CertificateAuthority("2")};
  const std::string bundle = roots[0].pem() + roots[1].pem();
  EXPECT_FALSE(servers_.trust(testAuthority().pem()));
  const auto trusted = [this] {
    return sk_X509_OBJECT_num(
        ::X509_STORE_get0_objects(::SSL_CTX_get_cert_store(servers_.native())));
  };
  const auto told = [this] {
    return sk_X509_NAME_num(::SSL_CTX_get_client_CA_list(servers_.native()));
  };
  std::size_t nth = 1;
  for (bool isOver = false; !isOver; ++nth) {
    SCOPED_TRACE(nth);
    OpensslNoMemory guard(nth, 1);
    guard.arm(true);
    const bool isTrusted = !servers_.trust(bundle);
    guard.arm(false);
    isOver = !guard.happened();
    ASSERT_TRUE(isTrusted || !isOver);
    ASSERT_EQ(trusted(), isTrusted ? 3 : 1);
    ASSERT_EQ(told(), isTrusted ? 3 : 1);
    EXPECT_EQ(::ERR_peek_error(), 0u);
    if (!isTrusted) continue;
    EXPECT_FALSE(TlsContext::makeServer(servers_));
    EXPECT_FALSE(servers_.trust(testAuthority().pem()));
  }
  EXPECT_GT(nth, 50u);
}

TEST_F(TlsFaultTest, ConcealsInterruptionsAndFalseReadiness) {
  for (const CallFault& fault :
       {CallFault{SystemCall::recv, EINTR}, CallFault{SystemCall::recv, EAGAIN},
        CallFault{SystemCall::send, EINTR}, CallFault{SystemCall::send, EAGAIN},
        CallFault{SystemCall::sendmsg, EINTR}, CallFault{SystemCall::sendmsg, EAGAIN}}) {
    SCOPED_TRACE(testing::Message() << fault);
    const std::size_t moments = sweep(
        [&](std::size_t nth) { return std::make_unique<FailedCall>(fault, nth, std::size_t{1}); },
        [](const TlsConversation& conversation) { EXPECT_TRUE(conversation.isComplete()); });
    EXPECT_GT(moments, 0u);
  }
}

TEST_F(TlsFaultTest, EndsWithErrorsOfTheOs) {
  for (const CallFault& fault :
       {CallFault{SystemCall::recv, ECONNRESET}, CallFault{SystemCall::send, ECONNRESET},
        CallFault{SystemCall::sendmsg, EPIPE}, CallFault{SystemCall::epollCtl, ENOSPC},
        CallFault{SystemCall::epollCtl, ENOMEM}}) {
    for (const std::size_t times : {std::size_t{1}, always}) {
      SCOPED_TRACE(testing::Message() << fault);
      const std::size_t moments =
          sweep([&](std::size_t nth) { return std::make_unique<FailedCall>(fault, nth, times); },
                [](const TlsConversation&) {});
      EXPECT_GT(moments, 0u);
    }
  }
}

}  // namespace
}  // namespace kairos
