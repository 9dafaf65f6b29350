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

// The operations of a StreamTransport for coroutines, or of a TlsStream: what each does, and its
// errors, stand in transports/stream_transport.h; what all have in common, in transport_call.h.
//
// What co_await gives for a read is a std::optional<std::string_view>, which is empty when the
// stream has ended before the first byte of what was asked for, and only then:
//
//   while (auto line = co_await readLine(stream)) co_await write(stream, *line);
//
// In the stream's buffer it stays valid until the next read is started.

template <detail::ByteStream Stream>
auto readOnce(Stream& stream) noexcept {
  return TransportCall(stream, detail::ReadOnceCall<Stream>{});
}
// The beginning of `into`.
template <detail::ByteStream Stream>
auto readOnce(Stream& stream, std::span<char> into) noexcept {
  return TransportCall(stream, detail::ReadOnceIntoCall<Stream>{{}, into});
}

// All of `into`. Cancelled, or failed, it may have filled a part: see noThrow().
template <detail::ByteStream Stream>
auto readExactly(Stream& stream, std::span<char> into) noexcept {
  return TransportCall(stream, detail::ReadExactlyCall<Stream>{{}, into});
}

template <detail::ByteStream Stream>
auto readUntil(Stream& stream, std::string_view separator, ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadUntilCall<Stream>{{}, separator, limit});
}

template <detail::ByteStream Stream>
auto readLine(Stream& stream, ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadLineCall<Stream>{{}, limit});
}

// The `udata` that `messageOf` is given means nothing; the coroutine may judge an end.
template <detail::ByteStream Stream>
auto readMessage(Stream& stream, MessageFunc messageOf, ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadMessageCall<Stream>{{}, messageOf, limit});
}

// Gives a std::string_view, empty if nothing came.
template <detail::ByteStream Stream>
auto readToEnd(Stream& stream, ReadLimit limit = {}) noexcept {
  return TransportCall(stream, detail::ReadToEndCall<Stream>{{}, limit});
}

// Gives how many bytes were discarded: fewer only if the stream has ended.
template <detail::ByteStream Stream>
auto consume(Stream& stream, std::size_t count) noexcept {
  return TransportCall(stream, detail::ConsumeCall<Stream>{{}, count});
}

// What is written gives nothing. A write that is cancelled when a part of it is sent breaks the
// stream for further writes, as one that is destroyed: so that a limit of time ends it in any case.
// A shutdown is ended in the same way.

template <detail::ByteStream Stream>
auto write(Stream& stream, std::string_view bytes) noexcept {
  return TransportCall(stream, detail::WriteBytesCall<Stream>{{}, bytes});
}
template <detail::ByteStream Stream>
auto write(Stream& stream, std::span<const std::string_view> parts) noexcept {
  return TransportCall(stream, detail::WritePartsCall<Stream>{{}, parts});
}
// Keeps the bytes.
template <detail::ByteStream Stream>
auto writeOwned(Stream& stream, std::string bytes) noexcept {
  return TransportCall(stream, detail::WriteOwnedCall<Stream>{{}, std::move(bytes)});
}
// Gives how many bytes that was.
template <detail::ByteStream Stream>
auto writeFile(Stream& stream, const FileRange& range) noexcept {
  return TransportCall(stream, detail::WriteFileCall<Stream>{{}, range});
}

template <detail::ByteStream Stream>
auto shutdown(Stream& stream) noexcept {
  return TransportCall(stream, detail::ShutdownCall<Stream>{});
}
template <detail::ByteStream Stream>
auto closeAfterFlush(Stream& stream) noexcept {
  return TransportCall(stream, detail::CloseAfterFlushCall<Stream>{});
}

template <detail::ByteStream Stream>
auto waitUntilDrained(Stream& stream) noexcept {
  return TransportCall(stream, detail::DrainedCall<Stream>{});
}
template <detail::ByteStream Stream>
auto waitUntilClosed(Stream& stream) noexcept {
  return TransportCall(stream, detail::ClosedCall<Stream>{});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_STREAM_H_
