// zstd (RFC 8878) by its reference library.
#include "source/compression/zstd.h"

#include <zstd.h>

namespace proxenos::compression {
namespace {

// A level's own window may be far more than a proxy can give to each of its streams; this bounds
// the library's other tables too.
constexpr int kEncoderWindowLog = 19;
// What a coder of HTTP may ask of a decoder (RFC 9659).
constexpr int kDecoderWindowLog = 23;

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(const ZstdSettings& settings)
      : chunk_(settings.chunk), context_(ZSTD_createCCtx()) {
    Set(ZSTD_c_compressionLevel, settings.level);
    Set(ZSTD_c_windowLog, kEncoderWindowLog);
    if (settings.strategy != 0) Set(ZSTD_c_strategy, settings.strategy);
    Set(ZSTD_c_checksumFlag, settings.checksum ? 1 : 0);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  bool Encode(buffer::Buffer& in, Flush flush, buffer::Buffer& out) override {
    if (context_ == nullptr) return false;
    for (; !in.empty(); in.PopFront()) {
      ZSTD_inBuffer piece{in.front().view().data(), in.front().size(), 0};
      while (piece.pos < piece.size) {
        size_t left;
        if (!Step(ZSTD_e_continue, piece, out, &left)) return false;
      }
    }
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    for (size_t left = 1; left > 0;) {
      if (!Step(flush == Flush::kEnd ? ZSTD_e_end : ZSTD_e_flush, nothing, out, &left))
        return false;
    }
    return true;
  }

 private:
  void Set(ZSTD_cParameter parameter, int value) {
    if (context_ != nullptr) ZSTD_CCtx_setParameter(context_, parameter, value);
  }
  // `left`: bytes that the library still holds.
  bool Step(ZSTD_EndDirective directive, ZSTD_inBuffer& in, buffer::Buffer& out, size_t* left) {
    ZSTD_outBuffer room{out.Reserve(chunk_), chunk_, 0};
    *left = ZSTD_compressStream2(context_, &room, &in, directive);
    if (ZSTD_isError(*left)) return false;
    out.Commit(static_cast<uint32_t>(room.pos));
    return true;
  }

  const uint32_t chunk_;
  ZSTD_CCtx* const context_;  // Owned.
};

class ZstdDecoder final : public Decoder {
 public:
  explicit ZstdDecoder(const ZstdDecoding& settings)
      : chunk_(settings.chunk), context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) return;
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kDecoderWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

  Result Decode(buffer::Buffer& in, uint64_t most, buffer::Buffer& out) override {
    if (context_ == nullptr) return Result::kBroken;
    const uint64_t limit = out.size() + most;
    for (; !in.empty(); in.PopFront()) {
      ZSTD_inBuffer piece{in.front().view().data(), in.front().size(), 0};
      bool full = true;
      while (piece.pos < piece.size || full) {
        ZSTD_outBuffer room{out.Reserve(chunk_), chunk_, 0};
        // 0 at the end of a frame; another may follow.
        const size_t hint = ZSTD_decompressStream(context_, &room, &piece);
        if (ZSTD_isError(hint)) return Result::kBroken;
        out.Commit(static_cast<uint32_t>(room.pos));
        if (out.size() > limit) return Result::kTooMuch;
        complete_ = hint == 0;
        full = room.pos == room.size && !complete_;
      }
    }
    return Result::kTaken;
  }
  bool complete() const override { return complete_; }

 private:
  const uint32_t chunk_;
  ZSTD_DCtx* const context_;  // Owned.
  bool complete_ = false;
};

}  // namespace

std::unique_ptr<Encoder> MakeZstdEncoder(const ZstdSettings& settings) {
  return std::make_unique<ZstdEncoder>(settings);
}

std::unique_ptr<Decoder> MakeZstdDecoder(const ZstdDecoding& settings) {
  return std::make_unique<ZstdDecoder>(settings);
}

}  // namespace proxenos::compression
