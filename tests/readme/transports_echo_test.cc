// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/readme/transports_echo.inc"

#include <gtest/gtest.h>

#include <string>

#include "kairos/tests/readme/echo_client.h"

namespace {

TEST(ReadmeTest, EchoesOnTheTransports) {
  kairos::EchoClient client;
  kairos::Reactor reactor;
  kairos::TransportContext context(reactor);
  kairos::StreamTransport stream;
  ASSERT_FALSE(kairos::StreamTransport::adopt(context, client.takeServerEnd(), stream));
  serve(std::move(stream));
  const std::string bytes = std::string(3 << 20, 'x') + "the end";
  EXPECT_TRUE(client.exchange(bytes, reactor) == bytes);
}

}  // namespace
