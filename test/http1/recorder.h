// Recorders: visitors that turn what a decoder says into text, one line an event, so that a test or
// a fuzz target can compare whole conversations. Parts of a body that follow each other are one
// line: how input was cut does not show.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/buffer/arena.h"
#include "source/http/name_spellings.h"
#include "source/http1/decoder.h"

namespace proxenos::http1 {

// Non-printable bytes and backslashes as \r, \n, \t, \\ or \xHH.
std::string Escape(absl::string_view bytes);
// The other way; also \(N*text) for N times `text`.
std::string Unescape(absl::string_view text);

// Events of both directions as text. Aborts on an illegal sequence.
class Transcript {
 public:
  void Begin();
  void Head(const std::string& line, const http::HeaderMap& headers, bool final_head);
  void Body(absl::string_view data);
  void BeginTrailers();
  void Trailers(const http::HeaderMap& trailers);
  void Complete();
  void Line(const std::string& line);
  std::string Take();

 private:
  enum class State { kIdle, kBegun, kBody, kInTrailers, kTrailersDone };
  void FlushBody();

  State state_ = State::kIdle;
  std::string text_;
  std::string body_;
};

class RequestRecorder final : public http::RequestVisitor {
 public:
  http::RequestHead& OnMessageBegin() override;
  void OnHead(buffer::Slice head_bytes) override;
  void OnBody(buffer::Slice data) override { transcript.Body(data.view()); }
  http::HeaderMap& OnTrailersBegin() override;
  void OnTrailers(buffer::Slice) override { transcript.Trailers(*trailers_); }
  void OnComplete() override { transcript.Complete(); }

  const http::RequestHead& head() const { return *head_; }

  Transcript transcript;
  buffer::Slice head_bytes;  // Of the last head.
  http::NameStyle names = http::NameStyle::kLowerCase;

 private:
  std::unique_ptr<buffer::Arena> arena_;
  std::unique_ptr<http::RequestHead> head_;
  std::unique_ptr<http::HeaderMap> trailers_;
};

class ResponseRecorder final : public http::ResponseVisitor {
 public:
  http::ResponseHead& OnMessageBegin() override;
  void OnHead(buffer::Slice head_bytes) override;
  void OnInformational(buffer::Slice head_bytes) override;
  void OnBody(buffer::Slice data) override { transcript.Body(data.view()); }
  http::HeaderMap& OnTrailersBegin() override;
  void OnTrailers(buffer::Slice) override { transcript.Trailers(*trailers_); }
  void OnComplete() override { transcript.Complete(); }

  const http::ResponseHead& head() const { return *head_; }

  Transcript transcript;
  buffer::Slice head_bytes;
  http::NameStyle names = http::NameStyle::kLowerCase;

 private:
  std::unique_ptr<buffer::Arena> arena_;
  std::unique_ptr<http::ResponseHead> head_;
  std::unique_ptr<http::HeaderMap> trailers_;
};

}  // namespace proxenos::http1
