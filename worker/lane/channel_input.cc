#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/data/row_codec.h"
#include "worker/lane/input.h"

namespace streamml::lane {
namespace {

// Unknown and the end of time stay what they are.
int64_t Later(int64_t time, int64_t lag_us) {
  if (time == data::kMinTime) return time;
  return time > data::kMaxTime - lag_us ? data::kMaxTime : time + lag_us;
}

class ChannelInput final : public Input {
 public:
  ChannelInput(log::Log& log, log::ChannelId channel, std::shared_ptr<const data::Schema> schema,
               int64_t lag_us)
      : log_(log),
        channel_(std::move(channel)),
        schema_(std::move(schema)),
        lag_us_(lag_us),
        builder_(schema_) {
    position_.ordinal = 1;
  }

  const InputPoint& position() const override { return position_; }
  int64_t watermark() const override { return Later(position_.time, lag_us_); }
  std::string name() const override {
    return absl::StrCat(channel_.topic, "[", channel_.partition, "] from lane ", channel_.producer);
  }

  absl::Status Seek(const InputPoint& point) override {
    position_ = point;
    waiting_.reset();
    reader_ = nullptr;
    // Nothing is read of it any more, and what stood there may be truncated.
    if (position_.ended) return absl::OkStatus();
    ASSIGN_OR_RETURN(reader_, log_.OpenChannel(channel_, {position_.ordinal, position_.bytes}));
    return absl::OkStatus();
  }

  bool Await(int attempt) override {
    return !waiting_.has_value() && reader_ != nullptr && reader_->Await(attempt);
  }

  std::optional<log::Backlog> backlog() const override {
    if (position_.ended) return log::Backlog{};
    if (reader_ == nullptr) return std::nullopt;
    std::optional<log::Backlog> backlog = reader_->backlog();
    if (!backlog.has_value() || !waiting_.has_value() || waiting_->num_rows == 0) return backlog;
    backlog->rows += waiting_->num_rows;
    backlog->oldest_us = waiting_->time_us;
    return backlog;
  }

  absl::StatusOr<std::optional<Block>> Read(uint64_t limit) override {
    if (position_.ended) return std::nullopt;
    if (!waiting_.has_value()) {
      if (reader_ == nullptr) {
        ASSIGN_OR_RETURN(reader_, log_.OpenChannel(channel_, {position_.ordinal, position_.bytes}));
      }
      ASSIGN_OR_RETURN(waiting_, reader_->Next());
    }
    if (!waiting_.has_value() || waiting_->next.sequence > limit) return std::nullopt;
    const log::FetchedFrame frame = *std::move(waiting_);
    waiting_.reset();
    return Decode(frame);
  }

 private:
  absl::StatusOr<std::optional<Block>> Decode(const log::FetchedFrame& frame) {
    std::string_view bytes = frame.rows;
    for (uint32_t row = 0; row < frame.num_rows; ++row) {
      RETURN_IF_ERROR(
          Annotate(data::DecodeRow(bytes, *schema_, builder_),
                   absl::StrCat(name(), ", transaction ", frame.sequence, ", row ", row)));
    }
    if (!bytes.empty()) {
      return absl::DataLossError(absl::StrCat(name(), ", transaction ", frame.sequence, ": ",
                                              bytes.size(), " bytes after the last row"));
    }
    Block block;
    block.rows = Shifted(builder_.Finish());
    block.num_records = frame.num_rows;
    block.start = position_;
    position_.ordinal = frame.next.sequence;
    position_.bytes = frame.next.bytes;
    position_.time = frame.watermark;
    position_.ended = frame.watermark == data::kMaxTime;
    block.end = position_;
    block.watermark = watermark();
    return block;
  }

  data::Batch Shifted(data::Batch rows) const {
    if (lag_us_ == 0 || rows.num_rows() == 0) return rows;
    auto origins = std::make_shared<std::vector<data::Origin>>(rows.origins());
    for (data::Origin& origin : *origins) origin.time = Later(origin.time, lag_us_);
    return {rows.shared_schema(), rows.columns(), std::move(origins)};
  }

  log::Log& log_;
  const log::ChannelId channel_;
  const std::shared_ptr<const data::Schema> schema_;
  const int64_t lag_us_;
  data::BatchBuilder builder_;
  InputPoint position_;
  std::unique_ptr<log::ChannelReader> reader_;
  std::optional<log::FetchedFrame> waiting_;  // read from the log, beyond the last limit
};

}  // namespace

std::unique_ptr<Input> MakeChannelInput(log::Log& log, log::ChannelId channel,
                                        std::shared_ptr<const data::Schema> schema,
                                        int64_t lag_us) {
  return std::make_unique<ChannelInput>(log, std::move(channel), std::move(schema), lag_us);
}

}  // namespace streamml::lane
