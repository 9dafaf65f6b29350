// SPDX-License-Identifier: MIT OR Apache-2.0
// The echo of kairos_echo.cc for many connections of which few are busy: a session has an operation
// to write with only while it writes.
#include <memory>
#include <utility>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/kairos_server.h"
#include "kairos/bench/transports/servers/services.h"
#include "kairos/transports/stream_operation.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::bench {
namespace {

class SharingSession;

struct Reply {
  WriteOperation write;
  SharingSession* session = nullptr;
};

class SharingSession {
 public:
  explicit SharingSession(StreamTransport stream) : stream_(std::move(stream)) {}

  void read() { check(!stream_.readOnce(read_, onRead, this), "readOnce"); }

 private:
  static void onRead(void* udata) { static_cast<SharingSession*>(udata)->echo(); }
  static void onWritten(void* udata) {
    std::unique_ptr<Reply> reply(static_cast<Reply*>(udata));
    SharingSession& session = *reply->session;
    const bool failed = static_cast<bool>(reply->write.error);
    spare.push_back(std::move(reply));
    failed ? delete &session : session.read();
  }

  static std::unique_ptr<Reply> takeSpare() {
    if (spare.empty()) return std::make_unique<Reply>();
    std::unique_ptr<Reply> reply = std::move(spare.back());
    spare.pop_back();
    return reply;
  }

  void echo() {
    if (read_.error || read_.atEnd) return delete this;
    Reply* const reply = takeSpare().release();
    reply->session = this;
    check(!stream_.write(reply->write, read_.data, onWritten, reply), "write");
  }

  static inline std::vector<std::unique_ptr<Reply>> spare;

  StreamTransport stream_;
  ReadOperation read_;
};

}  // namespace

void echoKairosShared(int listener) { serveByKairos<SharingSession>(listener); }

}  // namespace kairos::bench
