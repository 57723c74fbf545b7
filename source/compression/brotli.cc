// br (RFC 7932) by Google's library.
#include "source/compression/brotli.h"

#include <brotli/decode.h>
#include <brotli/encode.h>

#include <algorithm>

namespace proxenos::compression {
namespace {

const uint8_t* BytesOf(const buffer::Slice& slice) {
  return reinterpret_cast<const uint8_t*>(slice.view().data());
}

class BrotliEncoder final : public Encoder {
 public:
  explicit BrotliEncoder(const BrotliSettings& settings)
      : chunk_(settings.chunk), state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    Set(BROTLI_PARAM_QUALITY, settings.quality);
    Set(BROTLI_PARAM_MODE, settings.mode);
    Set(BROTLI_PARAM_LGWIN, settings.window_bits);
    // The library keeps a block whole: a larger one than the window costs memory and brings little.
    Set(BROTLI_PARAM_LGBLOCK, std::clamp<uint32_t>(settings.block_bits, BROTLI_MIN_INPUT_BLOCK_BITS,
                                                   std::max<uint32_t>(settings.window_bits, 16)));
    Set(BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING, settings.plain_literals ? 1 : 0);
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }

  bool Encode(buffer::Buffer& in, Flush flush, buffer::Buffer& out) override {
    if (state_ == nullptr) return false;
    for (; !in.empty(); in.PopFront()) {
      next_ = BytesOf(in.front());
      size_ = in.front().size();
      if (!Run(BROTLI_OPERATION_PROCESS, out)) return false;
    }
    return Run(flush == Flush::kEnd ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH, out);
  }

 private:
  void Set(BrotliEncoderParameter parameter, uint32_t value) {
    if (state_ != nullptr) BrotliEncoderSetParameter(state_, parameter, value);
  }
  bool Run(BrotliEncoderOperation operation, buffer::Buffer& out) {
    do {
      size_t room = chunk_;
      uint8_t* at = reinterpret_cast<uint8_t*>(out.Reserve(chunk_));
      if (!BrotliEncoderCompressStream(state_, operation, &size_, &next_, &room, &at, nullptr)) {
        return false;
      }
      out.Commit(chunk_ - static_cast<uint32_t>(room));
    } while (size_ > 0 || BrotliEncoderHasMoreOutput(state_));
    return true;
  }

  const uint32_t chunk_;
  BrotliEncoderState* const state_;  // Owned.
  const uint8_t* next_ = nullptr;    // Of the slice at hand.
  size_t size_ = 0;
};

class BrotliDecoder final : public Decoder {
 public:
  explicit BrotliDecoder(const BrotliDecoding& settings)
      : chunk_(settings.chunk), state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr || !settings.whole_ring) return;
    BrotliDecoderSetParameter(state_, BROTLI_DECODER_PARAM_DISABLE_RING_BUFFER_REALLOCATION, 1);
  }
  ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }

  Result Decode(buffer::Buffer& in, uint64_t most, buffer::Buffer& out) override {
    if (state_ == nullptr) return Result::kBroken;
    const uint64_t limit = out.size() + most;
    for (; !in.empty(); in.PopFront()) {
      const uint8_t* next = BytesOf(in.front());
      size_t size = in.front().size();
      if (complete_ && size > 0) return Result::kBroken;
      BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
      while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
        size_t room = chunk_;
        uint8_t* at = reinterpret_cast<uint8_t*>(out.Reserve(chunk_));
        result = BrotliDecoderDecompressStream(state_, &size, &next, &room, &at, nullptr);
        out.Commit(chunk_ - static_cast<uint32_t>(room));
        if (out.size() > limit) return Result::kTooMuch;
      }
      complete_ = result == BROTLI_DECODER_RESULT_SUCCESS;
      if (result == BROTLI_DECODER_RESULT_ERROR || size > 0) return Result::kBroken;
    }
    return Result::kTaken;
  }
  bool complete() const override { return complete_; }

 private:
  const uint32_t chunk_;
  BrotliDecoderState* const state_;  // Owned.
  bool complete_ = false;
};

}  // namespace

std::unique_ptr<Encoder> MakeBrotliEncoder(const BrotliSettings& settings) {
  return std::make_unique<BrotliEncoder>(settings);
}

std::unique_ptr<Decoder> MakeBrotliDecoder(const BrotliDecoding& settings) {
  return std::make_unique<BrotliDecoder>(settings);
}

}  // namespace proxenos::compression
