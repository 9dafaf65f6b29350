// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/spawn.h"
#include "kairos/transports/detail/stream_access.h"

namespace kairos::detail {
namespace {

constexpr std::size_t inputPlace = 0;
constexpr std::size_t outputPlace = 1;
constexpr std::size_t errorPlace = 2;

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

}  // namespace

// What is not open is found out before any number is given away to a pipe.
std::error_code StandardStreams::open(const SubprocessOptions& options) noexcept {
  if (options.input.kind == Redirect::Kind::output) return invalid();
  if (options.output.kind == Redirect::Kind::output) return invalid();
  for (const Redirect* each : {&options.input, &options.output, &options.error}) {
    if (each->kind != Redirect::Kind::descriptor) continue;
    if (const auto error = checkOpen(each->fd)) return error;
  }
  if (const auto error = openOne(inputPlace, options.input)) return error;
  if (const auto error = openOne(outputPlace, options.output)) return error;
  return openOne(errorPlace, options.error);
}

std::error_code StandardStreams::openOne(std::size_t place, const Redirect& redirect) noexcept {
  switch (redirect.kind) {
    case Redirect::Kind::inherit:
      return {};
    case Redirect::Kind::pipe:
      return openPipe(place);
    case Redirect::Kind::output:
      sources_[place] = sources_[outputPlace];
      return {};
    case Redirect::Kind::descriptor:
      sources_[place] = redirect.fd;
      return {};
    case Redirect::Kind::null:
      break;
  }
  OwnedFd& null = childEnds_[place];
  null.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.get() < 0) return systemError(errno);
  if (const auto error = moveUp(null)) return error;
  sources_[place] = null.get();
  return {};
}

// The child's end is blocking, as programs expect it.
std::error_code StandardStreams::openPipe(std::size_t place) noexcept {
  Fd ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return systemError(errno);
  const bool isInput = place == inputPlace;
  childEnds_[place].reset(ends[isInput ? 0 : 1]);
  ownEnds_[place].reset(ends[isInput ? 1 : 0]);
  if (const auto error = moveUp(childEnds_[place])) return error;
  if (const auto error = moveUp(ownEnds_[place])) return error;
  sources_[place] = childEnds_[place].get();
  return setFlags(ownEnds_[place].get());
}

std::error_code StandardStreams::adopt(Context& context, StreamTransport& input,
                                       StreamTransport& output, StreamTransport& error) noexcept {
  if (const auto failure = adoptOne(context, ownEnds_[inputPlace], input)) return failure;
  if (const auto failure = adoptOne(context, ownEnds_[outputPlace], output)) return failure;
  return adoptOne(context, ownEnds_[errorPlace], error);
}

std::error_code StandardStreams::adoptOne(Context& context, OwnedFd& end,
                                          StreamTransport& stream) noexcept {
  if (end.get() < 0) return {};
  if (const auto error = StreamAccess::make(context, end.get(), FdKind::pipe, stream)) return error;
  end.release();
  return {};
}

}  // namespace kairos::detail
