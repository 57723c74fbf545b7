// Canonical paths, query parameters, ports of authorities.
#include "source/http/path.h"

#include <array>
#include <cstring>

#include "source/http/percent.h"

namespace proxenos::http {
namespace {

// What a byte of a path may mean for the canonical form.
enum ByteClass : uint8_t {
  kPlain = 0,
  kSlash = 1,
  kPercent = 2,
  kBackslash = 4,
  kEncode = 8,  // No URI may have it (RFC 3986, section 2).
  kQuery = 16,
  kFragment = 32,
};

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < 256; ++c) {
    if (c <= 0x20 || c >= 0x7f) classes[c] = kEncode;
  }
  for (const char c : {'"', '<', '>', '`', '{', '}'}) {
    classes[static_cast<unsigned char>(c)] = kEncode;
  }
  classes['/'] = kSlash;
  classes['%'] = kPercent;
  classes['\\'] = kBackslash;
  classes['?'] = kQuery;
  classes['#'] = kFragment;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

// The number behind the colon at `colon`, or -1.
int PortNumber(absl::string_view authority, size_t colon) {
  const absl::string_view digits = authority.substr(colon + 1);
  uint32_t port = 0;
  if (digits.empty() || digits.size() > 5) return -1;
  for (const char c : digits) {
    if (c < '0' || c > '9') return -1;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  return port <= 65535 ? static_cast<int>(port) : -1;
}

// One scan: where the query starts, and what there is to do before it.
struct Survey {
  size_t path_size;
  uint8_t classes = 0;  // All ByteClass bits seen in the path.
  bool double_slash = false;
  bool slash_dot = false;  // A segment starts with a dot: maybe a dot segment.
};

Survey Look(absl::string_view text) {
  Survey survey{text.size()};
  uint8_t before = kPlain;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t is = kClasses[static_cast<unsigned char>(text[i])];
    if (is == kPlain) {
      if (before != kPlain && text[i] == '.') survey.slash_dot = true;
    } else {
      if (is == kQuery) {
        survey.path_size = i;
        break;
      }
      if (is == kSlash && before == kSlash) survey.double_slash = true;
      survey.classes |= is;
    }
    before = is;
  }
  return survey;
}

// Writes the canonical path in steps, each of which only shrinks or keeps the text but for
// encoding, which at most triples it: `out` has room for that.
class PathWriter {
 public:
  PathWriter(absl::string_view path, buffer::Arena& arena, size_t room)
      : out_(static_cast<char*>(arena.Allocate(room))), size_(path.size()) {
    std::memcpy(out_, path.data(), path.size());
  }

  // %2F and %5C as what they stand for. Returns whether there were any.
  bool UnescapeSlashes() {
    size_t to = 0;
    for (size_t from = 0; from < size_; ++to) {
      const int byte = EscapedByte(view(), from);
      const bool slash = byte == '/' || byte == '\\';
      out_[to] = slash ? static_cast<char>(byte) : out_[from];
      from += slash ? 3 : 1;
    }
    const bool any = to != size_;
    size_ = to;
    return any;
  }

  // Every byte in its one spelling. False: a triplet that is none, or NUL.
  bool NormalizeBytes(absl::string_view path) {
    size_t to = 0;
    const auto put_triplet = [&](unsigned char byte) {
      to = static_cast<size_t>(WriteEscape(out_ + to, static_cast<char>(byte)) - out_);
    };
    for (size_t from = 0; from < path.size(); ++from) {
      const unsigned char c = static_cast<unsigned char>(path[from]);
      switch (kClasses[c]) {
        case kPercent: {
          const int byte = EscapedByte(path, from);
          if (byte <= 0) return false;
          from += 2;
          if (IsUnreserved(static_cast<char>(byte))) {
            out_[to++] = static_cast<char>(byte);
          } else {
            put_triplet(static_cast<unsigned char>(byte));
          }
          break;
        }
        case kBackslash:
          out_[to++] = '/';
          break;
        case kEncode:
          if (c == 0) return false;
          put_triplet(c);
          break;
        default:
          out_[to++] = static_cast<char>(c);
      }
    }
    size_ = to;
    return true;
  }

  // RFC 3986, section 5.2.4. The path starts with a slash, and so does what is left of it.
  void RemoveDotSegments() {
    size_t to = 0;
    size_t from = 0;
    while (from < size_) {
      size_t end = from + 1;  // out_[from] is the slash before a segment.
      while (end < size_ && out_[end] != '/') ++end;
      // Parameters behind a semicolon do not make it another segment (RFC 3986, section 3.3): there
      // are origins that go up a folder for "..;x" as they do for "..".
      absl::string_view segment(out_ + from + 1, end - from - 1);
      segment = segment.substr(0, segment.find(';'));
      const bool last = end == size_;
      if (segment == "." || segment == "..") {
        if (segment == "..") {
          while (to > 0 && out_[--to] != '/') {
          }
        }
        if (last) out_[to++] = '/';
      } else {
        std::memmove(out_ + to, out_ + from, end - from);
        to += end - from;
      }
      from = end;
    }
    size_ = to;
  }

  void MergeSlashes() {
    size_t to = 0;
    for (size_t from = 0; from < size_; ++from) {
      if (out_[from] == '/' && to > 0 && out_[to - 1] == '/') continue;
      out_[to++] = out_[from];
    }
    size_ = to;
  }

  void Append(absl::string_view text) {
    std::memcpy(out_ + size_, text.data(), text.size());
    size_ += text.size();
  }

  absl::string_view view() const { return absl::string_view(out_, size_); }

 private:
  char* const out_;
  size_t size_;
};

}  // namespace

PathResult NormalizePath(absl::string_view path, const PathOptions& options, buffer::Arena& arena) {
  PathResult result{PathVerdict::kKeep, path};
  if (path.empty() || path.front() != '/') return result;
  const Survey survey = Look(path);
  const bool fragment =
      (survey.classes & kFragment) != 0 ||
      (survey.path_size < path.size() &&
       std::memchr(path.data() + survey.path_size, '#', path.size() - survey.path_size) != nullptr);
  const bool escapes =
      (survey.classes & kPercent) != 0 && options.escaped_slashes != EscapedSlashes::kKeep;
  const bool normalize =
      options.normalize &&
      ((survey.classes & (kPercent | kBackslash | kEncode)) != 0 || survey.slash_dot);
  const bool merge = options.merge_slashes && survey.double_slash;
  if (fragment) {
    result.verdict = PathVerdict::kReject;
    return result;
  }
  if (!escapes && !normalize && !merge) return result;

  const absl::string_view before = path.substr(0, survey.path_size);
  const absl::string_view query = path.substr(survey.path_size);
  PathWriter unescaped(before, arena, path.size());
  const bool had_escapes = escapes && unescaped.UnescapeSlashes();
  if (had_escapes && options.escaped_slashes == EscapedSlashes::kReject) {
    result.verdict = PathVerdict::kReject;
    return result;
  }
  PathWriter writer(unescaped.view(), arena, 3 * before.size() + query.size());
  if (options.normalize) {
    if (!writer.NormalizeBytes(unescaped.view())) {
      result.verdict = PathVerdict::kReject;
      return result;
    }
    writer.RemoveDotSegments();
  }
  if (options.merge_slashes) writer.MergeSlashes();
  writer.Append(query);
  if (writer.view() == path) return result;
  result.path = writer.view();
  result.verdict = had_escapes && options.escaped_slashes == EscapedSlashes::kUnescapeAndRedirect
                       ? PathVerdict::kRedirect
                       : PathVerdict::kChanged;
  return result;
}

absl::string_view WithoutQuery(absl::string_view path) {
  path = path.substr(0, path.find('?'));
  return path.substr(0, path.find('#'));
}

absl::string_view QueryOf(absl::string_view path) {
  const size_t question = path.find('?');
  if (question == absl::string_view::npos) return absl::string_view();
  const size_t fragment = path.find('#');
  if (fragment < question) return absl::string_view();
  return path.substr(question + 1,
                     fragment == absl::string_view::npos ? fragment : fragment - question - 1);
}

bool FindQueryParameter(absl::string_view path, absl::string_view name, absl::string_view* value) {
  absl::string_view rest = QueryOf(path);
  while (!rest.empty()) {
    const absl::string_view pair = rest.substr(0, rest.find('&'));
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      *value = equals == absl::string_view::npos ? absl::string_view() : pair.substr(equals + 1);
      return true;
    }
    rest.remove_prefix(pair.size() == rest.size() ? pair.size() : pair.size() + 1);
  }
  return false;
}

size_t PortStart(absl::string_view authority) {
  const size_t colon = authority.rfind(':');
  if (colon == absl::string_view::npos) return colon;
  // A colon before the "]" is part of an IPv6 address (RFC 3986, section 3.2.2).
  const size_t bracket = authority.rfind(']');
  return bracket != absl::string_view::npos && bracket > colon ? absl::string_view::npos : colon;
}

absl::string_view StripPort(absl::string_view authority) {
  const size_t colon = PortStart(authority);
  if (colon == absl::string_view::npos || PortNumber(authority, colon) < 0) return authority;
  return authority.substr(0, colon);
}

absl::string_view StripPort(absl::string_view authority, uint16_t only_this) {
  const size_t colon = PortStart(authority);
  if (colon == absl::string_view::npos || PortNumber(authority, colon) != only_this) {
    return authority;
  }
  return authority.substr(0, colon);
}

absl::string_view StripTrailingDot(absl::string_view authority, buffer::Arena& arena) {
  const size_t colon = PortStart(authority);
  const absl::string_view host = authority.substr(0, colon);
  if (host.empty() || host.back() != '.') return authority;
  const absl::string_view bare = host.substr(0, host.size() - 1);
  if (colon == absl::string_view::npos) return bare;
  const absl::string_view port = authority.substr(colon);
  char* joined = static_cast<char*>(arena.Allocate(bare.size() + port.size()));
  std::memcpy(joined, bare.data(), bare.size());
  std::memcpy(joined + bare.size(), port.data(), port.size());
  return absl::string_view(joined, bare.size() + port.size());
}

}  // namespace proxenos::http
