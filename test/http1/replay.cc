// Cutting, moving and offering again.
#include "test/http1/replay.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "test/http1/recorder.h"

namespace proxenos::http1 {
namespace {

// What a connection keeps between reads.
class Inbox {
 public:
  Inbox(absl::string_view input, bool move) : input_(input), move_(move) {
    if (!move_) all_ = buffer::Slice::Copy(input);
  }

  bool exhausted() const { return offered_ == input_.size(); }

  // Appends the next `n` bytes to what was kept.
  void Offer(uint32_t n) {
    const size_t part = std::min<size_t>(n, input_.size() - offered_);
    const uint32_t kept_size = bytes.size();
    if (move_) {
      buffer::Slice grown = buffer::Slice::WithCapacity(kept_size + static_cast<uint32_t>(part));
      if (kept_size > 0) std::memcpy(grown.data(), bytes.data(), kept_size);
      if (part > 0) std::memcpy(grown.data() + kept_size, input_.data() + offered_, part);
      grown.Grow(kept_size + static_cast<uint32_t>(part));
      bytes = std::move(grown);
      offered_ += part;
    } else {
      offered_ += part;
      bytes = all_.Sub(static_cast<uint32_t>(offered_) - kept_size - static_cast<uint32_t>(part),
                       kept_size + static_cast<uint32_t>(part));
    }
  }

  buffer::Slice bytes;

 private:
  const absl::string_view input_;
  const bool move_;
  size_t offered_ = 0;
  buffer::Slice all_;
};

std::string ErrorText(http::CodecError error) {
  const absl::string_view detail = http::Detail(error);
  const size_t dot = detail.rfind('.');
  return absl::StrCat("error ", detail.substr(dot == absl::string_view::npos ? 0 : dot + 1));
}

// `before_message` runs whenever the decoder stands between messages.
template <typename Decoder, typename BeforeMessage>
std::string Replay(absl::string_view input, const Cut& cut, Decoder& decoder,
                   Transcript& transcript, BeforeMessage before_message) {
  Inbox inbox(input, cut.move);
  for (size_t piece = 0; !inbox.exhausted(); ++piece) {
    inbox.Offer(cut.sizes[std::min(piece, cut.sizes.size() - 1)]);
    DecodeResult result = DecodeResult::kMessageComplete;
    while (result == DecodeResult::kMessageComplete) {
      before_message();
      result = decoder.Decode(inbox.bytes);
      if (inbox.bytes.empty()) break;
    }
    if (result == DecodeResult::kError) {
      CHECK(decoder.Decode(inbox.bytes) == DecodeResult::kError);
      transcript.Line(ErrorText(decoder.error()));
      return transcript.Take();
    }
  }
  before_message();
  const bool in_message = decoder.InMessage();
  switch (decoder.OnEof()) {
    case DecodeResult::kNeedMore:
      CHECK(!in_message);
      break;
    case DecodeResult::kMessageComplete:
      transcript.Line("at eof");
      break;
    case DecodeResult::kError:
      transcript.Line(absl::StrCat("eof ", ErrorText(decoder.error())));
  }
  return transcript.Take();
}

}  // namespace

Cut Cut::Random(uint32_t seed, uint32_t max_piece) {
  std::minstd_rand random(seed + 1);
  Cut cut;
  cut.sizes.clear();
  for (int i = 0; i < 64; ++i) cut.sizes.push_back(1 + random() % max_piece);
  cut.move = random() % 2 == 0;
  return cut;
}

std::string ReplayRequests(absl::string_view input, const RequestDecoderOptions& options,
                           const Cut& cut, http::NameStyle names) {
  RequestRecorder recorder;
  recorder.names = names;
  RequestDecoder decoder(options, recorder);
  return Replay(input, cut, decoder, recorder.transcript, [] {});
}

std::string ReplayResponses(absl::string_view input, const ResponseDecoderOptions& options,
                            const std::vector<Expectation>& expected, const Cut& cut,
                            http::NameStyle names) {
  ResponseRecorder recorder;
  recorder.names = names;
  ResponseDecoder decoder(options, recorder);
  size_t next = 0;
  return Replay(input, cut, decoder, recorder.transcript, [&] {
    if (decoder.Expecting() || next == expected.size()) return;
    decoder.Expect(expected[next].method, expected[next].upgrade);
    ++next;
  });
}

}  // namespace proxenos::http1
