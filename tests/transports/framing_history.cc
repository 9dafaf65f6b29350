// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/transports/framing_history.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "kairos/reactor/simulation/tape.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/transports/stream_transport.h"

namespace kairos {
namespace {

// A message is a digit, and as many bytes as it says; '!' begins none.
MessageSize sizeOf(void*, std::string_view bytes) {
  if (bytes.empty()) return {};
  if (bytes[0] == '!') return {.error = std::make_error_code(std::errc::bad_message)};
  return {.size = 1 + static_cast<std::size_t>(bytes[0] & 15)};
}

// What a read gives, or that it waits.
struct Outcome {
  bool isDone = false;
  std::string data;
  std::size_t taken = 0;
  bool atEnd = false;
  std::error_code error;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::string toText(const Outcome& outcome) {
  if (!outcome.isDone) return "pending";
  return "\"" + outcome.data + "\", " + std::to_string(outcome.taken) + " taken, " +
         (outcome.atEnd ? "at the end, " : "") + outcome.error.message();
}

Outcome took(std::string_view data, std::size_t taken) {
  return {.isDone = true, .data = std::string(data), .taken = taken, .atEnd = false, .error = {}};
}

Outcome failed(std::error_code error, std::string_view shown = {}, bool atEnd = false) {
  return {.isDone = true, .data = std::string(shown), .taken = 0, .atEnd = atEnd, .error = error};
}

Outcome ended(std::string_view data, std::size_t taken, std::error_code error = {}) {
  return {.isDone = true, .data = std::string(data), .taken = taken, .atEnd = true, .error = error};
}

// ---- The contract, of the whole text that has come

Outcome until(std::string_view text, bool isOver, std::string_view separator, std::size_t limit) {
  const std::size_t at = text.substr(0, limit).find(separator);
  if (at != text.npos) return took(text.substr(0, at + separator.size()), at + separator.size());
  if (text.size() >= limit) return failed(TransportError::overLimit);
  return isOver ? ended(text, 0, TransportError::incomplete) : Outcome();
}

Outcome line(std::string_view text, bool isOver, std::size_t limit) {
  const std::size_t feed = text.find('\n');
  std::string_view line = text.substr(0, feed);
  const bool mayGoOn = feed == text.npos;
  if (line.ends_with('\r') && !(mayGoOn && isOver)) line.remove_suffix(1);
  if (line.size() > limit) return failed(TransportError::overLimit, {}, false);
  if (!mayGoOn) return took(line, feed + 1);
  return isOver ? ended(line, text.size()) : Outcome();
}

Outcome message(std::string_view text, bool isOver, std::size_t limit) {
  if (text.empty()) return isOver ? ended("", 0) : Outcome();
  const MessageSize size = sizeOf(nullptr, text);
  if (size.error) return failed(size.error);
  if (size.size > limit) return failed(TransportError::overLimit);
  if (size.size <= text.size()) return took(text.substr(0, size.size), size.size);
  return isOver ? ended(text, 0, TransportError::incomplete) : Outcome();
}

Outcome toEnd(std::string_view text, bool isOver, std::size_t limit) {
  if (text.size() > limit) return failed(TransportError::overLimit);
  return isOver ? ended(text, text.size()) : Outcome();
}

Outcome exactly(std::string_view text, bool isOver, std::size_t size) {
  if (size <= text.size()) return took(text.substr(0, size), size);
  return isOver ? ended(text, text.size(), TransportError::incomplete) : Outcome();
}

Outcome consume(std::string_view text, bool isOver, std::size_t size) {
  if (size <= text.size()) return took("", size);
  return isOver ? ended("", text.size()) : Outcome();
}

class History {
 public:
  explicit History(detail::Tape tape) : tape_(tape), ends_(pair()) {
    if (StreamTransport::adopt(context_, ends_.near.get(), stream_)) failure_ = "not adopted";
    ends_.near.release();
  }

  std::string run() {
    for (int steps = 0; steps < 1000 && !tape_.isOver() && failure_.empty(); ++steps) step();
    return failure_;
  }

 private:
  enum Kind { once, into, exact, separated, lines, messages, rest, discard, kinds };
  static constexpr std::string_view separators[] = {"\n", "\r\n", "::", "aab", ":a:a:b"};

  void step() {
    switch (tape_.below(8)) {
      case 0:
        if (!isStarted_) start();
        break;
      case 1:
        if (tape_.oneIn(8)) cancel();
        break;
      case 2:
        if (tape_.oneIn(16)) end();
        break;
      default:
        send();
    }
    while (reactor_.poll(Clock::duration::zero()).callbacks > 0) {
    }
    check();
    if (!isStarted_ && failure_.empty()) start();
  }

  void send() {
    constexpr std::string_view alphabet = "a\n\r:b7!2";
    std::string piece(1 + tape_.below(8), 'a');
    for (char& c : piece) c = alphabet[tape_.below(alphabet.size())];
    // Across the ends of buffers.
    if (tape_.oneIn(16)) piece.append(16384 - tape_.below(20), 'a');
    if (isOver_ || text_.size() > 100000) return;
    text_ += piece;
    if (::write(ends_.far.get(), piece.data(), piece.size()) < 0) failure_ = "nothing is sent";
  }

  void end() {
    isOver_ = true;
    ::shutdown(ends_.far.get(), SHUT_WR);
  }

  void start() {
    kind_ = static_cast<Kind>(tape_.below(kinds));
    size_ = tape_.oneIn(8) ? 16300 + tape_.below(40000) : 1 + tape_.below(20);
    separator_ = separators[tape_.below(std::size(separators))];
    if (kind_ == separated) size_ = std::max(size_, separator_.size());
    buffer_.assign(size_, '?');
    isDone_ = false;
    isStarted_ = true;
    if (const auto error = startRead()) failure_ = "not started: " + error.message();
  }

  std::error_code startRead() {
    switch (kind_) {
      case once:
        return stream_.readOnce(read_, onDone, this);
      case into:
        return stream_.readOnce(read_, buffer_, onDone, this);
      case exact:
        return stream_.readExactly(read_, buffer_, onDone, this);
      case separated:
        return stream_.readUntil(read_, separator_, {size_}, onDone, this);
      case lines:
        return stream_.readLine(read_, {size_}, onDone, this);
      case messages:
        return stream_.readMessage(read_, sizeOf, {size_}, onDone, this);
      case rest:
        return stream_.readToEnd(read_, {size_}, onDone, this);
      default:
        return stream_.consume(read_, size_, onDone, this);
    }
  }

  static void onDone(void* udata) { static_cast<History*>(udata)->isDone_ = true; }

  // What is read before the cancellation is in the user's buffer, or gone by consume().
  void cancel() {
    if (!isStarted_ || !stream_.cancel(read_)) return;
    reactor_.poll(Clock::duration::zero());
    isStarted_ = false;
    const bool takes = kind_ == into || kind_ == exact || kind_ == discard;
    const std::string_view taken = takes ? std::string_view(text_).substr(0, read_.bytes) : "";
    if (!isDone_ || read_.error != std::errc::operation_canceled) failure_ = "not cancelled";
    if (kind_ != discard && read_.data != taken) failure_ = "the cancelled read lost bytes";
    text_.erase(0, taken.size());
  }

  // As much as there is: no more is promised than one byte.
  Outcome some(std::string_view data) const {
    if (text_.empty()) return isOver_ ? ended("", 0) : Outcome();
    const bool isPart = !data.empty() && (kind_ == once || data.size() <= size_);
    return took(isPart ? text_.substr(0, data.size()) : "some", data.size());
  }

  Outcome expected() const {
    switch (kind_) {
      case once:
      case into:
        return some(isDone_ ? read_.data : "");
      case exact:
        return exactly(text_, isOver_, size_);
      case separated:
        return until(text_, isOver_, separator_, size_);
      case lines:
        return line(text_, isOver_, size_);
      case messages:
        return message(text_, isOver_, size_);
      case rest:
        return toEnd(text_, isOver_, size_);
      default:
        return consume(text_, isOver_, size_);
    }
  }

  void check() {
    if (!text_.starts_with(stream_.peek()) && !isStarted_) failure_ = "peek shows something else";
    if (!isStarted_ || !failure_.empty()) return;
    Outcome wanted = expected();
    Outcome got;
    if (isDone_) {
      got = {true, std::string(read_.data), read_.bytes, read_.atEnd, read_.error};
      // What an over-long last line says of the end is not promised.
      if (got.error == TransportError::overLimit) got.atEnd = false;
    }
    if (got != wanted) {
      failure_ = "kind " + std::to_string(kind_) + ", size " + std::to_string(size_) + " of \"" +
                 text_ + "\": " + toText(got) + ", not " + toText(wanted);
    }
    if (!isDone_) return;
    isStarted_ = false;
    text_.erase(0, read_.bytes);
    if (!text_.starts_with(stream_.peek())) failure_ = "peek shows something else";
  }

  detail::Tape tape_;
  Pair ends_;
  Reactor reactor_;
  TransportContext context_{reactor_};
  StreamTransport stream_;
  ReadOperation read_;
  Kind kind_ = once;
  std::size_t size_ = 0;
  std::string_view separator_;
  std::vector<char> buffer_;
  std::string text_;  // sent and not read
  bool isOver_ = false;
  bool isStarted_ = false;
  bool isDone_ = false;
  std::string failure_;
};

}  // namespace

std::string runFraming(std::span<const std::uint8_t> tape) {
  return History(detail::Tape(tape)).run();
}

}  // namespace kairos
