// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/tls_settings.h"

#include <openssl/err.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <new>

#include "kairos/transports/detail/tls_bio.h"

namespace kairos::detail {

TlsSettings* TlsSettings::make(bool isServer) noexcept {
  ::ERR_clear_error();
  auto* const made = new (std::nothrow) TlsSettings(isServer);
  if (made == nullptr || made->isComplete()) return made;
  made->removeUser();
  return nullptr;
}

TlsSettings::TlsSettings(bool isServer) noexcept
    : context_(::SSL_CTX_new(isServer ? ::TLS_server_method() : ::TLS_client_method())),
      method_(makeTlsBioMethod()),
      isServer_(isServer) {
  if (context_ != nullptr) setDefaults();
}

TlsSettings::~TlsSettings() {
  ::SSL_CTX_free(context_);
  ::BIO_meth_free(method_);
}

void TlsSettings::removeUser() noexcept {
  if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// A server's sessions are in the tickets that it gives to its clients, so none are kept here.
void TlsSettings::setDefaults() noexcept {
  ::SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  ::SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  if (isServer_) {
    const unsigned char scope[] = "kairos";  // sessions with client certificates must have one
    ::SSL_CTX_set_session_id_context(context_, scope, sizeof scope - 1);
    ::SSL_CTX_set_purpose(context_, X509_PURPOSE_SSL_CLIENT);
    ::SSL_CTX_set_options(context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
    return;
  }
  ::SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  ::SSL_CTX_set_purpose(context_, X509_PURPOSE_SSL_SERVER);
}

bool TlsSettings::setProtocols(std::span<const std::string_view> names) noexcept {
  std::size_t size = 0;
  for (const std::string_view name : names) {
    if (name.empty() || name.size() >= protocolsBytesMax - size) return false;
    size += 1 + name.size();
  }
  if (size == 0) return false;
  protocolsSize_ = 0;
  for (const std::string_view name : names) {
    protocols_[protocolsSize_++] = static_cast<unsigned char>(name.size());
    std::memcpy(protocols_.data() + protocolsSize_, name.data(), name.size());
    protocolsSize_ += name.size();
  }
  return true;
}

bool TlsSettings::offerProtocols() noexcept {
  if (isServer_) {
    ::SSL_CTX_set_alpn_select_cb(context_, chooseProtocol, this);
    return true;
  }
  // This one returns zero when it has succeeded.
  return ::SSL_CTX_set_alpn_protos(context_, protocols_.data(),
                                   static_cast<unsigned>(protocolsSize_)) == 0;
}

// RFC 7301 section 3.2: the server's order decides, and nothing in common is a fatal error.
int TlsSettings::chooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosenSize,
                                const unsigned char* offered, unsigned offeredSize, void* self) {
  const auto& settings = *static_cast<const TlsSettings*>(self);
  // OpenSSL wants it writable, and does not write to it.
  auto** const place = const_cast<unsigned char**>(chosen);
  const int result =
      ::SSL_select_next_proto(place, chosenSize, settings.protocols_.data(),
                              static_cast<unsigned>(settings.protocolsSize_), offered, offeredSize);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace kairos::detail
