// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_WORKER_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_WORKER_H_

#include <list>
#include <optional>
#include <system_error>

#include "kairos/transports/examples/http/connection.h"
#include "kairos/transports/examples/http/folder.h"
#include "kairos/transports/examples/http/service.h"
#include "kairos/transports/threaded_server.h"

namespace kairos::examples {

// What one thread of the server does: it accepts, and keeps its connections. Nothing in it is
// shared with other threads but the folder and the options, which stay as they are.
//
//   Ownership   Borrows folder and options. Is destroyed after the server's threads have ended.
class Worker final : public ConnectionOwner {
 public:
  Worker(const Folder& folder, const ServiceOptions& options)
      : folder_(folder), options_(options) {}

  std::error_code joinServer(ThreadedServer& server) {
    return server.add(thread_, onStarted, onAccepted, this);
  }

  // Why it ended before it was told to.
  std::error_code error() const { return thread_.error; }

  void leave(Connection& connection) override;

 private:
  static void onStarted(void* udata);
  static void onAccepted(void* udata) { static_cast<Worker*>(udata)->accepted(); }

  void accepted();
  void stop();
  void leaveIfDone();

  const Folder& folder_;
  const ServiceOptions& options_;
  ServerThread thread_;
  std::optional<Service> service_;
  std::list<Connection> connections_;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_WORKER_H_
