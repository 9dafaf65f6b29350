// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/connection.h"

#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include "kairos/transports/error.h"
#include "kairos/transports/examples/http/directory_index.h"

namespace kairos::examples {
namespace {

constexpr ReadLimit headLimit{.limit = 16384};
constexpr std::size_t targetBytesMax = 7168;  // so that a redirect fits into OutBuffer's head
constexpr std::uint64_t discardedBodyMax = 65536;
constexpr std::size_t lingerBytesMax = 1048576;

constexpr std::string_view html = "text/html; charset=utf-8";

std::string_view firstLineOf(std::string_view head) {
  head.remove_prefix(std::min(head.find_first_not_of("\r\n"), head.size()));
  return head.substr(0, head.find_first_of("\r\n"));
}

std::string hostOf(const Address& peer) {
  std::string text = peer.unmapped().withPort(0).toString();
  if (!peer.isIp()) return "-";
  text.erase(text.rfind(':'));
  if (text.front() == '[') text = text.substr(1, text.size() - 2);
  return text;
}

// As much as is there, from one offset to another.
std::size_t readAll(Fd file, std::uint64_t offset, std::span<char> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto at = static_cast<off_t>(offset + done);
    const ssize_t count = ::pread(file, into.data() + done, into.size() - done, at);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

Connection::Connection(ConnectionOwner& owner, Service& service, StreamTransport stream,
                       const Address& peer)
    : owner_(owner), service_(service), stream_(std::move(stream)), peer_(peer) {}

Connection::~Connection() { service_.buffers.giveBack(std::move(out_)); }

// ---- Reading

// The first request has begun with the connection.
void Connection::begin() {
  const bool isWatched =
      !service_.idle.watch(idle_, onIdle, this) && !service_.head.watch(head_, onHeadTime, this);
  isHeadBegun_ = true;
  headBegan_ = Clock::now();
  if (isWatched) return readHead();
  end();
}

void Connection::readHead() {
  state_ = State::reading;
  scanned_ = 0;
  idle_.touch();
  if (stream_.readMessage(read_, sizeOfHead, headLimit, onHead, this)) end();
}

// A request that has begun has to go on. The watch on an earlier one may still be pending.
MessageSize Connection::sizeOfHead(void* udata, std::string_view bytes) {
  auto& connection = *static_cast<Connection*>(udata);
  if (bytes.empty()) return {};
  if (!looksLikeHead(bytes)) {
    return {.error = std::make_error_code(std::errc::bad_message)};
  }
  const std::size_t size = findHeadEnd(bytes, connection.scanned_);
  if (size == 0 && !std::exchange(connection.isHeadBegun_, true)) {
    connection.headHasBegun();
  }
  return {.size = size};
}

void Connection::headHasBegun() {
  headBegan_ = Clock::now();
  idle_.touch();
  head_.touch();
  if (!head_.isPending()) static_cast<void>(service_.head.watch(head_, onHeadTime, this));
}

void Connection::headCame() {
  isHeadBegun_ = false;
  if (read_.error) return headFailed();
  if (read_.data.empty()) return end();
  HttpRequest request;
  status_ = parseRequest(read_.data, request);
  answer(request);
}

// Only what a client can mend is answered.
void Connection::headFailed() {
  bodyIsWanted_ = true;
  isHttp10_ = persists_ = false;
  if (read_.error == std::errc::bad_message) return fail(HttpStatus::badRequest);
  if (isTimeUp_ && stream_.isOpen()) return fail(HttpStatus::requestTimeout);
  if (read_.error != TransportError::overLimit) return end();
  const bool isInTarget = firstLineOf(stream_.peek()).size() >= targetBytesMax;
  fail(isInTarget ? HttpStatus::targetTooLong : HttpStatus::fieldsTooLarge);
}

// ---- Answering

void Connection::answer(const HttpRequest& request) {
  const bool isSound = status_ == HttpStatus::ok;
  bodyIsWanted_ = request.method != HttpRequest::Method::head;
  isHttp10_ = request.isHttp10;
  bodyBytes_ = request.bodyBytes;
  // Whether a body comes that was announced with `Expect` is not known after a final answer.
  persists_ = isSound && request.keepsAlive && !request.expectsContinue && !service_.isStopping &&
              bodyBytes_ <= discardedBodyMax;
  if (!isSound) return fail(status_);
  if (bodyBytes_ > discardedBodyMax) return fail(HttpStatus::contentTooLarge);
  if (request.target.size() > targetBytesMax) return fail(HttpStatus::targetTooLong);
  if (request.method != HttpRequest::Method::other) return answerPath(request);
  fail(HttpStatus::methodNotAllowed, "Allow: GET, HEAD\r\n");
}

void Connection::answerPath(const HttpRequest& request) {
  RequestTarget target;
  const HttpStatus status = splitTarget(request.target, target);
  if (status != HttpStatus::ok) return fail(status);
  FileCache::Found found = service_.files.find(target.path);
  if (found.file) return answerFile(request, std::move(found.file));
  if (found.directory.valid()) return list(found.directory, target.path);
  if (found.status == HttpStatus::movedPermanently) return redirect(target);
  fail(found.status);
}

void Connection::answerFile(const HttpRequest& request, std::shared_ptr<const OpenFile> file) {
  ByteRange range;
  const std::uint64_t size = file->version().size;
  const HttpStatus status = evaluate(request, file->version(), range);
  file_ = std::move(file);
  switch (status) {
    case HttpStatus::ok:
      beginAnswer(status) << file_->fieldsOfWhole();
      return sendFile(range);
    case HttpStatus::partialContent:
      beginAnswer(status) << file_->fieldsOfPart() << "Content-Range: bytes " << range.offset << "-"
                          << range.offset + range.size - 1 << "/" << size
                          << "\r\nContent-Length: " << range.size << "\r\n";
      return sendFile(range);
    case HttpStatus::notModified:
      beginAnswer(status) << file_->validators();
      return sendFile({});
    case HttpStatus::rangeNotSatisfiable:
      return fail(status, "Content-Range: bytes */" + std::to_string(size) + "\r\n");
    default:
      return fail(status);
  }
}

void Connection::list(const UniqueFd& directory, std::string_view path) {
  std::string name;
  static_cast<void>(decodePath(path, name));
  std::string page = makeDirectoryIndex(directory, name);
  if (page.empty()) return fail(HttpStatus::forbidden);
  beginAnswer(HttpStatus::ok);
  sendText(std::move(page), html);
}

void Connection::redirect(const RequestTarget& target) {
  const std::string query(target.query);
  fail(HttpStatus::movedPermanently,
       "Location: " + std::string(target.path) + "/" + query + "\r\n");
}

void Connection::fail(HttpStatus status, std::string_view fields) {
  const std::string text(statusText(status));
  beginAnswer(status) << fields;
  sendText("<!DOCTYPE html>\n<title>" + text + "</title>\n<h1>" + text + "</h1>\n", html);
}

// ---- Sending

OutBuffer& Connection::beginAnswer(HttpStatus status) {
  state_ = State::answering;
  status_ = status;
  out_ = service_.buffers.take();
  return *out_ << "HTTP/1.1 " << statusText(status)
               << "\r\nServer: kairos\r\nDate: " << service_.dates.httpDate() << "\r\n";
}

void Connection::endHead() {
  if (!persists_) {
    *out_ << "Connection: close\r\n";
  } else if (isHttp10_) {
    *out_ << "Connection: keep-alive\r\n";
  }
  *out_ << "\r\n";
  headSize_ = out_->size();
  writeFile_.bytes = 0;
  writeFile_.error.clear();
  idle_.touch();
  bytesSeen_ = 0;
}

void Connection::sendText(std::string text, std::string_view type) {
  *out_ << "X-Content-Type-Options: nosniff\r\nContent-Type: " << type
        << "\r\nContent-Length: " << text.size() << "\r\n";
  endHead();
  text_ = std::move(text);
  parts_ = {out_->text(), bodyIsWanted_ ? std::string_view(text_) : std::string_view()};
  send(stream_.write(write_, parts_, onSent, this));
}

// A small body goes out with the head: one call to read and one to write.
void Connection::sendFile(const ByteRange& range) {
  endHead();
  const std::uint64_t wanted = bodyIsWanted_ ? range.size : 0;
  if (wanted <= OutBuffer::bodyBytesMax) {
    const auto size = static_cast<std::size_t>(wanted);
    const std::size_t got = readAll(file_->fd(), range.offset, out_->room().first(size));
    out_->grow(got);
    // It was cut since it was found; what was promised cannot be kept.
    if (got < size) persists_ = false;
    return send(stream_.write(write_, out_->text(), onSent, this));
  }
  if (const auto refused = stream_.write(write_, out_->text(), ignore, this)) return send(refused);
  send(stream_.writeFile(writeFile_, {file_->fd(), range.offset, wanted}, onSent, this));
}

void Connection::send(std::error_code refused) {
  if (refused) end();
}

void Connection::answerWasSent() {
  if (service_.options.logFd >= 0) logAnswer();
  const std::error_code error = write_.error ? write_.error : writeFile_.error;
  service_.buffers.giveBack(std::move(out_));
  file_.reset();
  text_.clear();
  if (error) return end();
  if (!persists_ || service_.isStopping) return linger();
  if (bodyBytes_ > 0) return discardBody();
  readHead();
}

void Connection::logAnswer() {
  if (host_.empty()) host_ = hostOf(peer_);
  const std::uint64_t sent = bytesSent();
  service_.log.add({.host = host_,
                    .date = service_.dates.logDate(),
                    .request = firstLineOf(read_.error ? stream_.peek() : read_.data),
                    .status = static_cast<int>(status_),
                    .bytes = sent > headSize_ ? sent - headSize_ : 0});
}

// ---- Ends

void Connection::discardBody() {
  state_ = State::discarding;
  const auto size = static_cast<std::size_t>(std::exchange(bodyBytes_, 0));
  idle_.touch();
  if (stream_.consume(read_, size, onDiscarded, this)) end();
}

void Connection::bodyWasDiscarded() {
  if (read_.error || read_.atEnd) return end();
  readHead();
}

// To close what has unread bytes would reset it, and the peer might lose the answer.
void Connection::linger() {
  state_ = State::lingering;
  if (service_.linger.watch(linger_, onLingerTime, this)) return end();
  if (stream_.shutdown(write_, ignore, this)) return end();
  if (stream_.consume(read_, lingerBytesMax, onLingered, this)) end();
}

void Connection::stop() {
  persists_ = false;
  const bool isSilent = state_ == State::reading && stream_.peek().empty();
  if (isSilent || state_ == State::discarding) end();
}

// ---- Time limits
//
// One that ends with an error is of a thread that ends: the streams are closed too.

// A body that is slow to go out may go on as long as it moves.
void Connection::isIdle() {
  if (idle_.error) return;
  if (state_ != State::answering) return end();
  const std::uint64_t sent = bytesSent();
  if (std::exchange(bytesSeen_, sent) == sent) return stream_.close();
  if (service_.idle.watch(idle_, onIdle, this)) stream_.close();
}

// Says so to one who has sent a part; the read ends with an error. The time may have been that of
// an earlier head, and this one begun just when it was up.
void Connection::headTimeIsUp() {
  if (head_.error || state_ != State::reading || !isHeadBegun_) return;
  const bool isEarlier = Clock::now() - headBegan_ < service_.options.headTime;
  if (isEarlier && !service_.head.watch(head_, onHeadTime, this)) return;
  isTimeUp_ = !stream_.peek().empty();
  if (!isTimeUp_ || !stream_.cancel(read_)) end();
}

void Connection::lingerTimeIsUp() {
  if (!linger_.error) end();
}

}  // namespace kairos::examples
