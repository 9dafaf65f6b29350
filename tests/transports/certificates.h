// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_CERTIFICATES_H_
#define KAIROS_TESTS_TRANSPORTS_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>

namespace kairos {

// A certificate with those that belong to it, and its key, in PEM.
struct Identity {
  std::string chain;
  std::string key;
};

struct CertificateRequest {
  std::string subject = "server.test";
  std::string names = "DNS:server.test";  // as in OpenSSL's configuration; empty: none
  std::string rawName = {};               // of a host, instead of names: whatever bytes
  std::string purpose = "serverAuth";     // empty: any
  // From now.
  std::chrono::seconds begin = -std::chrono::hours(1);
  std::chrono::seconds end = std::chrono::hours(1);
};

// Issues certificates for tests, with keys of its own making (P-256). Nothing is written to disk.
class CertificateAuthority {
 public:
  // Signed by itself.
  explicit CertificateAuthority(const std::string& name = "Kairos test root");

  const std::string& pem() const { return pem_; }
  Identity issue(const CertificateRequest& request = {}) const;
  // One that this one vouches for, and whose certificate its own are sent with.
  CertificateAuthority issueAuthority(const std::string& name) const;
  // As if a server's certificate could vouch for others.
  static CertificateAuthority fromLeaf(const CertificateAuthority& issuer);

  static Identity selfSigned(const CertificateRequest& request = {});

 private:
  struct Free {
    void operator()(X509* certificate) const { ::X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  };
  using Certificate = std::unique_ptr<X509, Free>;
  using Key = std::unique_ptr<EVP_PKEY, Free>;

  CertificateAuthority(Certificate certificate, Key key, bool isRoot);

  static Key makeKey();
  static Certificate make(const CertificateRequest& request, EVP_PKEY* key, X509* issuer,
                          EVP_PKEY* issuersKey, bool isAuthority);
  static std::string toPem(X509* certificate);
  static std::string toPem(EVP_PKEY* key);

  Certificate certificate_;
  Key key_;
  std::string pem_;
  bool isRoot_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_CERTIFICATES_H_
