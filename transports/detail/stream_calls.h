// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STREAM_CALLS_H_
#define KAIROS_TRANSPORTS_DETAIL_STREAM_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/transports/error.h"
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
    return read(target, operation, ReadOperation::Kind::once, into.data(), into.size(), callback);
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
    if (const auto error = mayRead(target, operation, callback)) return error;
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
    if (const auto error = mayRead(target, operation, callback)) return error;
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

  static std::error_code mayWrite(Target* target, const Operation& operation, std::size_t bytes,
                                  AsyncCallback callback) noexcept {
    if (callback.function == nullptr) return invalid();
    return target != nullptr ? target->mayWrite(operation, bytes) : TransportError::notConnected;
  }

  static std::error_code write(Target* target, WriteOperation& operation, std::string_view bytes,
                               AsyncCallback callback) noexcept {
    if (const auto error = mayWrite(target, operation, bytes.size(), callback)) return error;
    operation.single_ = bytes;
    return start(target, operation, {&operation.single_, 1}, bytes.size(), callback);
  }

  static std::error_code write(Target* target, WriteOperation& operation,
                               std::span<const std::string_view> parts,
                               AsyncCallback callback) noexcept {
    std::size_t bytes = 0;
    for (const std::string_view part : parts) bytes += part.size();
    if (const auto error = mayWrite(target, operation, bytes, callback)) return error;
    return start(target, operation, parts, bytes, callback);
  }

  static std::error_code writeOwned(Target* target, WriteOperation& operation, std::string bytes,
                                    AsyncCallback callback) noexcept {
    if (const auto error = mayWrite(target, operation, bytes.size(), callback)) return error;
    operation.owned_ = std::move(bytes);
    operation.single_ = operation.owned_;
    return start(target, operation, {&operation.single_, 1}, operation.single_.size(), callback);
  }

  static std::error_code shutdown(Target* target, WriteOperation& operation,
                                  AsyncCallback callback) noexcept {
    return last(target, operation, WriteOperation::Kind::shutdown, callback);
  }

  static std::error_code closeAfterFlush(Target* target, WriteOperation& operation,
                                         AsyncCallback callback) noexcept {
    return last(target, operation, WriteOperation::Kind::close, callback);
  }

 private:
  static std::error_code mayRead(Target* target, const ReadOperation& operation,
                                 AsyncCallback callback) noexcept {
    if (callback.function == nullptr) return invalid();
    return target != nullptr ? target->mayRead(operation) : TransportError::notConnected;
  }

  static std::error_code read(Target* target, ReadOperation& operation, ReadOperation::Kind kind,
                              char* into, std::size_t wanted, AsyncCallback callback) noexcept {
    if (const auto error = mayRead(target, operation, callback)) return error;
    operation.describe(kind, into, wanted);
    target->startRead(operation, callback);
    return {};
  }

  static std::error_code start(Target* target, WriteOperation& operation,
                               std::span<const std::string_view> parts, std::size_t bytes,
                               AsyncCallback callback) noexcept {
    operation.parts_ = parts;
    operation.kind_ = WriteOperation::Kind::bytes;
    operation.left_ = bytes;
    operation.offset_ = 0;
    target->startWrite(operation, callback);
    return {};
  }

  static std::error_code last(Target* target, WriteOperation& operation, WriteOperation::Kind kind,
                              AsyncCallback callback) noexcept {
    if (const auto error = mayWrite(target, operation, 0, callback)) return error;
    operation.parts_ = {};
    operation.left_ = 0;
    operation.kind_ = kind;
    target->startWrite(operation, callback);
    return {};
  }
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STREAM_CALLS_H_
