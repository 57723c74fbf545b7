// Four letters to three bytes and back, across slices.
#include "source/filters/http/grpc_web/base64_stream.h"

#include <array>
#include <utility>

namespace proxenos::filters::grpc_web {
namespace {

constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kBad = 0xff;

constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  for (uint8_t& value : values) value = kBad;
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kLetters[i])] = i;
  return values;
}();

uint8_t ValueOf(char letter) { return kValues[static_cast<uint8_t>(letter)]; }

// Collects output so that a piece becomes few slices.
class Block {
 public:
  explicit Block(buffer::Buffer& out) : out_(out) {}
  void Put(char byte) {
    if (size_ == sizeof(bytes_)) Flush();
    bytes_[size_++] = byte;
  }
  void Flush() {
    out_.Append(absl::string_view(bytes_, size_));
    size_ = 0;
  }

 private:
  buffer::Buffer& out_;
  char bytes_[4096];
  size_t size_ = 0;
};

// How many bytes four letters stand for; 0 when they stand for none.
int DecodeFour(const char* letters, char* bytes) {
  const bool one_byte = letters[2] == '=' && letters[3] == '=';
  const bool two_bytes = !one_byte && letters[3] == '=';
  const uint8_t a = ValueOf(letters[0]);
  const uint8_t b = ValueOf(letters[1]);
  const uint8_t c = one_byte ? 0 : ValueOf(letters[2]);
  const uint8_t d = one_byte || two_bytes ? 0 : ValueOf(letters[3]);
  if (a == kBad || b == kBad || c == kBad || d == kBad) return 0;
  bytes[0] = static_cast<char>(a << 2 | b >> 4);
  bytes[1] = static_cast<char>(b << 4 | c >> 2);
  bytes[2] = static_cast<char>(c << 6 | d);
  return one_byte ? 1 : two_bytes ? 2 : 3;
}

}  // namespace

bool Base64Decoder::Decode(buffer::Buffer& body) {
  buffer::Buffer out;
  Block block(out);
  while (!body.empty()) {
    const buffer::Slice slice = body.PopFront();
    for (const char letter : slice.view()) {
      letters_[count_++] = letter;
      if (count_ < 4) continue;
      count_ = 0;
      char bytes[3];
      const int n = DecodeFour(letters_, bytes);
      if (n == 0) return false;
      for (int i = 0; i < n; ++i) block.Put(bytes[i]);
    }
  }
  block.Flush();
  body = std::move(out);
  return true;
}

void Base64Encoder::Encode(buffer::Buffer& body, bool flush) {
  buffer::Buffer out;
  Block block(out);
  const auto put_letters = [&block, this] {
    const uint32_t bits =
        static_cast<uint32_t>(bytes_[0]) << 16 | static_cast<uint32_t>(bytes_[1]) << 8 | bytes_[2];
    for (int i = 0; i < 4; ++i) {
      const bool padding = i > count_;
      block.Put(padding ? '=' : kLetters[bits >> (18 - 6 * i) & 63]);
    }
    count_ = 0;
    bytes_[0] = bytes_[1] = bytes_[2] = 0;
  };
  while (!body.empty()) {
    const buffer::Slice slice = body.PopFront();
    for (const char byte : slice.view()) {
      bytes_[count_++] = static_cast<uint8_t>(byte);
      if (count_ == 3) put_letters();
    }
  }
  if (flush && count_ > 0) put_letters();
  block.Flush();
  body = std::move(out);
}

}  // namespace proxenos::filters::grpc_web
