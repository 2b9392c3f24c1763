#include "worker/control/internal/tls.h"

#include <string>
#include <string_view>

#include "base/disk.h"
#include "base/posix_disk.h"
#include "base/status.h"

namespace streamml::control::internal {
namespace {

absl::StatusOr<std::string> ReadPem(Disk& disk, const std::string& path, std::string_view what) {
  const std::string name = absl::StrCat("TLS, ", what, " file '", path, "'");
  if (path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("TLS: the ", what, " file is missing; CA, certificate and key go together"));
  }
  const absl::StatusOr<std::string> text = ReadWhole(disk, path);
  if (!text.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " cannot be read: ", std::string(text.status().message())));
  }
  if (text->find("-----BEGIN ") == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is not in PEM: no '-----BEGIN'"));
  }
  return *text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files) {
  const std::unique_ptr<Disk> disk = MakePosixDisk();
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(*disk, files.ca, "CA"));
  ASSIGN_OR_RETURN(std::string certificate, ReadPem(*disk, files.certificate, "certificate"));
  ASSIGN_OR_RETURN(std::string key, ReadPem(*disk, files.key, "key"));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

}  // namespace streamml::control::internal
