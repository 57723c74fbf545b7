// Heads and chunks. Which framing a message gets is chosen here once, from the typed head; the
// fields follow it.
#include "source/http1/encoder.h"

#include "source/base/check.h"
#include "source/http/chars.h"
#include "source/http1/head_writer.h"

namespace proxenos::http1 {
namespace {

using http::Framing;
using http::Header;
using http::HeaderId;
using http::Method;

// More than start lines, framing and connection fields of our own ever take, without the texts of
// varying size.
constexpr uint64_t kFixedBytes = 256;

// What is written about the length of a body.
struct LengthFields {
  Framing::Kind on_wire = Framing::kNone;
  const Header* kept = nullptr;  // The Content-Length field that says the right thing.
  bool write_length = false;     // Our own has to be written, of `length`.
  uint64_t length = 0;
};

// Whether `text` is how `value` is written.
bool IsNumber(absl::string_view text, uint64_t value) {
  if (text.empty() || text.size() > 18 || (text.front() == '0' && text.size() > 1)) return false;
  uint64_t number = 0;
  for (char c : text) {
    if (!http::IsDigit(c)) return false;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number == value;
}

// The body has `length` bytes: a field that says so is kept where it stands.
LengthFields OfLength(Framing::Kind on_wire, uint64_t length, const http::HeaderMap& headers) {
  const Header* field = headers.Find(HeaderId::kContentLength);
  if (field != nullptr && IsNumber(field->value(), length)) {
    return LengthFields{on_wire, field, false, length};
  }
  return LengthFields{on_wire, nullptr, true, length};
}

// A response without body whose Content-Length tells of another one (HEAD, 304).
LengthFields OfAbsentBody(const http::ResponseHead& head) {
  const Header* field = head.headers.Find(HeaderId::kContentLength);
  if (field != nullptr && !field->value().empty()) {
    bool digits = true;
    for (char c : field->value()) digits &= http::IsDigit(c);
    if (digits) return LengthFields{Framing::kNone, field, false, 0};
  }
  const bool known = head.framing.kind == Framing::kLength && head.status != 304;
  return LengthFields{Framing::kNone, nullptr, known, head.framing.length};
}

LengthFields ChooseLength(const http::RequestHead& head) {
  switch (head.framing.kind) {
    case Framing::kLength:
      return OfLength(Framing::kLength, head.framing.length, head.headers);
    case Framing::kChunked:
    case Framing::kUntilClose:
      return LengthFields{Framing::kChunked};
    case Framing::kTunnel:
      if (head.method == Method::kConnect || !head.upgrade.empty()) {
        return LengthFields{Framing::kTunnel};
      }
      break;
    case Framing::kNone:
      break;
  }
  // RFC 9110, 8.6: methods that usually have content say that there is none.
  const bool say_none =
      head.method == Method::kPost || head.method == Method::kPut || head.method == Method::kPatch;
  return LengthFields{Framing::kNone, nullptr, say_none, 0};
}

LengthFields ChooseLength(const http::ResponseHead& head, const ResponseOptions& options) {
  // RFC 9110, 9.3.6: after CONNECT each success is a tunnel, 204 too.
  const bool connected =
      head.framing.kind == Framing::kTunnel && head.status >= 200 && head.status < 300;
  if (head.status == 101 || connected) return LengthFields{Framing::kTunnel};
  if (head.status < 200 || head.status == 204) return LengthFields{Framing::kNone};
  if (options.to_head || head.status == 304) return OfAbsentBody(head);
  switch (head.framing.kind) {
    case Framing::kLength:
      return OfLength(Framing::kLength, head.framing.length, head.headers);
    case Framing::kChunked:
    case Framing::kUntilClose:
      return LengthFields{options.to_http10 ? Framing::kUntilClose : Framing::kChunked};
    case Framing::kTunnel:
    case Framing::kNone:
      break;
  }
  return OfLength(Framing::kNone, 0, head.headers);
}

void WriteLength(const LengthFields& length, HeadWriter& writer) {
  if (length.on_wire == Framing::kChunked) writer.Write("transfer-encoding: chunked\r\n");
  if (!length.write_length) return;
  char digits[20];
  writer.Write("content-length: ");
  writer.Write(HeadWriter::Decimal(length.length, digits));
  writer.Write("\r\n");
}

void WriteUpgrade(absl::string_view protocol, HeadWriter& writer) {
  writer.Write("upgrade: ");
  writer.WriteValue(protocol);
  writer.Write("\r\n");
}

void WriteStatusLine(const http::ResponseHead& head, bool http10, absl::string_view reason,
                     HeadWriter& writer) {
  DCHECK(head.status >= 100 && head.status <= 999);
  if (http10) {
    writer.Write("HTTP/1.0 ");
  } else {
    writer.Write("HTTP/1.1 ");
  }
  const char status[4] = {static_cast<char>('0' + head.status / 100 % 10),
                          static_cast<char>('0' + head.status / 10 % 10),
                          static_cast<char>('0' + head.status % 10), ' '};
  writer.Write(absl::string_view(status, 4));
  writer.WriteValue(reason);
  writer.Write("\r\n");
}

}  // namespace

Framing::Kind EncodeRequestHead(const http::RequestHead& head, buffer::Buffer& out,
                                const RequestOptions& options) {
  const LengthFields length = ChooseLength(head);
  const bool tunnel = length.on_wire == Framing::kTunnel;
  const absl::string_view upgrade = tunnel ? head.upgrade : absl::string_view();
  absl::string_view target = head.method == Method::kConnect ? head.authority : head.path;
  if (target.empty()) target = "/";
  const absl::string_view method = head.method_text.empty() ? "GET" : head.method_text;

  const bool absolute = options.absolute_form && target.front() == '/' && !head.scheme.empty();
  const uint64_t line_bytes =
      method.size() + head.scheme.size() + 3 * (target.size() + 2 * head.authority.size());
  HeadWriter writer(
      out, kFixedBytes + line_bytes + upgrade.size() + HeadWriter::FieldBytes(head.headers));
  writer.WriteMethod(method);
  writer.Write(" ");
  if (absolute) {
    writer.WriteTarget(head.scheme);
    writer.Write("://");
    writer.WriteTarget(head.authority);
  }
  writer.WriteTarget(target);
  writer.Write(" HTTP/1.1\r\nhost: ");
  writer.WriteTarget(head.authority);
  writer.Write("\r\n");
  writer.WriteFields(head.headers, length.kept);
  WriteLength(length, writer);
  if (!upgrade.empty()) {
    writer.Write("connection: upgrade\r\n");
    WriteUpgrade(upgrade, writer);
  } else if (head.te_trailers) {
    // RFC 9110, 10.1.4: TE is for the next hop, and Connection has to say so.
    writer.Write("connection: te\r\nte: trailers\r\n");
  }
  writer.Write("\r\n");
  writer.SpellNames(head.spellings, options.names);
  writer.Finish();
  return length.on_wire;
}

Framing::Kind EncodeResponseHead(const http::ResponseHead& head, const ResponseOptions& options,
                                 buffer::Buffer& out) {
  const LengthFields length = ChooseLength(head, options);
  const absl::string_view reason =
      head.reason.empty() ? http::ReasonPhrase(head.status) : head.reason;
  HeadWriter writer(out, kFixedBytes + reason.size() + head.upgrade.size() +
                             HeadWriter::FieldBytes(head.headers));
  WriteStatusLine(head, options.to_http10, reason, writer);
  writer.WriteFields(head.headers, length.kept);
  WriteLength(length, writer);
  if (head.status == 101) {
    writer.Write("connection: upgrade\r\n");
    WriteUpgrade(head.upgrade, writer);
  } else if (head.status == 426 && !head.upgrade.empty()) {
    // RFC 9110, 15.5.22: says what is wanted; an origin's, which was for us, did not come so far.
    writer.Write(options.close ? "connection: upgrade, close\r\n" : "connection: upgrade\r\n");
    WriteUpgrade(head.upgrade, writer);
  } else if (head.status < 200) {
    // An interim response says nothing of the connection.
  } else if (options.close || length.on_wire == Framing::kUntilClose) {
    writer.Write("connection: close\r\n");
  } else if (options.to_http10) {
    writer.Write("connection: keep-alive\r\n");
  }
  writer.Write("\r\n");
  writer.SpellNames(head.spellings, options.names);
  writer.Finish();
  return length.on_wire;
}

void AppendChunk(buffer::Buffer& from, buffer::Buffer& out) {
  DCHECK(!from.empty());
  char line[20];
  char* p = line + sizeof(line);
  *--p = '\n';
  *--p = '\r';
  uint64_t size = from.size();
  do {
    *--p = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size != 0);
  out.Append(absl::string_view(p, static_cast<size_t>(line + sizeof(line) - p)));
  out.Append(std::move(from));
  out.Append("\r\n");
}

void AppendLastChunk(const http::HeaderMap* trailers, buffer::Buffer& out) {
  if (trailers == nullptr || trailers->empty()) {
    out.Append("0\r\n\r\n");
    return;
  }
  HeadWriter writer(out, kFixedBytes + HeadWriter::FieldBytes(*trailers));
  writer.Write("0\r\n");
  writer.WriteFields(*trailers, nullptr);
  writer.Write("\r\n");
  writer.Finish();
}

}  // namespace proxenos::http1
