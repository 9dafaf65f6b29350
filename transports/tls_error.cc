// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cstddef>
#include <new>
#include <string>

#include "kairos/transports/detail/tls_failure.h"

namespace kairos {
namespace {

// One range of numbers each: ours, what is wrong with a certificate (X509_V_ERR_*), and OpenSSL's
// errors, which have the number of a library in their upper bits.
constexpr int certificateErrors = 1000;
constexpr int opensslErrors = 1 << 23;

std::string sentence(const char* begin, const char* reason) {
  return std::string(begin) + ": " + (reason != nullptr ? reason : "unknown reason") + ".";
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "kairos tls"; }

  std::string message(int value) const override {
    if (value == static_cast<int>(TlsError::truncated)) {
      return "The stream ended without the peer's farewell; something may be missing.";
    }
    if (value >= opensslErrors) {
      return sentence("TLS failed", ::ERR_reason_error_string(static_cast<unsigned long>(value)));
    }
    if (value < certificateErrors) return "unknown error " + std::to_string(value);
    return sentence("The peer's certificate is not accepted",
                    ::X509_verify_cert_error_string(value - certificateErrors));
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    if (value == static_cast<int>(TlsError::truncated)) return std::errc::connection_aborted;
    if (value >= opensslErrors) return std::errc::protocol_error;
    if (value >= certificateErrors) return std::errc::permission_denied;
    return {value, *this};
  }
};

// Never destroyed, so that error codes in static objects stay good to the end.
const Category& category() noexcept {
  alignas(Category) static std::byte memory[sizeof(Category)];
  static const Category* const made = new (memory) Category;
  return *made;
}

}  // namespace

std::error_code make_error_code(TlsError error) noexcept {
  return {static_cast<int>(error), category()};
}

// The first is the cause of the others.
std::error_code detail::takeTlsFailure() noexcept {
  const unsigned long first = ::ERR_peek_error();
  ::ERR_clear_error();
  if (first == 0) return std::make_error_code(std::errc::not_enough_memory);
  const int reason = ERR_GET_REASON(first);
  if (ERR_SYSTEM_ERROR(first)) return {reason, std::system_category()};
  if (reason == ERR_R_MALLOC_FAILURE) return std::make_error_code(std::errc::not_enough_memory);
  if (ERR_GET_LIB(first) == ERR_LIB_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return TlsError::truncated;
  }
  return {static_cast<int>(first), category()};
}

// That a certificate is not accepted comes last, after what was found when it was looked at.
std::error_code detail::takeTlsFailure(const SSL* ssl) noexcept {
  const unsigned long last = ::ERR_peek_last_error();
  const bool isRefused =
      ERR_GET_LIB(last) == ERR_LIB_SSL && ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (!isRefused) return takeTlsFailure();
  ::ERR_clear_error();
  return certificateFailure(ssl);
}

std::error_code detail::certificateFailure(const SSL* ssl) noexcept {
  return {certificateErrors + static_cast<int>(::SSL_get_verify_result(ssl)), category()};
}

}  // namespace kairos
