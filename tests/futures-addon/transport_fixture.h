// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_FUTURES_ADDON_TRANSPORT_FIXTURE_H_
#define KAIROS_TESTS_FUTURES_ADDON_TRANSPORT_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {

// The error of a failed future.
template <class T>
std::error_code errorOf(Future<T>& future) {
  try {
    static_cast<void>(future.read());
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

// Streams, and futures beside them. Whatever a test does, no frame is left.
class AwaitTest : public FutureTest {
 protected:
  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  StreamTransport adopt(UniqueFd fd) {
    StreamTransport stream;
    ok(StreamTransport::adopt(transports_, fd.get(), stream));
    fd.release();
    return stream;
  }

  TransportContext transports_{reactor_};
};

// With a stream, and its other end.
class AwaitStreamTest : public AwaitTest {
 protected:
  void SetUp() override { connectTo(pair()); }

  void connectTo(Pair ends) {
    stream_ = adopt(std::move(ends.near));
    far_ = std::move(ends.far);
  }

  // The streams of a test may end after its futures, so that the reactor has something to wait for.
  void TearDown() override { stream_.close(); }

  StreamTransport stream_;
  UniqueFd far_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_FUTURES_ADDON_TRANSPORT_FIXTURE_H_
