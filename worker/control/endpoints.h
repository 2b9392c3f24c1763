// HTTP for people, probes and Prometheus: GET /healthz, /readyz, /metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/control/worker.h"

namespace streamml::control {

struct Readiness {
  bool ready = false;
  std::string text;  // a line for each thing that is not as it should be, or "ok"
};

// Ready: not ending, not drained, and each lane that is assigned here is run, or followed closely.
// A worker without an assignment is ready: it can be given one.
Readiness ReadinessOf(const fleet::v1::Observation& observation);

// The observation in Prometheus' text format, version 0.0.4. Names begin with streamml_ and end
// with the unit; counters of lanes count from the beginning of the job, also over other workers.
std::string MetricsText(const fleet::v1::Observation& observation);

class Endpoints {
 public:
  // `address`: HOST:PORT, PORT 0: any that is free. INVALID_ARGUMENT when that is no address;
  // UNAVAILABLE when it cannot be listened on. `observe` is called by several threads, and must be
  // callable until the endpoints are gone.
  static absl::StatusOr<std::unique_ptr<Endpoints>> Start(
      const std::string& address, std::function<fleet::v1::Observation()> observe);
  virtual ~Endpoints() = default;
  virtual const std::string& address() const = 0;  // with the port that it got
};

}  // namespace streamml::control
