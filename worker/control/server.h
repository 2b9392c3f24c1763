// A worker's gRPC service, Fleet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/control/worker.h"

namespace streamml::control {

// Files in PEM. All three, or none: then the connection is plain.
struct TlsFiles {
  std::string ca;           // who signs the peers' certificates
  std::string certificate;  // ours, with its chain
  std::string key;
  bool given() const { return !ca.empty() || !certificate.empty() || !key.empty(); }
};

struct ServerOptions {
  // HOST:PORT, PORT 0: any that is free; or unix:PATH, a socket that only its folder protects.
  std::string address;
  TlsFiles tls;
  // Serve without TLS also where others than this machine can connect.
  bool allow_plaintext = false;
};

// What is this machine's own: a unix socket, or a loopback address by number or as localhost.
bool IsLocal(const std::string& address);

class FleetServer {
 public:
  // INVALID_ARGUMENT for an address without TLS that is not local and not allowed, files that are
  // missing or no PEM, some of the three only; UNAVAILABLE when the address cannot be listened on.
  // The worker must outlive the server.
  static absl::StatusOr<std::unique_ptr<FleetServer>> Start(const ServerOptions& options,
                                                            Worker& worker);
  virtual ~FleetServer() = default;  // as Shutdown()
  // The address with the port that it got.
  virtual const std::string& address() const = 0;
  // Takes no more calls and waits for those under way, at most so long; then they are cancelled.
  virtual void Shutdown(int64_t patience_us) = 0;
};

}  // namespace streamml::control
