// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <utility>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/file.h"
#include "kairos/bench/transports/servers/kairos_server.h"
#include "kairos/bench/transports/servers/services.h"
#include "kairos/transports/stream_operation.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::bench {
namespace {

int file = -1;

class FileSession {
 public:
  explicit FileSession(StreamTransport stream) : stream_(std::move(stream)) {}

  void read() { check(!stream_.readExactly(read_, request_, onRead, this), "readExactly"); }

 private:
  static void onRead(void* udata) { static_cast<FileSession*>(udata)->send(); }
  static void onWritten(void* udata) { static_cast<FileSession*>(udata)->goOn(); }

  void send() {
    if (read_.error) return delete this;
    const FileRange whole{.file = file, .offset = 0, .size = fileBytes};
    check(!stream_.writeFile(write_, whole, onWritten, this), "writeFile");
  }

  void goOn() {
    if (write_.error) return delete this;
    read();
  }

  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
  std::array<char, 1> request_;
};

}  // namespace

void fileKairos(int listener) {
  file = openFile();
  serveByKairos<FileSession>(listener);
}

}  // namespace kairos::bench
