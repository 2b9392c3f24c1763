#include "worker/connectors/byte_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/worker/connectors/source_fixture.h"

namespace streamml::connectors {
namespace {

using ::testing::HasSubstr;

std::string Sample() {
  std::string text;
  for (int line = 0; line < 3000; ++line) text += "line " + std::to_string(line * line) + "\n";
  return text;
}

absl::StatusOr<std::string> Read(std::string raw, size_t capacity = 1000) {
  auto stream = OpenByteStream(std::make_unique<MemorySource>(std::move(raw)));
  if (!stream.ok()) return stream.status();
  return ReadAll(**stream, capacity);
}

TEST(ByteStreamTest, GzipOfOneOrMoreMembersEqualsPlain) {
  const std::string text = Sample();
  const std::string split =
      Gzip(text.substr(0, 1000)) + Gzip("") + Gzip(text.substr(1000)) + std::string(512, '\0');
  for (const size_t capacity : {1, 7, 4096, 1 << 20}) {
    EXPECT_EQ(*Read(text, capacity), text);
    EXPECT_EQ(*Read(Gzip(text), capacity), text);
    EXPECT_EQ(*Read(split, capacity), text);
  }
  EXPECT_EQ(*Read(""), "");
  EXPECT_EQ(*Read(Gzip("")), "");
}

TEST(ByteStreamTest, SkippingGoesToTheSameByteInPlainAndGzip) {
  const std::string text = Sample();
  for (const std::string& raw : {text, Gzip(text.substr(0, 5000)) + Gzip(text.substr(5000))}) {
    for (const uint64_t position : {size_t{0}, size_t{1}, size_t{5000}, text.size()}) {
      auto stream = *OpenByteStream(std::make_unique<MemorySource>(raw));
      ASSERT_TRUE(stream->Skip(position).ok());
      EXPECT_EQ(*ReadAll(*stream, 4096), text.substr(position));
    }
    auto stream = *OpenByteStream(std::make_unique<MemorySource>(raw));
    EXPECT_EQ(stream->Skip(text.size() + 1).code(), absl::StatusCode::kDataLoss);
  }
}

TEST(ByteStreamTest, EveryTruncationOfAGzipFileIsDataLoss) {
  const std::string raw = Gzip(Sample().substr(0, 500));
  for (size_t size = 2; size < raw.size(); ++size) {
    EXPECT_EQ(Read(raw.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_THAT(Read(raw.substr(0, raw.size() - 3)).status().message(),
              HasSubstr("gzip file 'events': the file is cut off at compressed byte " +
                        std::to_string(raw.size() - 3) +
                        " (uncompressed byte 500); give the whole file, and "
                        "another --data-dir"));
}

TEST(ByteStreamTest, AFlippedBitOrForeignBytesBehindAreDataLoss) {
  const std::string text = Sample();
  const std::string raw = Gzip(text);
  for (size_t position = 10; position < raw.size(); position += 97) {
    std::string flipped = raw;
    flipped[position] ^= 0x10;
    EXPECT_EQ(Read(flipped).status().code(), absl::StatusCode::kDataLoss) << position;
  }
  EXPECT_THAT(Read(raw + "more").status().message(),
              HasSubstr("something that is not gzip follows"));
}

TEST(ByteStreamTest, OtherCompressionsAreRefusedByName) {
  EXPECT_THAT(Read("\x28\xB5\x2F\xFD....").status().message(), HasSubstr("compressed with zstd"));
  EXPECT_THAT(Read("BZh9....").status().message(), HasSubstr("compressed with bzip2"));
  EXPECT_THAT(Read(std::string("\xFD"
                               "7zXZ\0..",
                               8))
                  .status()
                  .message(),
              HasSubstr("compressed with xz"));
}

class FileTest : public ::testing::Test {
 protected:
  void Write(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }

  const std::string path_ = ::testing::TempDir() + "byte_stream_test.jsonl";
};

TEST_F(FileTest, AFileIsReadWithTheSizeItHadWhenItWasOpened) {
  Write("one\n");
  auto file = *OpenFile(path_);
  std::ofstream(path_, std::ios::app) << "two\n";
  EXPECT_EQ(file->size(), 4U);
  EXPECT_EQ(*ReadAll(**OpenByteStream(std::move(file)), 100), "one\n");
  EXPECT_EQ((*OpenFile(path_))->size(), 8U);
  EXPECT_EQ((*OpenFile(path_, 4))->size(), 4U);
}

TEST_F(FileTest, AFileThatShrinksIsDataLossWithThePosition) {
  Write("0123456789");
  EXPECT_EQ(OpenFile(path_, 11).status().code(), absl::StatusCode::kDataLoss);
  auto file = *OpenFile(path_);
  ASSERT_EQ(truncate(path_.c_str(), 4), 0);
  char out[10];
  const auto read = file->ReadAt(0, out, sizeof out);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(read.status().message(), HasSubstr("shrank: it had 10 bytes and now ends at byte 4"));
}

TEST_F(FileTest, WhatCannotBeReadIsRefusedByName) {
  const auto missing = OpenFile(path_ + ".missing").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr(path_ + ".missing"));
  EXPECT_THAT(OpenFile(::testing::TempDir()).status().message(), HasSubstr("is a directory"));
  EXPECT_THAT(OpenFile("/dev/null").status().message(), HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace streamml::connectors
