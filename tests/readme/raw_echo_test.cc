// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/readme/raw_echo.inc"

#include <gtest/gtest.h>

#include <string>

#include "kairos/tests/readme/echo_client.h"

namespace {

TEST(ReadmeTest, EchoesOnTheSixCalls) {
  kairos::EchoClient client;
  kairos::Reactor reactor;
  serve(reactor, client.takeServerEnd());
  const std::string bytes = std::string(3 << 20, 'x') + "the end";
  EXPECT_TRUE(client.exchange(bytes, reactor) == bytes);
}

}  // namespace
