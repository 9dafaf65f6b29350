// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_STREAM_H_
#define KAIROS_FUTURES_ADDON_STREAM_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "kairos/futures-addon/detail/stream_calls.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/transports/stream_transport.h"

namespace kairos {

// The operations of a StreamTransport for coroutines: what each does, and its errors, stand in
// transports/stream_transport.h, and what all have in common in transport_call.h.
//
// What co_await gives for a read is a std::optional<std::string_view>, which is empty when the
// stream has ended before the first byte of what was asked for, and only then:
//
//   while (auto line = co_await readLine(stream)) co_await write(stream, *line);
//
// In the stream's buffer it stays valid until the next read is started.

inline auto readOnce(StreamTransport& stream) noexcept {
  return TransportCall(stream, detail::ReadOnceCall{});
}
// The beginning of `into`.
inline auto readOnce(StreamTransport& stream, std::span<char> into) noexcept {
  return TransportCall(stream, detail::ReadOnceIntoCall{{}, into});
}

// All of `into`. Cancelled, or failed, it may have filled a part: see noThrow().
inline auto readExactly(StreamTransport& stream, std::span<char> into) noexcept {
  return TransportCall(stream, detail::ReadExactlyCall{{}, into});
}

inline auto readUntil(StreamTransport& stream, std::string_view separator,
                      ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadUntilCall{{}, separator, limit});
}

inline auto readLine(StreamTransport& stream, ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadLineCall{{}, limit});
}

// The `udata` that `messageOf` is given means nothing.
inline auto readMessage(StreamTransport& stream, MessageFunc messageOf,
                        ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadMessageCall{{}, messageOf, limit});
}

// Gives a std::string_view, empty if nothing came.
inline auto readToEnd(StreamTransport& stream, ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadToEndCall{{}, limit});
}

// Gives how many bytes were discarded: fewer only if the stream has ended.
inline auto consume(StreamTransport& stream, std::size_t count) noexcept {
  return TransportCall(stream, detail::ConsumeCall{{}, count});
}

// What is written gives nothing. A write that is cancelled when a part of it is sent breaks the
// stream for further writes, as one that is destroyed: so that a limit of time ends it in any case.
// A shutdown is ended in the same way.

inline auto write(StreamTransport& stream, std::string_view bytes) noexcept {
  return TransportCall(stream, detail::WriteBytesCall{{}, bytes});
}
inline auto write(StreamTransport& stream, std::span<const std::string_view> parts) noexcept {
  return TransportCall(stream, detail::WritePartsCall{{}, parts});
}
// Keeps the bytes.
inline auto writeOwned(StreamTransport& stream, std::string bytes) noexcept {
  return TransportCall(stream, detail::WriteOwnedCall{{}, std::move(bytes)});
}
// Gives how many bytes that was.
inline auto writeFile(StreamTransport& stream, const FileRange& range) noexcept {
  return TransportCall(stream, detail::WriteFileCall{{}, range});
}

inline auto shutdown(StreamTransport& stream) noexcept {
  return TransportCall(stream, detail::ShutdownCall{});
}
inline auto closeAfterFlush(StreamTransport& stream) noexcept {
  return TransportCall(stream, detail::CloseAfterFlushCall{});
}

inline auto waitUntilDrained(StreamTransport& stream) noexcept {
  return TransportCall(stream, detail::DrainedCall{});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_STREAM_H_
