// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/examples/pq_adapter.h"

namespace kairos::examples {

PqAdapter::~PqAdapter() {
  watched_.reset();  // before libpq closes the socket
  PQfinish(connection_);
}

bool PqAdapter::connect(const char* conninfo, AsyncCallback done) {
  callback_ = done;
  connection_ = PQconnectStart(conninfo);
  if (PQstatus(connection_) == CONNECTION_BAD) return false;
  return watch(onConnectStep, onConnectStep, false, true);
}

// From the beginning, for the socket that the connection has now.
bool PqAdapter::watch(CallbackFunc reader, CallbackFunc writer, bool reads, bool writes) {
  watched_.emplace(reactor_, PQsocket(connection_), reader, writer, this);
  reactorError_ = watched_->watch(reads, writes);
  return !reactorError_;
}

void PqAdapter::connectStep() {
  // A step may close the socket and open another, which may even get the same number.
  watched_.reset();
  const PostgresPollingStatusType wish = PQconnectPoll(connection_);
  const bool reads = wish == PGRES_POLLING_READING;
  const bool writes = wish == PGRES_POLLING_WRITING;
  if ((reads || writes) && watch(onConnectStep, onConnectStep, reads, writes)) return;
  if (wish == PGRES_POLLING_OK) {
    PQsetnonblocking(connection_, 1);
    watch(onReadable, onWritable, true, false);
  }
  callback_.function(callback_.udata);
}

bool PqAdapter::query(const char* sql, AsyncCallback onResult) {
  if (reactorError_ || querying_ || PQsendQuery(connection_, sql) == 0) return false;
  PQsetSingleRowMode(connection_);
  callback_ = onResult;
  querying_ = flush();
  return querying_;
}

// As long as something is unsent libpq waits for both directions, because the server may be unable
// to read on before it has been read from.
bool PqAdapter::flush() {
  const bool unsent = PQflush(connection_) == 1;  // -1, a failure, is found again when reading
  reactorError_ = watched_->watchWrites(unsent);
  return !reactorError_;
}

void PqAdapter::send() {
  if (!flush()) end();
}

void PqAdapter::receive() {
  const bool alive = PQconsumeInput(connection_) == 1;
  if (!alive) watched_.reset();  // libpq has closed the socket
  if (alive && !flush()) return end();
  // When the connection is lost libpq has one more result, which says so, although before version
  // 15 it may call itself busy for ever.
  while (querying_ && (!alive || PQisBusy(connection_) == 0)) takeResult();
}

void PqAdapter::takeResult() {
  PGresult* const result = PQgetResult(connection_);
  if (result == nullptr) return end();
  result_ = result;
  callback_.function(callback_.udata);
  const ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  // The same again would come for ever.
  if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) end();
}

void PqAdapter::end() {
  if (!querying_) return;
  querying_ = false;
  result_ = nullptr;
  callback_.function(callback_.udata);
}

std::string PqAdapter::error() const {
  if (reactorError_) return reactorError_.message();
  std::string message = PQerrorMessage(connection_);
  while (message.ends_with('\n')) message.pop_back();
  return message;
}

}  // namespace kairos::examples
