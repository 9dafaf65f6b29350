// SPDX-License-Identifier: MIT OR Apache-2.0
// What becomes of TLS when an end goes, or gives something up, at each step.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

// A life of two ends from the first byte to the farewells, in single polls. At step `k`, `end` is
// done; whatever that is, each operation completes once and no descriptor is left.
class TlsSweepTest : public TlsTest {
 protected:
  using Step = std::function<void()>;

  // False: it was over before.
  bool liveUntil(std::size_t step, const Step& end) {
    const auto before = openFds();
    bool wasReached = false;
    {
      Life life(*this);
      for (std::size_t i = 0; life.isPending(); ++i) {
        if (i == step) {
          wasReached = true;
          end();
        }
        if (poll() == 0) break;
      }
      client_.close();
      server_.close();
      settle();
      life.expectAllCompletedOnce();
    }
    client_ = TlsStream();
    server_ = TlsStream();
    EXPECT_TRUE(openedSince(before).empty());
    return wasReached;
  }

  // The client says farewell, or closes behind that.
  void sweep(const Step& end) {
    for (const bool closes : {false, true}) {
      SCOPED_TRACE(closes);
      closesAfterFlush_ = closes;
      std::size_t step = 0;
      while (liveUntil(step, end) && !HasFailure()) ++step;
      EXPECT_GT(step, 10u);
    }
  }

  Handshake* shake_ = nullptr;
  Read* read_ = nullptr;
  Write* write_ = nullptr;
  bool closesAfterFlush_ = false;

 private:
  struct Life {
    explicit Life(TlsSweepTest& test) {
      Pair ends = pair();
      setSmallBuffers(ends);
      test.makeEnds(std::move(ends));
      TlsStream& client = test.client_;
      TlsStream& server = test.server_;
      ok(client.handshake(shakes[0], Handshake::done, &shakes[0]));
      ok(server.handshake(shakes[1], Handshake::done, &shakes[1]));
      ok(client.write(writes[0], bytes, Write::done, &writes[0]));
      ok(server.write(writes[1], bytes, Write::done, &writes[1]));
      ok(test.closesAfterFlush_ ? client.closeAfterFlush(writes[2], Write::done, &writes[2])
                                : client.shutdown(writes[2], Write::done, &writes[2]));
      ok(client.waitUntilDrained(drain, Watched<DrainOperation>::done, &drain));
      ok(client.waitUntilClosed(closed, Watched<CloseOperation>::done, &closed));
      ok(server.shutdown(writes[3], Write::done, &writes[3]));
      ok(client.readToEnd(reads[0], {.limit = 1 << 20}, Read::done, &reads[0]));
      ok(server.readToEnd(reads[1], {.limit = 1 << 20}, Read::done, &reads[1]));
      test.shake_ = &shakes[0];
      test.read_ = &reads[0];
      test.write_ = &writes[0];
    }

    bool isPending() const {
      const auto pending = [](const auto& each) { return each.isPending(); };
      return std::any_of(shakes.begin(), shakes.end(), pending) ||
             std::any_of(reads.begin(), reads.end(), pending) ||
             std::any_of(writes.begin(), writes.end(), pending);
    }

    void expectAllCompletedOnce() const {
      const auto once = [](const auto& each) { EXPECT_EQ(each.completions(), 1u); };
      std::for_each(shakes.begin(), shakes.end(), once);
      std::for_each(reads.begin(), reads.end(), once);
      std::for_each(writes.begin(), writes.end(), once);
      once(drain);
      once(closed);
    }

    const std::string bytes = pattern(40000);
    std::vector<Handshake> shakes = std::vector<Handshake>(2);
    std::vector<Read> reads = std::vector<Read>(2);
    std::vector<Write> writes = std::vector<Write>(4);
    Watched<DrainOperation> drain;
    Watched<CloseOperation> closed;
  };
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsSweepTest, backends(), backendName);

TEST_P(TlsSweepTest, MayBeClosedAtEachStep) {
  sweep([&] { client_.close(); });
}

TEST_P(TlsSweepTest, MayBeClosedByTheServerAtEachStep) {
  sweep([&] { server_.close(); });
}

TEST_P(TlsSweepTest, MayBeDestroyedAtEachStep) {
  sweep([&] { client_ = TlsStream(); });
}

TEST_P(TlsSweepTest, MayLoseTheStreamBelowAtEachStep) {
  sweep([&] { client_.below()->close(); });
}

TEST_P(TlsSweepTest, MayCancelTheHandshakeAtEachStep) {
  sweep([&] {
    const bool wasPending = shake_->isPending();
    if (!client_.cancel(*shake_)) return;
    EXPECT_TRUE(wasPending);
    settle();
    EXPECT_EQ(shake_->error, std::errc::operation_canceled);
  });
}

TEST_P(TlsSweepTest, MayCancelAReadAtEachStep) {
  sweep([&] {
    if (!client_.cancel(*read_)) return;
    settle();
    EXPECT_EQ(read_->error, std::errc::operation_canceled);
  });
}

TEST_P(TlsSweepTest, MayCancelAWriteAtEachStep) {
  sweep([&] {
    if (!client_.cancel(*write_)) return;
    settle();
    EXPECT_EQ(write_->error, std::errc::operation_canceled);
  });
}

}  // namespace
}  // namespace kairos
