// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <limits>
#include <memory>
#include <utility>

#include "kairos/transports/detail/tls_failure.h"
#include "kairos/transports/detail/tls_settings.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using detail::takeTlsFailure;

struct Free {
  void operator()(BIO* bio) const noexcept { ::BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { ::X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { ::EVP_PKEY_free(key); }
  void operator()(STACK_OF(X509) * all) const noexcept { sk_X509_pop_free(all, ::X509_free); }
  void operator()(X509_STORE* store) const noexcept { ::X509_STORE_free(store); }
  void operator()(STACK_OF(X509_NAME) * all) const noexcept {
    sk_X509_NAME_pop_free(all, ::X509_NAME_free);
  }
};

using Text = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Certificates = std::unique_ptr<STACK_OF(X509), Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Store = std::unique_ptr<X509_STORE, Free>;
using Names = std::unique_ptr<STACK_OF(X509_NAME), Free>;

// Otherwise OpenSSL would ask at the terminal.
int noPassword(char*, int, int, void*) { return 0; }

Text textOf(std::string_view pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return nullptr;
  return Text(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Text textOfFile(const char* file) {
  return Text(file != nullptr ? ::BIO_new_file(file, "r") : nullptr);
}

Certificate readCertificate(BIO* text) {
  return Certificate(::PEM_read_bio_X509(text, nullptr, noPassword, nullptr));
}

// After the last certificate in a text: whether it ended well.
bool isAtEnd() {
  const unsigned long error = ::ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// Takes each certificate, of which there must be one at least.
template <class Take>
std::error_code forEachCertificate(BIO* text, Take take) {
  bool isFirst = true;
  while (const Certificate certificate = readCertificate(text)) {
    if (!take(certificate.get(), isFirst)) return takeTlsFailure();
    isFirst = false;
  }
  if (isFirst || !isAtEnd()) return takeTlsFailure();
  ::ERR_clear_error();
  return {};
}

// All of it, or nothing.
std::error_code use(SSL_CTX* context, const Text& chain, const Text& key) {
  if (!chain || !key) return takeTlsFailure();
  const Certificates all(sk_X509_new_null());
  if (!all) return takeTlsFailure();
  const auto add = [&all](X509* certificate, bool) {
    const bool isAdded = sk_X509_push(all.get(), certificate) > 0;
    if (isAdded) ::X509_up_ref(certificate);
    return isAdded;
  };
  if (const auto error = forEachCertificate(chain.get(), add)) return error;
  const Key secret(::PEM_read_bio_PrivateKey(key.get(), nullptr, noPassword, nullptr));
  if (!secret) return takeTlsFailure();
  const Certificate own(sk_X509_shift(all.get()));
  const bool isUsed =
      ::SSL_CTX_use_cert_and_key(context, own.get(), secret.get(), all.get(), 1) == 1;
  return isUsed ? std::error_code() : takeTlsFailure();
}

bool copyObject(X509_STORE* store, X509_OBJECT* object) {
  if (X509* const certificate = ::X509_OBJECT_get0_X509(object)) {
    return ::X509_STORE_add_cert(store, certificate) == 1;
  }
  X509_CRL* const list = ::X509_OBJECT_get0_X509_CRL(object);
  return list == nullptr || ::X509_STORE_add_crl(store, list) == 1;
}

// With what was given before, if there is any. nullptr: no memory.
Store storeOf(const detail::TlsSettings& settings) {
  Store made(::X509_STORE_new());
  if (!made || !settings.trustsOnlyGiven()) return made;
  X509_STORE* const before = ::SSL_CTX_get_cert_store(settings.context());
  const auto* const objects = ::X509_STORE_get0_objects(before);
  bool isCopied = ::X509_STORE_set1_param(made.get(), ::X509_STORE_get0_param(before)) == 1;
  for (int i = 0; isCopied && i < sk_X509_OBJECT_num(objects); ++i) {
    isCopied = copyObject(made.get(), sk_X509_OBJECT_value(objects, i));
  }
  return isCopied ? std::move(made) : nullptr;
}

// Of those whose certificates would do, which clients are told. nullptr: no memory.
Names clientNamesOf(const detail::TlsSettings& settings) {
  const auto* const before = ::SSL_CTX_get_client_CA_list(settings.context());
  return Names(before != nullptr ? ::SSL_dup_CA_list(before) : sk_X509_NAME_new_null());
}

bool addName(STACK_OF(X509_NAME) * names, const X509* certificate) {
  X509_NAME* const name = ::X509_NAME_dup(::X509_get_subject_name(certificate));
  if (name != nullptr && sk_X509_NAME_push(names, name) > 0) return true;
  ::X509_NAME_free(name);
  return false;
}

// All of it, or nothing: what OpenSSL has is replaced by what has been read whole.
std::error_code trustOnly(detail::TlsSettings& settings, const Text& roots) {
  if (!roots) return takeTlsFailure();
  Store store = storeOf(settings);
  Names names = clientNamesOf(settings);
  if (!store || !names) return takeTlsFailure();
  const auto add = [&](X509* certificate, bool) {
    return addName(names.get(), certificate) &&
           ::X509_STORE_add_cert(store.get(), certificate) == 1;
  };
  if (const auto error = forEachCertificate(roots.get(), add)) return error;
  ::SSL_CTX_set_cert_store(settings.context(), store.release());
  if (settings.isServer()) ::SSL_CTX_set_client_CA_list(settings.context(), names.release());
  settings.setTrustsOnlyGiven();
  return {};
}

}  // namespace

TlsContext::~TlsContext() {
  if (settings_ != nullptr) settings_->removeUser();
}

TlsContext::TlsContext(TlsContext&& other) noexcept
    : settings_(std::exchange(other.settings_, nullptr)) {}

TlsContext& TlsContext::operator=(TlsContext&& other) noexcept {
  TlsContext moved(std::move(other));
  std::swap(settings_, moved.settings_);
  return *this;
}

std::error_code TlsContext::make(bool isServer, TlsContext& result) noexcept {
  TlsContext made;
  made.settings_ = detail::TlsSettings::make(isServer);
  if (made.settings_ == nullptr) return takeTlsFailure();
  if (!isServer && ::SSL_CTX_set_default_verify_paths(made.native()) != 1) return takeTlsFailure();
  result = std::move(made);
  return {};
}

std::error_code TlsContext::makeClient(TlsContext& result) noexcept { return make(false, result); }

std::error_code TlsContext::makeServer(TlsContext& result) noexcept { return make(true, result); }

std::error_code TlsContext::useCertificate(std::string_view chainPem,
                                           std::string_view keyPem) noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  ::ERR_clear_error();
  return use(native(), textOf(chainPem), textOf(keyPem));
}

std::error_code TlsContext::useCertificateFiles(const char* chainFile,
                                                const char* keyFile) noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  ::ERR_clear_error();
  const Text chain = textOfFile(chainFile);
  return use(native(), chain, chain ? textOfFile(keyFile) : nullptr);
}

std::error_code TlsContext::trust(std::string_view rootsPem) noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  ::ERR_clear_error();
  return trustOnly(*settings_, textOf(rootsPem));
}

std::error_code TlsContext::trustFile(const char* file) noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  ::ERR_clear_error();
  return trustOnly(*settings_, textOfFile(file));
}

std::error_code TlsContext::verifyClients(int mode) noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  if (!settings_->isServer()) return std::make_error_code(std::errc::invalid_argument);
  ::SSL_CTX_set_verify(native(), mode, nullptr);
  return {};
}

std::error_code TlsContext::requireClientCertificates() noexcept {
  return verifyClients(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

std::error_code TlsContext::acceptClientCertificates() noexcept {
  return verifyClients(SSL_VERIFY_PEER);
}

std::error_code TlsContext::setProtocols(std::span<const std::string_view> names) noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  ::ERR_clear_error();
  if (!settings_->setProtocols(names)) return std::make_error_code(std::errc::invalid_argument);
  return settings_->offerProtocols() ? std::error_code() : takeTlsFailure();
}

std::error_code TlsContext::insecurelyTrustAnybody() noexcept {
  if (settings_ == nullptr) return TransportError::notConnected;
  if (settings_->isServer()) return std::make_error_code(std::errc::invalid_argument);
  ::SSL_CTX_set_verify(native(), SSL_VERIFY_NONE, nullptr);
  return {};
}

ssl_ctx_st* TlsContext::native() const noexcept {
  return settings_ != nullptr ? settings_->context() : nullptr;
}

}  // namespace kairos
