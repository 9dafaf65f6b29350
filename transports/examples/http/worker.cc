// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/worker.h"

#include <utility>

namespace kairos::examples {

void Worker::onStarted(void* udata) {
  auto& worker = *static_cast<Worker*>(udata);
  ServerThread& thread = worker.thread_;
  worker.service_.emplace(thread.reactor(), thread.context(), worker.folder_, worker.options_);
}

void Worker::accepted() {
  if (thread_.isStopping()) return stop();
  AcceptOperation& accept = thread_.accept;
  // Most likely there are no descriptors left: then those of the files are needed more.
  if (accept.error) return service_->files.clear();
  StreamTransport stream = std::move(accept.stream);
  if (connections_.size() >= options_.connectionsMax) return;
  Connection& newcomer =
      connections_.emplace_front(*this, *service_, std::move(stream), accept.peer);
  newcomer.place = connections_.begin();
  newcomer.begin();
}

void Worker::leave(Connection& connection) {
  connections_.erase(connection.place);
  if (service_->isStopping) leaveIfDone();
}

// A connection that ends takes itself out of the list.
void Worker::stop() {
  service_->isStopping = true;
  for (auto next = connections_.begin(); next != connections_.end();) (next++)->stop();
  leaveIfDone();
}

void Worker::leaveIfDone() {
  if (connections_.empty()) thread_.leave();
}

}  // namespace kairos::examples
