// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/tls_bio.h"

#include <algorithm>
#include <cstring>

namespace kairos::detail {
namespace {

TlsPipe& pipeOf(BIO* bio) { return *static_cast<TlsPipe*>(::BIO_get_data(bio)); }

int readFrom(BIO* bio, char* into, std::size_t size, std::size_t* taken) {
  TlsPipe& pipe = pipeOf(bio);
  ::BIO_clear_retry_flags(bio);
  *taken = std::min(size, pipe.incoming.size());
  if (*taken == 0) {
    if (!pipe.hasEnded) ::BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(into, pipe.incoming.data(), *taken);
  pipe.incoming.remove_prefix(*taken);
  return 1;
}

// Takes all, or fails for good. Only a handshake may find that there is no room, and then waits
// until what is there is sent: for all else that is seen to before anything is written.
int writeTo(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  TlsOutput& outgoing = pipeOf(bio).outgoing;
  ::BIO_clear_retry_flags(bio);
  if (!outgoing.empty() && !outgoing.hasRoom(size)) ::BIO_set_retry_write(bio);
  *written = outgoing.append({bytes, size}) ? size : 0;
  return *written == size ? 1 : 0;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  const bool isAtEnd = pipeOf(bio).hasEnded && pipeOf(bio).incoming.empty();
  return command == BIO_CTRL_EOF && isAtEnd ? 1 : 0;
}

}  // namespace

// It takes no number of its own from OpenSSL, which has few, and keeps them for the process.
BIO_METHOD* makeTlsBioMethod() noexcept {
  BIO_METHOD* const method = ::BIO_meth_new(BIO_TYPE_SOURCE_SINK, "kairos");
  if (method == nullptr) return nullptr;
  ::BIO_meth_set_read_ex(method, readFrom);
  ::BIO_meth_set_write_ex(method, writeTo);
  ::BIO_meth_set_ctrl(method, control);
  return method;
}

BIO* makeTlsBio(const BIO_METHOD* method, TlsPipe& pipe) noexcept {
  BIO* const bio = ::BIO_new(method);
  if (bio == nullptr) return nullptr;
  ::BIO_set_data(bio, &pipe);
  ::BIO_set_init(bio, 1);
  return bio;
}

}  // namespace kairos::detail
