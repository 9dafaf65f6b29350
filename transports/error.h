// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_ERROR_H_
#define KAIROS_TRANSPORTS_ERROR_H_

#include <system_error>

namespace kairos {

// What no errno of the OS says. Each equals a std::errc too, given here, so that code which does
// not care for the difference can ask for that.
enum class TransportError {
  closed = 1,  // the transport was closed, or its context ended: operation_canceled
  incomplete,  // the stream ended before what was asked for: no_message_available
  overLimit,   // not found within the limit: message_size
  shutDown,    // written to after shutdown: broken_pipe
  busy,        // the operation, or this direction of the stream, is in use: device_or_resource_busy
  notConnected,  // the handle is empty: not_connected
  queueFull,     // more would be queued than WriteMarks allow: no_buffer_space
};

std::error_code make_error_code(TransportError error) noexcept;

}  // namespace kairos

template <>
struct std::is_error_code_enum<kairos::TransportError> : std::true_type {};

#endif  // KAIROS_TRANSPORTS_ERROR_H_
