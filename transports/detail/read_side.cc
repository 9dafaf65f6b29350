// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/read_side.h"

#include <algorithm>
#include <cstring>

#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

// Where `separator` begins at or after `from`, in time linear in the text.
std::size_t find(std::string_view text, std::string_view separator, std::size_t from) {
  const std::string_view rest = text.substr(from);
  // memmem(3) must not be given a null pointer.
  if (rest.empty()) return std::string_view::npos;
  const void* at = ::memmem(rest.data(), rest.size(), separator.data(), separator.size());
  if (at == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

}  // namespace

bool ReadSide::receiveInto(Fd fd, FdKind kind, ReadOperation& operation) noexcept {
  const std::size_t left = operation.wanted_ - operation.bytes;
  const IoResult result = readOnce(fd, kind, {operation.into() + operation.bytes, left});
  operation.bytes += result.bytes;
  return result.bytes > 0 || receiveNothing(result);
}

bool ReadSide::lackMemory(ReadOperation& operation) noexcept {
  operation.error = std::make_error_code(std::errc::not_enough_memory);
  return false;
}

bool ReadSide::receiveNothing(IoResult result) noexcept {
  if (result.wouldBlock()) return false;
  if (result.error != 0) {
    setError(result.error);
  } else {
    sawEnd_ = true;
  }
  return true;
}

bool ReadSide::serveOther(ReadOperation& operation) noexcept {
  switch (operation.kind_) {
    case ReadOperation::Kind::once:
      return serveOnce(operation);
    case ReadOperation::Kind::onceInto:
      return serveOnceInto(operation);
    case ReadOperation::Kind::exactly:
      return serveExactly(operation);
    case ReadOperation::Kind::until:
      return serveUntil(operation);
    case ReadOperation::Kind::line:
      return serveLine(operation);
    case ReadOperation::Kind::message:
      return serveMessage(operation);
    case ReadOperation::Kind::toEnd:
      return serveToEnd(operation);
    case ReadOperation::Kind::consume:
      break;
  }
  return serveConsume(operation);
}

void ReadSide::showPartial(ReadOperation& operation) noexcept {
  if (operation.isInto()) operation.data = {operation.into(), operation.bytes};
}

// Moves what there is, and is wanted, to the user's buffer.
void ReadSide::takeInto(ReadOperation& operation) noexcept {
  char* const to = operation.into() + operation.bytes;
  const std::string_view bytes = takeWanted(operation);
  std::copy(bytes.begin(), bytes.end(), to);
  showPartial(operation);
}

std::string_view ReadSide::takeWanted(ReadOperation& operation) noexcept {
  const std::string_view bytes = buffer_.unread().substr(0, operation.wanted_ - operation.bytes);
  operation.bytes += bytes.size();
  buffer_.consume(bytes.size());
  return bytes;
}

void ReadSide::finishAtEnd(ReadOperation& operation, std::error_code atEnd) const noexcept {
  operation.error = error_ != 0 ? error() : atEnd;
  operation.atEnd = error_ == 0;
  showPartial(operation);
}

bool ReadSide::serveOnce(ReadOperation& operation) noexcept {
  if (!hasEnded()) return false;
  finishAtEnd(operation, {});
  return true;
}

bool ReadSide::serveOnceInto(ReadOperation& operation) noexcept {
  takeInto(operation);
  if (operation.bytes > 0) return true;
  if (!hasEnded()) return false;
  finishAtEnd(operation, {});
  return true;
}

bool ReadSide::serveExactly(ReadOperation& operation) noexcept {
  takeInto(operation);
  if (operation.bytes == operation.wanted_) return true;
  if (!hasEnded()) return false;
  finishAtEnd(operation, TransportError::incomplete);
  return true;
}

bool ReadSide::serveUntil(ReadOperation& operation) noexcept {
  const std::string_view text = buffer_.unread();
  const std::string_view separator = operation.separator();
  const std::size_t at = find(text, separator, buffer_.note());
  if (at != text.npos && at + separator.size() <= operation.wanted_) {
    take(operation, at + separator.size());
    return true;
  }
  if (at != text.npos || text.size() >= operation.wanted_) {
    operation.error = TransportError::overLimit;
    return true;
  }
  // There is no beginning of a separator in them.
  buffer_.setNote(text.size() - std::min(text.size(), separator.size() - 1));
  if (!hasEnded()) return false;
  finishAtEnd(operation, TransportError::incomplete);
  operation.data = text;
  return true;
}

// The limit is on the line without what ends it.
bool ReadSide::serveLine(ReadOperation& operation) noexcept {
  const std::string_view text = buffer_.unread();
  const std::size_t end = text.find('\n', buffer_.note());
  const std::size_t known = std::min(end, text.size());
  const std::size_t line = known - (text.substr(0, known).ends_with('\r') ? 1 : 0);
  if (line > operation.wanted_) {
    operation.error = TransportError::overLimit;
    return true;
  }
  if (end != text.npos) {
    take(operation, end + 1);
    operation.data = text.substr(0, line);
    return true;
  }
  buffer_.setNote(text.size());
  if (!hasEnded()) return false;
  finishAtEnd(operation, {});
  // A carriage return that no line feed follows belongs to the line.
  if (error_ == 0 && text.size() > operation.wanted_) operation.error = TransportError::overLimit;
  if (!operation.error) take(operation, text.size());
  return true;
}

// Asked again only when what it needs is there; what it needs is noted.
bool ReadSide::serveMessage(ReadOperation& operation) noexcept {
  const std::string_view text = buffer_.unread();
  if (text.empty()) return serveNoMessage(operation);
  if (buffer_.note() == 0) {
    const MessageSize message = operation.messageOf(text);
    operation.error = message.error;
    if (operation.error) return true;
    buffer_.setNote(message.size);
  }
  const std::size_t size = buffer_.note();
  if ((size > 0 ? size : text.size()) > operation.wanted_) {
    operation.error = TransportError::overLimit;
    return true;
  }
  if (size > 0 && size <= text.size()) {
    take(operation, size);
    return true;
  }
  if (!hasEnded()) return false;
  finishAtEnd(operation, TransportError::incomplete);
  operation.data = text;
  return true;
}

// Whether the stream may end here is the user's to decide.
bool ReadSide::serveNoMessage(ReadOperation& operation) noexcept {
  if (!hasEnded()) return false;
  finishAtEnd(operation, error_ == 0 ? operation.messageOf("").error : std::error_code());
  return true;
}

bool ReadSide::serveToEnd(ReadOperation& operation) noexcept {
  if (buffer_.unread().size() > operation.wanted_) {
    operation.error = TransportError::overLimit;
    return true;
  }
  if (!hasEnded()) return false;
  finishAtEnd(operation, {});
  if (!operation.error) take(operation, buffer_.unread().size());
  return true;
}

bool ReadSide::serveConsume(ReadOperation& operation) noexcept {
  takeWanted(operation);
  if (operation.bytes == operation.wanted_) return true;
  if (!hasEnded()) return false;
  finishAtEnd(operation, {});
  return true;
}

}  // namespace kairos::detail
