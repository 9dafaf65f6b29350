// SPDX-License-Identifier: MIT OR Apache-2.0
// Messages that tell their size at their beginning, in a way that the user knows.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kairos/tests/support/random_seed.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

// A message is a digit that counts digits, the size in that many digits, and so many bytes.
// `asked` is how often it was asked, `askedAtEnd` how often about nothing.
struct Session {
  Read read;
  std::size_t asked = 0;
  std::size_t askedAtEnd = 0;
  MessageSize atEnd = {};

  static MessageSize sizeOf(void* udata, std::string_view bytes) {
    auto& session = *static_cast<Session*>(udata);
    ++(bytes.empty() ? session.askedAtEnd : session.asked);
    if (bytes.empty()) return session.atEnd;
    const auto digits = static_cast<std::size_t>(bytes[0] - '0');
    if (digits > 9) return {.error = std::make_error_code(std::errc::bad_message)};
    if (bytes.size() < 1 + digits) return {};
    std::size_t size = 0;
    for (const char c : bytes.substr(1, digits)) {
      size = size * 10 + static_cast<std::size_t>(c - '0');
    }
    return {.size = 1 + digits + size};
  }

  static void done(void* udata) { Read::done(&static_cast<Session*>(udata)->read); }
};

class StreamMessageTest : public StreamTest {
 protected:
  StreamMessageTest() { connect(pair()); }

  void start(std::size_t limit = 65536) {
    ok(stream_.readMessage(session_.read, Session::sizeOf, {.limit = limit}, Session::done,
                           &session_));
  }

  std::string message(std::size_t limit = 65536) {
    start(limit);
    return result();
  }

  std::string result() {
    Read& read = session_.read;
    settleUntilDone(read);
    std::string text(read.data);
    if (read.error == TransportError::overLimit) text += "<over limit>";
    if (read.error == TransportError::incomplete) text += "<incomplete>";
    if (read.error == std::errc::bad_message) text += "<bad>";
    if (read.atEnd) text += "<end>";
    return text;
  }

  void end() { ASSERT_EQ(::shutdown(far_.get(), SHUT_WR), 0); }

  Session session_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamMessageTest, backends(), backendName);

// T23
TEST_P(StreamMessageTest, ReadsWholeMessagesOneByOne) {
  sendAll(far_.get(),
          "13abc"
          "10"
          "3005hello"
          "12xy"
          "0"
          "more");
  for (const std::string_view expected : {"13abc", "10", "3005hello", "12xy", "0"}) {
    EXPECT_EQ(message(), expected);
    EXPECT_EQ(session_.read.bytes, expected.size());
  }
  EXPECT_EQ(stream_.peek(), "more");
}

// T23: it is asked only while the size is not known.
TEST_P(StreamMessageTest, ComesByteByByte) {
  const std::string_view sent = "3010helloworld";
  start();
  for (const char c : sent) {
    EXPECT_EQ(session_.read.completions(), 0u);
    sendAll(far_.get(), {&c, 1});
    settle();
  }
  EXPECT_EQ(result(), sent);
  EXPECT_EQ(session_.asked, 4u);
}

// T23: an end between messages, in a header, in a body.
TEST_P(StreamMessageTest, TellsAnEndFromATruncation) {
  sendAll(far_.get(), "11a");
  end();
  EXPECT_EQ(message(), "11a");
  EXPECT_EQ(message(), "<end>");
  EXPECT_EQ(message(), "<end>");
  EXPECT_EQ(session_.asked, 1u);
  for (const std::string_view sent : {"2", "20", "205abcd"}) {
    connect(pair());
    sendAll(far_.get(), sent);
    end();
    EXPECT_EQ(message(), std::string(sent) + "<incomplete><end>");
    EXPECT_EQ(stream_.peek(), sent) << "nothing is lost";
  }
  EXPECT_EQ(session_.askedAtEnd, 2u) << "not about what is there";
}

// T23: between messages it is asked, once for a read, whether that is an end; a size tells nothing.
TEST_P(StreamMessageTest, LetsTheUserDecideWhetherTheStreamMayEnd) {
  sendAll(far_.get(), "11a");
  start();
  EXPECT_EQ(result(), "11a");
  start();
  settle();
  EXPECT_EQ(session_.askedAtEnd, 0u) << "more may come";
  end();
  EXPECT_EQ(result(), "<end>");
  EXPECT_EQ(session_.askedAtEnd, 1u);
  session_.atEnd = {.size = std::numeric_limits<std::size_t>::max()};
  EXPECT_EQ(message(), "<end>");
  session_.atEnd = {.error = std::make_error_code(std::errc::bad_message)};
  EXPECT_EQ(message(), "<bad><end>");
  EXPECT_EQ(message(), "<bad><end>");
  EXPECT_EQ(session_.askedAtEnd, 4u);
}

// T23: an end of its own making is one, of which it is asked in the call.
TEST_P(StreamMessageTest, IsAskedAboutAnEndOfItsOwn) {
  session_.atEnd = {.error = std::make_error_code(std::errc::bad_message)};
  start();
  stream_.shutdownRead();
  EXPECT_EQ(session_.askedAtEnd, 1u);
  EXPECT_EQ(session_.read.completions(), 0u) << "never inside the call";
  EXPECT_EQ(result(), "<bad><end>");
  stream_.shutdownRead();
  settle();
  EXPECT_EQ(session_.askedAtEnd, 1u);
}

// T23: at any other end there is nothing to decide.
TEST_P(StreamMessageTest, IsNotAskedWhetherAnErrorIsAnEnd) {
  session_.atEnd = {.error = std::make_error_code(std::errc::bad_message)};
  connect(tcpPair());
  start();
  resetOnClose(far_.get());
  far_.reset();
  EXPECT_EQ(result(), "");
  EXPECT_EQ(session_.read.error, std::errc::connection_reset);
  EXPECT_EQ(message(), "");
  stream_.close();
  EXPECT_EQ(message(), "");
  EXPECT_EQ(session_.read.error, TransportError::closed);
  EXPECT_EQ(session_.askedAtEnd, 0u);
}

// T23: what is no message is the error that the user gave, and stays unread.
TEST_P(StreamMessageTest, ReportsWhatIsNoMessage) {
  sendAll(far_.get(), "11a!rest");
  EXPECT_EQ(message(), "11a");
  EXPECT_EQ(message(), "<bad>");
  EXPECT_EQ(message(), "<bad>");
  EXPECT_EQ(stream_.peek(), "!rest");
}

// T24: known before it comes, and without memory for it; a size that never gets known.
TEST_P(StreamMessageTest, RefusesMessagesOverTheLimit) {
  sendAll(far_.get(), "9999999999");
  EXPECT_EQ(message(1 << 20), "<over limit>");
  EXPECT_EQ(stream_.peek(), "9999999999");
  connect(pair());
  sendAll(far_.get(), "1812345678");
  EXPECT_EQ(message(9), "<over limit>");
  EXPECT_EQ(message(10), "1812345678");
  const auto never = [](void*, std::string_view) { return MessageSize{}; };
  sendAll(far_.get(), pattern(50000));
  ok(stream_.readMessage(session_.read, never, {.limit = 40000}, Session::done, &session_));
  EXPECT_EQ(result(), "<over limit>");
  EXPECT_LE(stream_.peek().size(), 65536u);
  const auto all = [](void*, std::string_view) {
    return MessageSize{.size = std::numeric_limits<std::size_t>::max()};
  };
  ok(stream_.readMessage(session_.read, all, {}, Session::done, &session_));
  EXPECT_EQ(result(), "<over limit>");
}

// Sizes that do not fit into one's numbers, or are negative in another's; by default too.
TEST_P(StreamMessageTest, RefusesSizesThatAreNone) {
  const auto sizeOf = [](void*, std::string_view bytes) {
    if (bytes.size() < 8) return MessageSize{};
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof size);
    return MessageSize{.size = size};
  };
  constexpr std::uint64_t one = 1;
  for (const std::uint64_t size :
       {one << 31, one << 32, one << 63, ~one + 1, ~one, ~(one << 63), std::uint64_t{65537}}) {
    connect(pair());
    std::string prefix(sizeof size, '\0');
    std::memcpy(prefix.data(), &size, sizeof size);
    sendAll(far_.get(), prefix);
    ok(stream_.readMessage(session_.read, sizeOf, {}, Session::done, &session_));
    EXPECT_EQ(result(), "<over limit>") << size;
    EXPECT_EQ(stream_.peek(), prefix);
  }
}

TEST_P(StreamMessageTest, LosesNothingByACancellation) {
  start();
  sendAll(far_.get(), "14ab");
  settle();
  EXPECT_TRUE(stream_.cancel(session_.read));
  settle();
  sendAll(far_.get(), "cd");
  EXPECT_EQ(message(), "14abcd");
}

TEST_P(StreamMessageTest, RefusesWhatMakesNoSense) {
  Read& read = session_.read;
  const auto invalid = std::errc::invalid_argument;
  EXPECT_EQ(stream_.readMessage(read, nullptr, {}, Session::done, &session_), invalid);
  EXPECT_EQ(stream_.readMessage(read, Session::sizeOf, {.limit = 0}, Session::done, &session_),
            invalid);
  EXPECT_EQ(stream_.readMessage(read, Session::sizeOf, {}, nullptr, &session_), invalid);
}

// T02, T24: messages of any size, larger than the first buffer.
TEST_P(StreamMessageTest, ReadsMessagesOfAnySize) {
  Random random;
  StreamTransport writer = adopt(std::move(far_));
  for (int i = 0; i < 100; ++i) {
    const std::string body = pattern(random.below(random.oneIn(5) ? 90000 : 300));
    const std::string digits = std::to_string(body.size());
    const std::string sent = std::to_string(digits.size()) + digits + body;
    Write write;
    ok(writer.write(write, sent, Write::done, &write));
    EXPECT_TRUE(message(100000) == sent) << body.size();
    settleUntilDone(write);
  }
}

}  // namespace
}  // namespace kairos
