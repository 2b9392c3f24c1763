#include "tests/sim/world.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "job/manifest/bind.h"
#include "job/manifest/manifest.h"

namespace streamml::sim {
namespace {

class MemorySource final : public connectors::ByteSource {
 public:
  MemorySource(std::string path, const std::string& bytes)
      : path_(std::move(path)), bytes_(bytes) {}
  const std::string& path() const override { return path_; }
  uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, char* out, size_t capacity) override {
    const size_t size = std::min<size_t>(capacity, bytes_.size() - position);
    std::memcpy(out, bytes_.data() + position, size);
    return size;
  }

 private:
  std::string path_;
  const std::string& bytes_;
};

constexpr int64_t kStart = 1'772'323'200'000;  // ms; any day will do
// Event times lie on a coarse grid, so that rows of one time come apart and stand exactly at the
// watermark.
constexpr int64_t kGridMs = 500;

// One record: mostly good; sometimes late, malformed, of a wrong type, or without a value.
std::string Record(support::Random& random, int64_t time_ms, uint64_t number) {
  if (random.OneIn(60)) return "{\"id\": oops";
  if (random.OneIn(60)) return R"({"id":"x","card":"c1","amount":"12","at":1,"fraud":true})";
  if (random.OneIn(25)) time_ms -= static_cast<int64_t>(random.Below(30)) * kGridMs;
  const std::string amount = random.OneIn(20) ? "null" : absl::StrCat(random.Below(90'000), ".25");
  const bool fraud = random.OneIn(4);
  const uint64_t card = random.Below(7);
  const uint64_t divisor = random.Below(40);
  return absl::StrCat("{\"id\":\"p", number, "\",\"card\":\"c", card, "\",\"amount\":", amount,
                      ",\"divisor\":", divisor, ",\"at\":", time_ms,
                      ",\"fraud\":", fraud ? "true}" : "false}");
}

// Shape of the job.
struct Shape {
  uint32_t lanes = 1;
  uint32_t partitions = 1;
  std::string learner;
  std::string train;
  std::string emit;
};

std::string Manifest(const Shape& shape) {
  return absl::StrCat(R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: sim}
spec:
  log: {partitions: )",
                      shape.partitions, R"(}
  sources:
  - name: payments
    topic: payments
    format: json
    columns:
    - {name: id, type: text}
    - {name: card, type: text}
    - {name: amount, type: double precision}
    - {name: divisor, type: bigint}
    - {name: at, type: timestamp, unit: ms}
    - {name: fraud, type: boolean}
    watermark: {column: at, delay: 5s}
  views:
  - name: features
    emit: )",
                      shape.emit, R"(
    sql: |
      SELECT id, card, at, amount, 100 / divisor AS share, fraud, count(*) OVER w AS recent, sum(amount) OVER w AS total
      FROM payments WHERE amount IS NULL OR amount < 80000
      WINDOW w AS (PARTITION BY card ORDER BY at RANGE INTERVAL '20 seconds' PRECEDING)
  models:
  - name: risk
    score: features
    train: {from: features, label: fraud, )",
                      shape.train, R"(}
    features: {numeric: [amount, recent, total], scale: standard, categorical: [{columns: [card]}], hashBits: 6}
    learner: )",
                      shape.learner, R"(
    metrics: [logloss, accuracy]
  sinks:
  - {name: scores, from: risk}
  - {name: windows, sql: "SELECT id, card, recent, total FROM features WHERE recent > 1"}
  workers: {lanes: )",
                      shape.lanes, "}\n");
}

}  // namespace

void World::MakeFiles(support::Random& random, uint64_t num_rows) {
  const uint64_t num_files = 1 + random.Below(3);
  uint64_t number = 0;
  for (uint64_t file = 0; file < num_files; ++file) {
    std::string& content = files_[absl::StrCat("payments-", file, ".jsonl")];
    // Files start apart, so that lanes must hold rows of one until another has caught up.
    int64_t time = kStart + static_cast<int64_t>(random.Below(120)) * kGridMs;
    const uint64_t rows = num_rows / num_files + 1 + random.Below(40);
    for (uint64_t row = 0; row < rows; ++row) {
      if (!random.OneIn(3))
        time += static_cast<int64_t>(random.Below(4)) * kGridMs;  // else the same time
      absl::StrAppend(&content, Record(random, time, number++), "\n");
    }
    num_records_ += rows;
    if (random.OneIn(3)) content += "\n\n \n";  // blank lines are no records
    if (random.OneIn(4)) content.pop_back();    // nor must the last line end
  }
  if (random.OneIn(8)) files_["payments-empty.jsonl"] = "";
}

absl::StatusOr<std::unique_ptr<World>> World::Make(uint64_t seed, const WorldOptions& options) {
  std::unique_ptr<World> world(new World);
  support::Random random(seed * 2);
  world->MakeFiles(random, options.num_rows);
  Shape shape;
  shape.lanes = static_cast<uint32_t>(1 + random.Below(3));
  if (options.num_lanes > 0) shape.lanes = options.num_lanes;
  shape.partitions = static_cast<uint32_t>(2 + random.Below(4));
  shape.learner = random.OneIn(2) ? "{name: ftrl, parameters: {alpha: 0.1}}"
                                  : "{name: sgd, parameters: {learningRate: 0.05}}";
  const uint64_t block_records = 1 + random.Below(30);
  // Mostly in event time, so that scores do not depend on who was faster.
  const bool apart = !random.OneIn(2);
  const bool as_rows_come = random.OneIn(4);
  world->in_event_order_ = !(as_rows_come && options.any_order);
  shape.emit = world->in_event_order_ || random.OneIn(4) ? "watermark" : "arrival";
  const bool asap = !world->in_event_order_ && (apart || shape.emit == "watermark");
  shape.train =
      asap    ? "mode: async, adopt: {policy: asap, every: 1s}"
      : apart ? absl::StrCat("mode: async, adopt: {policy: eventTime, every: ", 1 + random.Below(4),
                             "s, lag: ", 1 + random.Below(6), "s}")
              : "mode: inline";
  world->manifest_ = Manifest(shape);
  ASSIGN_OR_RETURN(const manifest::Manifest manifest,
                   manifest::Parse(world->manifest_, "sim.yaml"));
  plan::FileAccess access;
  const World* const made = world.get();
  access.list = [made](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> paths;
    for (const auto& [path, content] : made->files_) paths.push_back(path);
    return paths;
  };
  access.open =
      [made](const std::string& path,
             std::optional<uint64_t>) -> absl::StatusOr<std::unique_ptr<connectors::ByteSource>> {
    return std::make_unique<MemorySource>(path, made->files_.at(path));
  };
  access.block_records = block_records;
  ASSIGN_OR_RETURN(world->plan_, plan::MakePlan(manifest, {{"payments", {"payments"}}}, access));
  return world;
}

}  // namespace streamml::sim
