// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/tls_host.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "kairos/transports/detail/tls_failure.h"

namespace kairos::detail {
namespace {

// Names in the subject are of the past (RFC 9525), and so is a star with letters beside it.
constexpr unsigned checkFlags =
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

bool isInName(char letter) { return letter > ' ' && letter < '\x7f'; }

}  // namespace

// To OpenSSL, a name that begins with a dot would stand for all names that end so.
bool TlsHost::assign(std::string_view host) noexcept {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > nameBytesMax || host.front() == '.') return false;
  if (!std::all_of(host.begin(), host.end(), isInName)) return false;
  *std::copy(host.begin(), host.end(), text_.begin()) = '\0';
  return true;
}

std::error_code expectHost(SSL* ssl, const char* host) noexcept {
  if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host) == 1) return {};
  ::ERR_clear_error();
  ::SSL_set_hostflags(ssl, checkFlags);
  const bool isSet = ::SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
  return isSet ? std::error_code() : takeTlsFailure();
}

bool isOfHost(const SSL_SESSION* session, const char* host) noexcept {
  // Only to look at.
  X509* const certificate = ::SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  if (certificate == nullptr) return false;
  return ::X509_check_ip_asc(certificate, host, 0) == 1 ||
         ::X509_check_host(certificate, host, 0, checkFlags, nullptr) == 1;
}

}  // namespace kairos::detail
