// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_SETTINGS_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_SETTINGS_H_

#include <openssl/ssl.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace kairos::detail {

// What a TlsContext is, behind its header: OpenSSL's SSL_CTX, and what it calls back for. Shared by
// the context and the streams made with it, on any thread.
class TlsSettings {
 public:
  // Protocols as the wire has them, each after its length (RFC 7301).
  static constexpr std::size_t protocolsBytesMax = 255;

  // nullptr: no memory. Has one user.
  static TlsSettings* make(bool isServer) noexcept;
  void addUser() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
  void removeUser() noexcept;

  SSL_CTX* context() const noexcept { return context_; }
  const BIO_METHOD* method() const noexcept { return method_; }
  bool isServer() const noexcept { return isServer_; }

  // False: an empty name, none at all, or more than protocolsBytesMax.
  bool setProtocols(std::span<const std::string_view> names) noexcept;
  // False: OpenSSL says why.
  bool offerProtocols() noexcept;

  bool trustsOnlyGiven() const noexcept { return trustsOnlyGiven_; }
  void setTrustsOnlyGiven() noexcept { trustsOnlyGiven_ = true; }

 private:
  explicit TlsSettings(bool isServer) noexcept;
  ~TlsSettings();

  bool isComplete() const noexcept { return context_ != nullptr && method_ != nullptr; }
  void setDefaults() noexcept;
  static int chooseProtocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosenSize,
                            const unsigned char* offered, unsigned offeredSize, void* self);

  SSL_CTX* context_;
  BIO_METHOD* method_;
  std::atomic<unsigned> users_{1};
  bool isServer_;
  bool trustsOnlyGiven_ = false;
  std::array<unsigned char, protocolsBytesMax> protocols_;
  std::size_t protocolsSize_ = 0;
};

// A user of settings, or of none.
class TlsSettingsUser {
 public:
  TlsSettingsUser() noexcept = default;
  explicit TlsSettingsUser(TlsSettings* made) noexcept : settings_(made) {}
  TlsSettingsUser(const TlsSettingsUser& other) noexcept : settings_(other.settings_) {
    if (settings_ != nullptr) settings_->addUser();
  }
  TlsSettingsUser(TlsSettingsUser&& other) noexcept
      : settings_(std::exchange(other.settings_, nullptr)) {}
  TlsSettingsUser& operator=(TlsSettingsUser other) noexcept {
    std::swap(settings_, other.settings_);
    return *this;
  }
  ~TlsSettingsUser() {
    if (settings_ != nullptr) settings_->removeUser();
  }

  TlsSettings* get() const noexcept { return settings_; }
  TlsSettings* operator->() const noexcept { return settings_; }

 private:
  TlsSettings* settings_ = nullptr;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_SETTINGS_H_
