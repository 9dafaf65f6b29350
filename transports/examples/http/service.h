// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_SERVICE_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_SERVICE_H_

#include <chrono>
#include <cstddef>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/examples/http/access_log.h"
#include "kairos/transports/examples/http/file_cache.h"
#include "kairos/transports/examples/http/folder.h"
#include "kairos/transports/examples/http/http_date.h"
#include "kairos/transports/examples/http/out_buffer.h"
#include "kairos/transports/idle_limit.h"
#include "kairos/transports/transport_context.h"

namespace kairos::examples {

// What the server was told.
struct ServiceOptions {
  std::size_t connectionsMax = 8192;  // of one thread; one more is closed at once
  std::size_t filesMax = 512;         // that one thread keeps open
  Fd logFd = -1;                      // -1: no access log

  // From the first byte of a request, or from the connecting, to the end of its head.
  Clock::duration headTime = std::chrono::seconds(10);
  // Without a request; and without progress in what is sent.
  Clock::duration idleTime = std::chrono::seconds(30);
  // For the peer to end the connection after the last answer.
  Clock::duration lingerTime = std::chrono::seconds(2);
  // For answers that are under way when the server is told to stop.
  Clock::duration drainTime = std::chrono::seconds(10);
};

// What the connections of one thread share.
struct Service {
  Service(Reactor& reactor, TransportContext& context, const Folder& folder,
          const ServiceOptions& itsOptions)
      : options(itsOptions),
        idle(context, itsOptions.idleTime),
        head(context, itsOptions.headTime),
        linger(context, itsOptions.lingerTime),
        files(reactor, folder, itsOptions.filesMax),
        log(reactor, itsOptions.logFd) {}

  const ServiceOptions& options;
  IdleLimit idle;
  IdleLimit head;
  IdleLimit linger;
  FileCache files;
  AccessLog log;
  DateCache dates;
  OutBuffers buffers;
  bool isStopping = false;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_SERVICE_H_
