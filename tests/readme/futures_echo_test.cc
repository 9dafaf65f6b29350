// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/readme/futures_echo.inc"

#include <gtest/gtest.h>

#include <string>

#include "kairos/tests/readme/echo_client.h"

namespace {

TEST(ReadmeTest, EchoesInACoroutine) {
  kairos::EchoClient client;
  kairos::Loop loop;
  kairos::StreamTransport stream;
  const auto end = client.takeServerEnd();
  ASSERT_FALSE(kairos::StreamTransport::adopt(loop.transportContext(), end, stream));
  serve(loop, std::move(stream));
  const std::string bytes = std::string(3 << 20, 'x') + "the end";
  EXPECT_TRUE(client.exchange(bytes, loop.reactor()) == bytes);
}

}  // namespace
