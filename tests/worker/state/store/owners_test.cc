// Several owners of one lane that upload and remove at the same time, in the middle of each other's
// calls, while time passes.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_disk.h"
#include "tests/worker/state/snapshot_model.h"
#include "worker/state/store/folder_store.h"
#include "worker/state/store/internal/collector.h"
#include "worker/state/store/internal/uploader.h"

namespace streamml::state {
namespace {

using support::ManualClock;
using support::ModelDisk;
using support::Random;

constexpr int64_t kGraceUs = 1'000'000;
constexpr uint64_t kNumContents = 150;

std::string NumberedContent(uint64_t number) { return absl::StrCat("content ", number); }

// Lets others act before each call.
class InterruptedStore final : public ObjectStore {
 public:
  InterruptedStore(ObjectStore& real, std::function<void()> interrupt)
      : real_(real), interrupt_(std::move(interrupt)) {}

  absl::Status Put(const std::string& key, const ReadFile& body, PutMode mode) override {
    interrupt_();
    return real_.Put(key, body, mode);
  }
  absl::Status Get(const std::string& key, const ReceiveFunction& receive) override {
    interrupt_();
    return real_.Get(key, receive);
  }
  absl::StatusOr<uint64_t> Size(const std::string& key) override {
    interrupt_();
    return real_.Size(key);
  }
  absl::StatusOr<ObjectPage> List(const std::string& folder, const std::string& from) override {
    interrupt_();
    return real_.List(folder, from);
  }
  absl::Status Delete(const std::string& key) override {
    interrupt_();
    return real_.Delete(key);
  }

 private:
  ObjectStore& real_;
  const std::function<void()> interrupt_;
};

class Owners {
 public:
  explicit Owners(uint64_t seed) : random_(seed) {
    for (uint64_t i = 0; i < kNumContents; ++i) {
      EXPECT_TRUE(WriteWhole(disk_, absl::StrCat("/f", i), NumberedContent(i)).ok());
    }
    for (int i = 0; i < 3; ++i) owners_.push_back(std::make_unique<Owner>(*this));
  }

  void Run(int num_acts) {
    for (int i = 0; i < num_acts; ++i) Act();
  }
  uint64_t num_uploads() const { return num_uploads_; }

  // Each manifest has all its files.
  void Check() {
    LaneStore lane(*real_, "");
    const auto list = lane.Manifests();
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_FALSE(list->manifests.empty());
    EXPECT_LT(list->manifests.size(), num_uploads_) << "none was removed";
    for (const ManifestName& name : list->manifests) {
      const auto manifest = lane.Read(name);
      ASSERT_TRUE(manifest.ok()) << manifest.status();
      for (const StoredFile& file : manifest->files) {
        const auto bytes = GetBytes(*real_, lane.FileKey(file.object), 1000);
        ASSERT_TRUE(bytes.ok()) << name.key.sequence << ": " << bytes.status();
        EXPECT_EQ(Sha256Of(*bytes), file.sha256);
      }
    }
  }

 private:
  struct Owner {
    explicit Owner(Owners& owners)
        : store(*owners.real_, [&owners] { owners.Interrupt(); }),
          lane(store, ""),
          uploader(lane, owners.disk_, owners.clock_, kGraceUs, nullptr),
          collector(lane, owners.clock_, kGraceUs) {}
    InterruptedStore store;
    LaneStore lane;
    Uploader uploader;
    Collector collector;
    Retention retention;
    bool is_busy = false;
  };

  // Time passes: mostly little, sometimes so much that an upload has to begin anew.
  void Interrupt() {
    const int64_t most = random_.OneIn(300) ? 2 * kGraceUs : kGraceUs / 8;
    clock_.Advance(static_cast<int64_t>(random_.Below(static_cast<uint64_t>(most))));
    if (random_.OneIn(4)) Act();
  }

  void Act() {
    Owner& owner = *owners_[random_.Below(owners_.size())];
    if (owner.is_busy) return;
    owner.is_busy = true;
    if (!random_.OneIn(4)) {
      const absl::Status status = owner.collector.Collect(owner.retention);
      EXPECT_TRUE(status.ok()) << status;
    } else {
      Upload(owner);
    }
    owner.is_busy = false;
  }

  void Upload(Owner& owner) {
    LocalSnapshot snapshot{{KeyOf(++sequence_), "", {}}, {}};
    for (uint64_t i = 0; i < kNumContents; ++i) {
      if (random_.OneIn(5)) {
        snapshot.files.push_back(
            {absl::StrCat("f", i), absl::StrCat("/f", i), NumberedContent(i).size(), {i, 0}});
      }
    }
    owner.retention.known.push_back(snapshot.info.key);
    const absl::Status status = owner.uploader.Upload(snapshot);
    EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
    if (status.ok()) ++num_uploads_;
  }

  Random random_;
  ManualClock clock_;
  ModelDisk disk_;
  std::unique_ptr<ObjectStore> real_ = MakeFolderStore(disk_, "/shared");
  std::vector<std::unique_ptr<Owner>> owners_;
  uint64_t sequence_ = 0;
  uint64_t num_uploads_ = 0;
};

// Kills: files named by their content alone; an upload that announces nothing; one that took too
// long and does not notice. The grace time and the order of a look are not caught by it.
TEST(OwnersOfOneLane, LoseNothingOfEachOther) {
  uint64_t num_uploads = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Owners owners(seed);
    owners.Run(80);
    num_uploads += owners.num_uploads();
    owners.Check();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(num_uploads, 40 * 10U);
}

}  // namespace
}  // namespace streamml::state
