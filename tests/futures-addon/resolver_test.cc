// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/resolver.h"

#include <string>
#include <vector>

#include "kairos/tests/futures-addon/transport_fixture.h"
#include "kairos/tests/transports/resolver_fixture.h"

namespace kairos {
namespace {

class ResolverAwaitTest : public ResolverTest {
 protected:
  void SetUp() override { make(serverAt(server_.port())); }

  template <class Call>
  auto finished(Call call) {
    auto future = asFuture(futures_, std::move(call));
    pollUntil(future);
    return future;
  }
  void pollUntil(const FutureBase& future) {
    while (!future.finished() && !HasFailure()) poll(ChildProcess::patience);
  }

  FutureContext futures_{reactor_};
};

INSTANTIATE_TEST_SUITE_P(Backends, ResolverAwaitTest, backends(), backendName);

TEST_P(ResolverAwaitTest, FindsAddresses) {
  auto found = finished(kairos::resolve(resolver_, "two.test.", 80));
  std::vector<std::string> texts;
  for (const Address& address : found.read()) texts.push_back(address.toString());
  EXPECT_EQ(texts, (std::vector<std::string>{"192.0.2.2:80", "192.0.2.3:80"}));
  auto nowhere = finished(kairos::resolve(resolver_, "nowhere.test.", 80));
  EXPECT_EQ(errorOf(nowhere), ResolveError::notFound);
}

TEST_P(ResolverAwaitTest, KnowsPortsByTheirNames) {
  for (const char* service : {"80", "http"}) {
    auto found = finished(kairos::resolve(resolver_, "one.test.", service));
    ASSERT_EQ(found.read().size(), 1U);
    EXPECT_EQ(found.read()[0].toString(), "192.0.2.1:80");
  }
  auto unknown = finished(kairos::resolve(resolver_, "one.test.", "no-such"));
  EXPECT_EQ(errorOf(unknown), ResolveError::unknownService);
  auto refused = asFuture(futures_, kairos::resolve(resolver_, "one.test.", ""));
  EXPECT_EQ(errorOf(refused), std::errc::invalid_argument);
}

TEST_P(ResolverAwaitTest, IsCancelled) {
  auto asking = asFuture(futures_, kairos::resolve(resolver_, "silent.test.", 80));
  auto dialling = asFuture(futures_, kairos::dial(resolver_, "silent.test.", "80"));
  EXPECT_TRUE(asking.tryCancel());
  EXPECT_TRUE(dialling.tryCancel());
  pollUntil(asking);
  pollUntil(dialling);
  EXPECT_TRUE(asking.cancelled());
  EXPECT_TRUE(dialling.cancelled());
}

// S3-63
TEST_P(ResolverAwaitTest, Dials) {
  StreamServer listener;
  ok(StreamServer::listen(context_, serverAt(0), {}, listener));
  Address address;
  ok(listener.localAddress(address));
  const std::string port = std::to_string(address.port());
  auto accepting = asFuture(futures_, accept(listener));
  auto stream = finished(kairos::dial(resolver_, "dead.test.", port));
  Address peer;
  ok(stream.read().remoteAddress(peer));
  EXPECT_EQ(peer, address);
  pollUntil(accepting);
  listener.close();
  auto refused = finished(kairos::dial(resolver_, "local.test.", port));
  EXPECT_EQ(errorOf(refused), std::errc::connection_refused);
}

}  // namespace
}  // namespace kairos
