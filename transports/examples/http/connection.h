// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONNECTION_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONNECTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "kairos/transports/address.h"
#include "kairos/transports/examples/http/conditions.h"
#include "kairos/transports/examples/http/file_cache.h"
#include "kairos/transports/examples/http/http_request.h"
#include "kairos/transports/examples/http/http_status.h"
#include "kairos/transports/examples/http/out_buffer.h"
#include "kairos/transports/examples/http/request_path.h"
#include "kairos/transports/examples/http/service.h"
#include "kairos/transports/idle_limit.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::examples {

class Connection;

class ConnectionOwner {
 public:
  // Nothing follows: it may be destroyed, in this call too.
  virtual void leave(Connection& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// One client: reads a request, answers it, reads the next, as long as both sides like. Requests
// that come ahead wait in the stream, so that there is one answer at a time.
//
//   Ownership   Borrows the service, and its owner, which it tells when it is over.
class Connection {
 public:
  Connection(ConnectionOwner& owner, Service& service, StreamTransport stream, const Address& peer);
  ~Connection();

  void begin();

  // The server stops: what is being answered is the last.
  void stop();

  // Its owner's: where it is kept.
  std::list<Connection>::iterator place;

 private:
  enum class State { reading, answering, discarding, lingering };

  // What is written in one piece is at most the head and the text, or the head alone.
  static constexpr std::size_t partsMax = 2;

  static MessageSize sizeOfHead(void* udata, std::string_view bytes);
  static void onHead(void* udata) { static_cast<Connection*>(udata)->headCame(); }
  static void onSent(void* udata) { static_cast<Connection*>(udata)->answerWasSent(); }
  static void onDiscarded(void* udata) { static_cast<Connection*>(udata)->bodyWasDiscarded(); }
  static void onLingered(void* udata) { static_cast<Connection*>(udata)->end(); }
  static void onIdle(void* udata) { static_cast<Connection*>(udata)->isIdle(); }
  static void onHeadTime(void* udata) { static_cast<Connection*>(udata)->headTimeIsUp(); }
  static void onLingerTime(void* udata) { static_cast<Connection*>(udata)->lingerTimeIsUp(); }
  static void ignore(void*) {}

  void readHead();
  void headHasBegun();
  void headCame();
  void headFailed();
  void answer(const HttpRequest& request);
  void answerPath(const HttpRequest& request);
  void answerFile(const HttpRequest& request, std::shared_ptr<const OpenFile> file);
  void list(const UniqueFd& directory, std::string_view path);
  void redirect(const RequestTarget& target);
  void fail(HttpStatus status, std::string_view fields = {});

  OutBuffer& beginAnswer(HttpStatus status);
  void endHead();
  void sendText(std::string text, std::string_view type);
  void sendFile(const ByteRange& range);
  void send(std::error_code refused);
  void answerWasSent();
  void logAnswer();

  void discardBody();
  void bodyWasDiscarded();
  void linger();
  void isIdle();
  void headTimeIsUp();
  void lingerTimeIsUp();
  std::uint64_t bytesSent() const { return write_.bytes + writeFile_.bytes; }
  void end() { owner_.leave(*this); }

  ConnectionOwner& owner_;
  Service& service_;
  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;      // the head, and what is in memory
  WriteOperation writeFile_;  // what is not
  IdleOperation idle_;        // neither asks nor takes
  IdleOperation head_;        // does not come to its end
  IdleOperation linger_;

  State state_ = State::reading;
  bool isHeadBegun_ = false;
  bool isTimeUp_ = false;
  bool persists_ = false;  // after this answer
  bool isHttp10_ = false;
  bool bodyIsWanted_ = false;  // not so by HEAD
  HttpStatus status_ = HttpStatus::ok;
  Clock::time_point headBegan_{};
  std::size_t scanned_ = 0;      // of the head that is not all there
  std::size_t headSize_ = 0;     // of the answer
  std::uint64_t bodyBytes_ = 0;  // of the request
  std::uint64_t bytesSeen_ = 0;  // sent when it seemed to be idle

  std::unique_ptr<OutBuffer> out_;
  std::shared_ptr<const OpenFile> file_;
  std::string text_;
  std::array<std::string_view, partsMax> parts_;
  Address peer_;
  std::string host_;  // as text, for the log
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONNECTION_H_
