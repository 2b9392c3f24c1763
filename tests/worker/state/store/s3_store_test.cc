// S3Store against a real server: s3_store_test.py starts its own, and any other is named by
// S3_ENDPOINT, S3_BUCKET, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Tests of failures need
// S3_CONTROL, the folder in which that server is told what to do wrong.
#include "worker/state/store/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/support/manual_clock.h"
#include "tests/worker/state/store/object_store_laws.h"

namespace streamml::state {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

support::ManualClock& TestClock() {
  static support::ManualClock clock;
  return clock;
}

// Waits cost no time but that of the clock.
S3Options TestOptions() {
  static int number = 0;
  S3Options options;
  options.endpoint = Environment("S3_ENDPOINT");
  options.bucket = Environment("S3_BUCKET");
  options.region = "us-east-1";
  options.prefix = absl::StrCat("test-", ++number, "/");
  options.addressing = S3Options::Addressing::kPath;
  options.credentials = [] {
    return S3Credentials{Environment("AWS_ACCESS_KEY_ID"), Environment("AWS_SECRET_ACCESS_KEY"),
                         ""};
  };
  options.part_bytes = 5 << 20;
  options.stall_us = 1'000'000;
  options.wait = [](int64_t wait_us) {
    TestClock().Advance(wait_us);
    return true;
  };
  return options;
}

std::unique_ptr<ObjectStore> Make(S3Options options) {
  auto store = MakeS3Store(std::move(options), TestClock());
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreLaws,
                         testing::Values(ObjectStoreKind{"Path",
                                                         [] { return Make(TestOptions()); }}),
                         [](const auto& kind) { return kind.param.name; });

std::string Large() {
  std::string bytes;
  while (bytes.size() < (12 << 20)) bytes.append(std::to_string(bytes.size()));
  return bytes;
}

class S3Faults : public testing::Test {
 protected:
  void SetUp() override {
    if (Environment("S3_CONTROL").empty()) GTEST_SKIP() << "the server takes no orders";
  }
  // The next `count` requests of the method fail in this way.
  static void Order(const std::string& method, const std::string& fault, int count) {
    std::ofstream(Environment("S3_CONTROL") + "/fault") << method << " " << fault << " " << count;
  }
  static bool IsDone() { return !std::filesystem::exists(Environment("S3_CONTROL") + "/fault"); }
  static std::string Log() {
    std::ifstream in(Environment("S3_CONTROL") + "/log");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::unique_ptr<ObjectStore> store_ = Make(TestOptions());
};

TEST(S3Store, LargeObjectIsSentInParts) {
  const auto store = Make(TestOptions());
  const std::string large = Large();
  for (const PutMode mode : {PutMode::kReplace, PutMode::kIfNew}) {
    const absl::Status status = PutBytes(*store, "a/large", large, mode);
    ASSERT_TRUE(status.ok()) << status;
  }
  const auto read = GetBytes(*store, "a/large", large.size());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == large);
  EXPECT_EQ(*store->Size("a/large"), large.size());
}

TEST(S3Store, WrongKeyIsPermissionDeniedAndNoMessageHoldsIt) {
  S3Options options = TestOptions();
  options.credentials = [] {
    return S3Credentials{Environment("AWS_ACCESS_KEY_ID"), "wrong-and-secret", ""};
  };
  const auto store = Make(options);
  for (const absl::Status& status :
       {PutBytes(*store, "a/k", "x", PutMode::kReplace), GetBytes(*store, "a/k", 9).status(),
        store->List("a/", "").status(), store->Delete("a/k")}) {
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("wrong-and-secret")));
  }
}

TEST(S3Store, BucketThatIsMissingIsNotAMissingObject) {
  S3Options options = TestOptions();
  options.bucket = "no-such-bucket";
  const auto store = Make(options);
  EXPECT_TRUE(absl::IsInvalidArgument(store->List("a/", "").status()))
      << store->List("a/", "").status();
  EXPECT_TRUE(absl::IsInvalidArgument(GetBytes(*store, "a/k", 9).status()))
      << GetBytes(*store, "a/k", 9).status();
}

TEST(S3Store, ServerThatIsAwayIsUnavailableAfterBoundedTime) {
  S3Options options = TestOptions();
  options.endpoint = "http://127.0.0.1:1";
  const int64_t begin_us = TestClock().MonotonicMicroseconds();
  const absl::Status status = Make(options)->List("a/", "").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_LE(TestClock().MonotonicMicroseconds() - begin_us, options.patience_us);
}

TEST(S3Store, StopEndsWaiting) {
  S3Options options = TestOptions();
  options.endpoint = "http://127.0.0.1:1";
  options.wait = [](int64_t) { return false; };
  EXPECT_TRUE(absl::IsCancelled(Make(options)->List("a/", "").status()));
}

TEST_F(S3Faults, VirtualHostAddressesWorkToo) {
  S3Options options = TestOptions();
  options.addressing = S3Options::Addressing::kVirtualHost;
  options.endpoint = Environment("S3_ENDPOINT_BY_NAME");
  const auto store = Make(options);
  const absl::Status status = PutBytes(*store, "a/k=1", "x", PutMode::kReplace);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(*ListAll(*store, "a/"), testing::ElementsAre("a/k=1"));
}

TEST_F(S3Faults, WhatMayPassIsTriedAgain) {
  for (const char* fault : {"503", "500", "429", "cut", "lost", "stall"}) {
    SCOPED_TRACE(fault);
    const std::string key = absl::StrCat("a/", fault);
    Order("PUT", fault, 2);
    const absl::Status status = PutBytes(*store_, key, "content", PutMode::kIfNew);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(IsDone());
    Order("GET", fault, 2);
    const auto read = GetBytes(*store_, key, 100);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, "content");
    EXPECT_TRUE(IsDone());
  }
}

TEST_F(S3Faults, FailureThatStaysIsUnavailable) {
  Order("PUT", "503", 1000);
  const absl::Status status = PutBytes(*store_, "a/k", "content", PutMode::kReplace);
  Order("NONE", "503", 0);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("SlowDown"));
}

TEST_F(S3Faults, GetThatIsCutOffGoesOnWhereItWas) {
  const std::string large = Large();
  ASSERT_TRUE(PutBytes(*store_, "a/k", large, PutMode::kReplace).ok());
  Order("GET", "cut", 3);
  const auto read = GetBytes(*store_, "a/k", large.size());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == large);
  EXPECT_THAT(Log(), HasSubstr("bytes="));
}

TEST_F(S3Faults, CorruptedContentIsDataLoss) {
  ASSERT_TRUE(PutBytes(*store_, "a/k", "content", PutMode::kReplace).ok());
  Order("GET", "corrupt", 1);
  EXPECT_TRUE(absl::IsDataLoss(GetBytes(*store_, "a/k", 100).status()));
  EXPECT_EQ(*GetBytes(*store_, "a/k", 100), "content");
}

TEST_F(S3Faults, FailedUploadInPartsIsTakenBack) {
  Order("PUT", "403", 1);
  const absl::Status status = PutBytes(*store_, "a/k", Large(), PutMode::kReplace);
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_TRUE(absl::IsNotFound(store_->Size("a/k").status()));
  EXPECT_THAT(Log(), testing::ContainsRegex("DELETE [^\n]*uploadId="));
  Order("POST", "inside", 1);  // status 200 with an error for a body
  EXPECT_TRUE(PutBytes(*store_, "a/k", Large(), PutMode::kReplace).ok());
}

TEST_F(S3Faults, ServerWithoutConditionsIsAskedFirst) {
  Order("PUT", "501", 1);
  EXPECT_TRUE(PutBytes(*store_, "a/k", "x", PutMode::kIfNew).ok());
  Order("PUT", "501", 1);
  EXPECT_TRUE(absl::IsAlreadyExists(PutBytes(*store_, "a/k", "y", PutMode::kIfNew)));
}

}  // namespace
}  // namespace streamml::state
