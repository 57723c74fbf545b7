// gzip (RFC 1952) by zlib.
#include "source/compression/gzip.h"

#include <zlib.h>

namespace proxenos::compression {
namespace {

constexpr int kGzipWrapper = 16;  // Added to window bits: gzip's header and sum, not zlib's.

Bytef* BytesOf(const buffer::Slice& slice) {
  // zlib reads it only; its interface is older than const.
  return reinterpret_cast<Bytef*>(const_cast<char*>(slice.view().data()));
}

class GzipEncoder final : public Encoder {
 public:
  explicit GzipEncoder(const GzipSettings& settings) : chunk_(settings.chunk) {
    ready_ = deflateInit2(&stream_, settings.level, Z_DEFLATED, settings.window_bits + kGzipWrapper,
                          settings.memory_level, settings.strategy) == Z_OK;
  }
  ~GzipEncoder() override {
    if (ready_) deflateEnd(&stream_);
  }

  bool Encode(buffer::Buffer& in, Flush flush, buffer::Buffer& out) override {
    if (!ready_) return false;
    for (; !in.empty(); in.PopFront()) {
      stream_.next_in = BytesOf(in.front());
      stream_.avail_in = in.front().size();
      if (!Run(Z_NO_FLUSH, out)) return false;
    }
    return Run(flush == Flush::kEnd ? Z_FINISH : Z_SYNC_FLUSH, out);
  }

 private:
  bool Run(int flush, buffer::Buffer& out) {
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out.Reserve(chunk_));
      stream_.avail_out = chunk_;
      // Z_BUF_ERROR says that there was nothing to do.
      if (deflate(&stream_, flush) == Z_STREAM_ERROR) return false;
      out.Commit(chunk_ - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return true;
  }

  const uint32_t chunk_;
  z_stream stream_ = {};
  bool ready_ = false;
};

class GzipDecoder final : public Decoder {
 public:
  explicit GzipDecoder(const GzipDecoding& settings) : chunk_(settings.chunk) {
    ready_ = inflateInit2(&stream_, settings.window_bits + kGzipWrapper) == Z_OK;
  }
  ~GzipDecoder() override {
    if (ready_) inflateEnd(&stream_);
  }

  Result Decode(buffer::Buffer& in, uint64_t most, buffer::Buffer& out) override {
    if (!ready_) return Result::kBroken;
    const uint64_t limit = out.size() + most;
    for (; !in.empty(); in.PopFront()) {
      stream_.next_in = BytesOf(in.front());
      stream_.avail_in = in.front().size();
      const Result result = Run(limit, out);
      if (result != Result::kTaken) return result;
    }
    return Result::kTaken;
  }
  bool complete() const override { return complete_; }

 private:
  // What the library has of a slice.
  Result Run(uint64_t limit, buffer::Buffer& out) {
    do {
      // Another member may follow (RFC 1952, section 2.2).
      if (complete_ && stream_.avail_in > 0) {
        if (inflateReset(&stream_) != Z_OK) return Result::kBroken;
        complete_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(out.Reserve(chunk_));
      stream_.avail_out = chunk_;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      out.Commit(chunk_ - stream_.avail_out);
      if (out.size() > limit) return Result::kTooMuch;
      complete_ = complete_ || result == Z_STREAM_END;
      if (result == Z_BUF_ERROR) break;  // Nothing is left to be done.
      if (result != Z_OK && result != Z_STREAM_END) return Result::kBroken;
    } while (stream_.avail_in > 0 || (stream_.avail_out == 0 && !complete_));
    return Result::kTaken;
  }

  const uint32_t chunk_;
  z_stream stream_ = {};
  bool ready_ = false;
  bool complete_ = false;  // At the end of a member.
};

}  // namespace

std::unique_ptr<Encoder> MakeGzipEncoder(const GzipSettings& settings) {
  return std::make_unique<GzipEncoder>(settings);
}

std::unique_ptr<Decoder> MakeGzipDecoder(const GzipDecoding& settings) {
  return std::make_unique<GzipDecoder>(settings);
}

}  // namespace proxenos::compression
