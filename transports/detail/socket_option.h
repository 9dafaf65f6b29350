// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_SOCKET_OPTION_H_
#define KAIROS_TRANSPORTS_DETAIL_SOCKET_OPTION_H_

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {

template <class Value>
std::error_code setOption(Fd fd, int level, int option, const Value& value) noexcept {
  if (::setsockopt(fd, level, option, &value, sizeof value) == 0) return {};
  return systemError(errno);
}

template <class Value>
std::error_code getOption(Fd fd, int level, int option, Value& value) noexcept {
  socklen_t size = sizeof value;
  if (::getsockopt(fd, level, option, &value, &size) == 0) return {};
  return systemError(errno);
}

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_SOCKET_OPTION_H_
