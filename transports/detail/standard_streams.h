// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STANDARD_STREAMS_H_
#define KAIROS_TRANSPORTS_DETAIL_STANDARD_STREAMS_H_

#include <array>
#include <cstddef>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/owned_fd.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/subprocess_options.h"

namespace kairos::detail {

// What a child's standard streams are made of, and this process's ends of the pipes. They have
// numbers from 3 on, also where this process has closed a standard stream of its own.
class StandardStreams {
 public:
  //   Errors    bad_file_descriptor, invalid_argument: a redirection that makes no sense; what the
  //             OS says
  std::error_code open(const SubprocessOptions& options) noexcept;

  const std::array<Fd, 3>& ofChild() const noexcept { return sources_; }

  // Makes streams of this process's ends.
  std::error_code adopt(Context& context, StreamTransport& input, StreamTransport& output,
                        StreamTransport& error) noexcept;

 private:
  std::error_code openOne(std::size_t place, const Redirect& redirect) noexcept;
  std::error_code openPipe(std::size_t place) noexcept;
  std::error_code adoptOne(Context& context, OwnedFd& end, StreamTransport& stream) noexcept;

  std::array<Fd, 3> sources_{0, 1, 2};
  std::array<OwnedFd, 3> childEnds_;
  std::array<OwnedFd, 3> ownEnds_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STANDARD_STREAMS_H_
