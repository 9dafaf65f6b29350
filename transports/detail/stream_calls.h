// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STREAM_CALLS_H_
#define KAIROS_TRANSPORTS_DETAIL_STREAM_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/transports/detail/refusal.h"
#include "kairos/transports/stream_operation.h"

namespace kairos::detail {

// The start calls of a StreamTransport, for all that have them: each checks what it is given,
// describes the operation, and lets the target begin it, which is what a handle points to, or null.
template <class Target>
struct StreamCalls {
  static std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

  // ---- Reading

  static std::error_code readOnce(Target* target, ReadOperation& operation,
                                  AsyncCallback callback) noexcept {
    constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
    return read(target, operation, ReadOperation::Kind::once, nullptr, unlimited, callback);
  }

  static std::error_code readOnce(Target* target, ReadOperation& operation, std::span<char> into,
                                  AsyncCallback callback) noexcept {
    if (into.empty()) return invalid();
    return read(target, operation, ReadOperation::Kind::onceInto, into.data(), into.size(),
                callback);
  }

  static std::error_code readExactly(Target* target, ReadOperation& operation, std::span<char> into,
                                     AsyncCallback callback) noexcept {
    return read(target, operation, ReadOperation::Kind::exactly, into.data(), into.size(),
                callback);
  }

  static std::error_code readUntil(Target* target, ReadOperation& operation,
                                   std::string_view separator, ReadLimit limit,
                                   AsyncCallback callback) noexcept {
    if (separator.empty() || limit.limit < separator.size()) return invalid();
    if (separator.size() > std::numeric_limits<std::uint32_t>::max()) return invalid();
    if (const Refusal refusal = mayRead(target, operation, callback)) return refusal;
    operation.describe(ReadOperation::Kind::until, nullptr, limit.limit);
    operation.with_.separator = separator.data();
    operation.separatorSize_ = static_cast<std::uint32_t>(separator.size());
    target->startRead(operation, callback);
    return {};
  }

  static std::error_code readLine(Target* target, ReadOperation& operation, ReadLimit limit,
                                  AsyncCallback callback) noexcept {
    if (limit.limit == 0) return invalid();
    return read(target, operation, ReadOperation::Kind::line, nullptr, limit.limit, callback);
  }

  static std::error_code readMessage(Target* target, ReadOperation& operation,
                                     MessageFunc messageOf, ReadLimit limit,
                                     AsyncCallback callback) noexcept {
    if (messageOf == nullptr || limit.limit == 0) return invalid();
    if (const Refusal refusal = mayRead(target, operation, callback)) return refusal;
    operation.describe(ReadOperation::Kind::message, nullptr, limit.limit);
    operation.with_.messageOf = messageOf;
    target->startRead(operation, callback);
    return {};
  }

  static std::error_code readToEnd(Target* target, ReadOperation& operation, ReadLimit limit,
                                   AsyncCallback callback) noexcept {
    if (limit.limit == 0) return invalid();
    return read(target, operation, ReadOperation::Kind::toEnd, nullptr, limit.limit, callback);
  }

  static std::error_code consume(Target* target, ReadOperation& operation, std::size_t count,
                                 AsyncCallback callback) noexcept {
    return read(target, operation, ReadOperation::Kind::consume, nullptr, count, callback);
  }

  // ---- Writing

  static Refusal mayWrite(Target* target, const Operation& operation, std::size_t bytes,
                          AsyncCallback callback) noexcept {
    if (callback.function == nullptr) return Refusal::nullCallback;
    return target != nullptr ? target->mayWrite(operation, bytes) : Refusal::notConnected;
  }

  static std::error_code write(Target* target, WriteOperation& operation, std::string_view bytes,
                               AsyncCallback callback) noexcept {
    if (const Refusal refusal = mayWrite(target, operation, bytes.size(), callback)) return refusal;
    start(target, operation, bytes, callback);
    return {};
  }

  static std::error_code write(Target* target, WriteOperation& operation,
                               std::span<const std::string_view> parts,
                               AsyncCallback callback) noexcept {
    if (parts.size() == 1) return write(target, operation, parts.front(), callback);
    std::size_t bytes = 0;
    for (const std::string_view part : parts) bytes += part.size();
    if (const Refusal refusal = mayWrite(target, operation, bytes, callback)) return refusal;
    operation.describe(WriteOperation::Kind::parts, bytes);
    operation.at_.parts = parts.data();
    target->startWrite(operation, callback);
    return {};
  }

  static std::error_code writeOwned(Target* target, WriteOperation& operation, std::string bytes,
                                    AsyncCallback callback) noexcept {
    if (const Refusal refusal = mayWrite(target, operation, bytes.size(), callback)) return refusal;
    auto& owned = operation.owned_;
    if (!owned) owned.reset(new (std::nothrow) std::string);
    if (!owned) return std::make_error_code(std::errc::not_enough_memory);
    *owned = std::move(bytes);
    start(target, operation, *owned, callback);
    return {};
  }

  static std::error_code shutdown(Target* target, WriteOperation& operation,
                                  AsyncCallback callback) noexcept {
    return last(target, operation, WriteOperation::Kind::shutdown, callback);
  }

  static std::error_code closeAfterFlush(Target* target, WriteOperation& operation,
                                         AsyncCallback callback) noexcept {
    return last(target, operation, WriteOperation::Kind::close, callback);
  }

  static std::error_code setWriteMarks(Target* target, const WriteMarks& marks) noexcept {
    if (marks.high == 0 || marks.low > marks.high || marks.high > marks.cap) return invalid();
    return target != nullptr ? target->setMarks(marks) : Refusal(Refusal::notConnected);
  }

  static bool isCongested(const Target* target) noexcept {
    return target != nullptr && target->queuedBytes() >= target->marks().high;
  }

  // For room in the queue, or for the close.
  template <class Wait>
  static std::error_code wait(Target* target, Wait& operation, AsyncCallback callback) noexcept {
    if (const Refusal refusal = mayWrite(target, operation, 0, callback)) return refusal;
    target->startWait(operation, callback);
    return {};
  }

 private:
  static Refusal mayRead(Target* target, const ReadOperation& operation,
                         AsyncCallback callback) noexcept {
    if (callback.function == nullptr) return Refusal::nullCallback;
    return target != nullptr ? target->mayRead(operation) : Refusal::notConnected;
  }

  static std::error_code read(Target* target, ReadOperation& operation, ReadOperation::Kind kind,
                              char* into, std::size_t wanted, AsyncCallback callback) noexcept {
    if (const Refusal refusal = mayRead(target, operation, callback)) return refusal;
    operation.describe(kind, into, wanted);
    target->startRead(operation, callback);
    return {};
  }

  static void start(Target* target, WriteOperation& operation, std::string_view bytes,
                    AsyncCallback callback) noexcept {
    operation.describe(WriteOperation::Kind::bytes, bytes.size());
    operation.at_.bytes = bytes.data();
    target->startWrite(operation, callback);
  }

  static std::error_code last(Target* target, WriteOperation& operation, WriteOperation::Kind kind,
                              AsyncCallback callback) noexcept {
    if (const Refusal refusal = mayWrite(target, operation, 0, callback)) return refusal;
    operation.describe(kind, 0);
    target->startWrite(operation, callback);
    return {};
  }
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STREAM_CALLS_H_
