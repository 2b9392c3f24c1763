// TLS for gRPC from files.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "worker/control/server.h"

namespace streamml::control::internal {

// A server that asks its callers for a certificate of the CA. INVALID_ARGUMENT names the flag and
// the file.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files);

}  // namespace streamml::control::internal
