// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/transports/certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <stdexcept>
#include <utility>

namespace kairos {
namespace {

void check(bool works) {
  if (!works) throw std::runtime_error("OpenSSL does not make a certificate");
}

void addExtension(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = ::X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  check(extension != nullptr && ::X509_add_ext(certificate, extension, -1) == 1);
  ::X509_EXTENSION_free(extension);
}

// As the only name, since it is one extension for all.
void addRawName(X509* certificate, const std::string& name) {
  GENERAL_NAMES* const names = sk_GENERAL_NAME_new_null();
  GENERAL_NAME* const made = ::GENERAL_NAME_new();
  ASN1_IA5STRING* const bytes = ::ASN1_IA5STRING_new();
  check(names != nullptr && made != nullptr && bytes != nullptr);
  check(::ASN1_STRING_set(bytes, name.data(), static_cast<int>(name.size())) == 1);
  ::GENERAL_NAME_set0_value(made, GEN_DNS, bytes);
  check(sk_GENERAL_NAME_push(names, made) == 1);
  check(::X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
  ::GENERAL_NAMES_free(names);
}

template <class Write>
std::string writePem(Write write) {
  BIO* const text = ::BIO_new(::BIO_s_mem());
  check(text != nullptr && write(text) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  ::BIO_free(text);
  return pem;
}

}  // namespace

CertificateAuthority::Key CertificateAuthority::makeKey() {
  Key key(EVP_EC_gen("P-256"));
  check(key != nullptr);
  return key;
}

CertificateAuthority::Certificate CertificateAuthority::make(const CertificateRequest& request,
                                                             EVP_PKEY* key, X509* issuer,
                                                             EVP_PKEY* issuersKey,
                                                             bool isAuthority) {
  Certificate made(::X509_new());
  X509* const certificate = made.get();
  std::uint64_t serial = 0;
  check(::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), 7) == 1);
  check(::X509_set_version(certificate, 2) == 1 &&
        ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(certificate), serial) == 1 &&
        ::X509_gmtime_adj(::X509_getm_notBefore(certificate), request.begin.count()) != nullptr &&
        ::X509_gmtime_adj(::X509_getm_notAfter(certificate), request.end.count()) != nullptr &&
        ::X509_set_pubkey(certificate, key) == 1);
  X509_NAME* const name = ::X509_get_subject_name(certificate);
  const auto* const subject = reinterpret_cast<const unsigned char*>(request.subject.c_str());
  check(::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, subject, -1, -1, 0) == 1);
  if (issuer == nullptr) issuer = certificate;
  check(::X509_set_issuer_name(certificate, ::X509_get_subject_name(issuer)) == 1);
  addExtension(certificate, issuer, NID_basic_constraints,
               isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  addExtension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (isAuthority) addExtension(certificate, issuer, NID_key_usage, "critical,keyCertSign");
  if (!request.names.empty()) {
    addExtension(certificate, issuer, NID_subject_alt_name, request.names);
  }
  if (!request.rawName.empty()) addRawName(certificate, request.rawName);
  if (!request.purpose.empty()) {
    addExtension(certificate, issuer, NID_ext_key_usage, request.purpose);
  }
  check(::X509_sign(certificate, issuersKey, ::EVP_sha256()) > 0);
  return made;
}

std::string CertificateAuthority::toPem(X509* certificate) {
  return writePem([=](BIO* text) { return ::PEM_write_bio_X509(text, certificate); });
}

std::string CertificateAuthority::toPem(EVP_PKEY* key) {
  return writePem([=](BIO* text) {
    return ::PEM_write_bio_PrivateKey(text, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

CertificateAuthority::CertificateAuthority(Certificate certificate, Key key, bool isRoot)
    : certificate_(std::move(certificate)),
      key_(std::move(key)),
      pem_(toPem(certificate_.get())),
      isRoot_(isRoot) {}

CertificateAuthority::CertificateAuthority(const std::string& name)
    : key_(makeKey()), isRoot_(true) {
  const CertificateRequest request{.subject = name, .names = "", .purpose = ""};
  certificate_ = make(request, key_.get(), nullptr, key_.get(), true);
  pem_ = toPem(certificate_.get());
}

Identity CertificateAuthority::issue(const CertificateRequest& request) const {
  const Key key = makeKey();
  const auto made = make(request, key.get(), certificate_.get(), key_.get(), false);
  return {toPem(made.get()) + (isRoot_ ? "" : pem_), toPem(key.get())};
}

CertificateAuthority CertificateAuthority::issueAuthority(const std::string& name) const {
  Key key = makeKey();
  const CertificateRequest request{.subject = name, .names = "", .purpose = ""};
  auto made = make(request, key.get(), certificate_.get(), key_.get(), true);
  return {std::move(made), std::move(key), false};
}

CertificateAuthority CertificateAuthority::fromLeaf(const CertificateAuthority& issuer) {
  Key key = makeKey();
  auto made =
      make({.subject = "leaf"}, key.get(), issuer.certificate_.get(), issuer.key_.get(), false);
  return {std::move(made), std::move(key), false};
}

Identity CertificateAuthority::selfSigned(const CertificateRequest& request) {
  const Key key = makeKey();
  const auto made = make(request, key.get(), nullptr, key.get(), false);
  return {toPem(made.get()), toPem(key.get())};
}

}  // namespace kairos
