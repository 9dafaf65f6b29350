// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_PQ_ADAPTER_H_
#define KAIROS_REACTOR_EXAMPLES_PQ_ADAPTER_H_

#include <libpq-fe.h>

#include <optional>
#include <string>
#include <system_error>

#include "kairos/reactor/examples/watched_fd.h"
#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// A connection of libpq that never blocks, except for looking up a host name, which `hostaddr` in
// the connection string avoids. COPY is not driven: its result is the last of the connection.
//
//   Ownership   Borrows the reactor. Not to be destroyed by its callbacks.
//   Time        Knows no limits: a timer of the user's and the destructor are one.
class PqAdapter {
 public:
  explicit PqAdapter(Reactor& reactor) : reactor_(reactor) {}
  ~PqAdapter();

  PqAdapter(const PqAdapter&) = delete;
  PqAdapter& operator=(const PqAdapter&) = delete;

  // Runs `done` once when the connection is there or has failed: see ready().
  //   Errors    false: it failed at once, and `done` will not run
  bool connect(const char* conninfo, AsyncCallback done);

  // Runs `onResult` for each result, rows one by one, with result() set; and then once without.
  //   Errors    false: refused, and `onResult` will not run
  bool query(const char* sql, AsyncCallback onResult);

  bool ready() const { return !reactorError_ && PQstatus(connection_) == CONNECTION_OK; }
  PGresult* result() const { return result_; }  // freed when the callback returns
  std::string error() const;

 private:
  static void onConnectStep(void* self) { static_cast<PqAdapter*>(self)->connectStep(); }
  static void onReadable(void* self) { static_cast<PqAdapter*>(self)->receive(); }
  static void onWritable(void* self) { static_cast<PqAdapter*>(self)->send(); }

  bool watch(CallbackFunc reader, CallbackFunc writer, bool reads, bool writes);
  void connectStep();
  void receive();
  void send();
  bool flush();
  void takeResult();
  void end();

  Reactor& reactor_;
  PGconn* connection_ = nullptr;
  std::optional<WatchedFd> watched_;
  std::error_code reactorError_;
  AsyncCallback callback_;
  bool querying_ = false;
  PGresult* result_ = nullptr;
};

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_PQ_ADAPTER_H_
