// Bodies, chunk by chunk.
#include "source/http1/body_decoder.h"

#include <algorithm>

#include "source/base/limits.h"
#include "source/http/trailer_rule.h"
#include "source/http1/chunk_line.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::Framing;

}  // namespace

void BodyDecoder::Begin(const Framing& framing, const Limits& limits) {
  limits_ = limits;
  remaining_ = framing.length;
  element_begun_ = false;
  switch (framing.kind) {
    case Framing::kNone:
      state_ = State::kDone;
      return;
    case Framing::kLength:
      state_ = remaining_ > 0 ? State::kLength : State::kDone;
      return;
    case Framing::kChunked:
      state_ = State::kChunkLine;
      extension_bytes_ = 0;
      trailers_ = nullptr;
      return;
    case Framing::kUntilClose:
      state_ = State::kUntilClose;
      return;
    case Framing::kTunnel:
      state_ = State::kTunnel;
      return;
  }
}

BodyDecoder::Step BodyDecoder::Fail(CodecError error) {
  error_ = error;
  return Step::kError;
}

DecodeResult BodyDecoder::Decode(buffer::Slice& bytes, http::MessageVisitor& visitor) {
  while (state_ != State::kDone) {
    if (bytes.empty()) return DecodeResult::kNeedMore;
    Step step = Step::kGoOn;
    switch (state_) {
      case State::kUntilClose:
      case State::kTunnel:
        visitor.OnBody(std::move(bytes));
        break;
      case State::kLength:
      case State::kChunkData:
        step = TakeData(bytes, visitor);
        break;
      case State::kChunkLine:
        step = TakeChunkLine(bytes);
        break;
      case State::kChunkEnd:
        step = TakeChunkEnd(bytes);
        break;
      case State::kTrailers:
        step = TakeTrailers(bytes, visitor);
        break;
      case State::kDone:
        break;
    }
    if (step == Step::kNeedMore) return DecodeResult::kNeedMore;
    if (step == Step::kError) return DecodeResult::kError;
  }
  visitor.OnComplete();
  return DecodeResult::kMessageComplete;
}

BodyDecoder::Step BodyDecoder::TakeData(buffer::Slice& bytes, http::MessageVisitor& visitor) {
  const uint32_t part = static_cast<uint32_t>(std::min<uint64_t>(bytes.size(), remaining_));
  remaining_ -= part;
  if (remaining_ == 0) {
    state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
  }
  if (part == bytes.size()) {
    visitor.OnBody(std::move(bytes));
  } else {
    visitor.OnBody(bytes.Sub(0, part));
    bytes.RemovePrefix(part);
  }
  return Step::kGoOn;
}

BodyDecoder::Step BodyDecoder::TakeChunkLine(buffer::Slice& bytes) {
  if (!element_begun_) {
    element_begun_ = true;
    section_.Begin(bytes.data(), base::limits::kMaxChunkLineBytes, CodecError::kBadChunk, 0);
  }
  section_.MoveTo(bytes.data());
  char* const end = bytes.data() + bytes.size();
  ChunkLine line;
  LineStatus status = LineStatus::kPartial;
  if (section_.HasLine(end)) status = ReadChunkLine(section_.line(), end, line);
  if (status != LineStatus::kField) {
    const SectionStatus section = status == LineStatus::kBad
                                      ? section_.Refuse(CodecError::kBadChunk, end)
                                      : section_.Unfinished(end);
    return section == SectionStatus::kMore ? Step::kNeedMore : Fail(section_.error());
  }
  if (!section_.FinishLine(line.next)) return Fail(section_.error());
  extension_bytes_ += line.extension_bytes;
  if (extension_bytes_ > base::limits::kMaxChunkExtensionBytesPerMessage) {
    return Fail(CodecError::kBadChunk);
  }
  element_begun_ = false;
  bytes.RemovePrefix(section_.parsed());
  remaining_ = line.size;
  state_ = remaining_ > 0 ? State::kChunkData : State::kTrailers;
  return Step::kGoOn;
}

BodyDecoder::Step BodyDecoder::TakeChunkEnd(buffer::Slice& bytes) {
  if (bytes.data()[0] != '\r') return Fail(CodecError::kBadChunk);
  if (bytes.size() < 2) return Step::kNeedMore;
  if (bytes.data()[1] != '\n') return Fail(CodecError::kBadChunk);
  bytes.RemovePrefix(2);
  state_ = State::kChunkLine;
  return Step::kGoOn;
}

BodyDecoder::Step BodyDecoder::TakeTrailers(buffer::Slice& bytes, http::MessageVisitor& visitor) {
  if (!element_begun_) {
    element_begun_ = true;
    section_.Begin(bytes.data(), limits_.max_trailer_bytes, CodecError::kTrailersTooLarge,
                   limits_.max_trailers);
  }
  if (bytes.data() != section_.base()) {
    if (trailers_ != nullptr) {
      trailers_->Rebase(section_.base(), section_.parsed(), bytes.data());
    }
    section_.MoveTo(bytes.data());
  }
  const SectionStatus status = section_.ReadFields(
      bytes.data() + bytes.size(),
      [this, &visitor](const FieldLine& field) { return TakeTrailer(field, visitor); });
  if (status == SectionStatus::kMore) return Step::kNeedMore;
  if (status == SectionStatus::kError) return Fail(section_.error());
  if (trailers_ != nullptr) visitor.OnTrailers(bytes.Sub(0, section_.parsed()));
  trailers_ = nullptr;
  bytes.RemovePrefix(section_.parsed());
  state_ = State::kDone;
  return Step::kGoOn;
}

CodecError BodyDecoder::TakeTrailer(const FieldLine& field, http::MessageVisitor& visitor) {
  if (field.underscore && limits_.underscores != Underscores::kAllow) {
    return limits_.underscores == Underscores::kDropHeader ? CodecError::kNone
                                                           : CodecError::kUnderscoreInName;
  }
  const http::TrailerRule rule = http::RuleOfTrailer(field.id);
  if (rule == http::TrailerRule::kRefuse) return CodecError::kBadTrailer;
  if (rule == http::TrailerRule::kDrop || !limits_.enable_trailers) return CodecError::kNone;
  if (trailers_ == nullptr) trailers_ = &visitor.OnTrailersBegin();
  trailers_->AddView(field.id, field.name_view(), field.value_view());
  return CodecError::kNone;
}

bool BodyDecoder::OnEof(http::MessageVisitor& visitor) {
  if (state_ != State::kUntilClose && state_ != State::kTunnel && state_ != State::kDone) {
    error_ = CodecError::kUnexpectedEnd;
    return false;
  }
  state_ = State::kDone;
  visitor.OnComplete();
  return true;
}

}  // namespace proxenos::http1
