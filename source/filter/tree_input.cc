// Reading texts of connections and messages.
#include "source/filter/tree_input.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/cel/expression.h"
#include "source/filter/stream_attributes.h"
#include "source/http/percent.h"
#include "source/tls/session_info.h"

namespace proxenos::filter {
namespace {

using match::Reading;

// The first parameter of that name.
void ReadParameter(absl::string_view path, absl::string_view wanted, Reading& reading) {
  const size_t query = path.find('?');
  if (query == absl::string_view::npos) return;
  path = path.substr(query + 1);
  path = path.substr(0, path.find('#'));
  for (absl::string_view parameter : absl::StrSplit(path, '&')) {
    const size_t equals = parameter.find('=');
    if (http::PercentDecoded(parameter.substr(0, equals)) != wanted) continue;
    const bool valued = equals != absl::string_view::npos;
    return reading.Keep(valued ? http::PercentDecoded(parameter.substr(equals + 1))
                               : std::string());
  }
}

}  // namespace

void TreeInput::ReadRequest(const http::RequestHead& head, Reading& reading) const {
  if (kind == Kind::kQueryParameter) return ReadParameter(head.path, name, reading);
  header.ForEach(head, [&reading](absl::string_view value) { reading.Add(value); });
}

void TreeInput::ReadResponse(const MatchSubject& subject, Reading& reading) const {
  if (subject.response == nullptr) {
    reading.state = Reading::State::kLater;
    return;
  }
  const http::ResponseHead& head = *subject.response;
  if (kind == Kind::kStatusClass) return reading.Keep(absl::StrCat(head.status / 100, "xx"));
  if (kind == Kind::kLocalReply) return reading.Show(subject.local_reply ? "true" : "false");
  if (kind == Kind::kStatus || name == ":status") return reading.Keep(absl::StrCat(head.status));
  for (const http::Header& field : head.headers) {
    if (field.name() == name) reading.Add(field.value());
  }
}

void TreeInput::ReadCertificate(const MatchSubject& subject, Reading& reading) const {
  const tls::SessionInfo* session = subject.connection.tls;
  // Null when the client has shown none.
  const tls::SessionInfo::Certificate* peer = session == nullptr ? nullptr : session->peer();
  if (peer == nullptr) return;
  if (kind == Kind::kSubject) {
    if (!peer->subject.empty()) reading.Show(peer->subject);
    return;
  }
  for (const std::string& one : kind == Kind::kUriSan ? peer->uri_sans : peer->dns_sans) {
    reading.Add(one);
  }
}

void TreeInput::ReadAddress(const MatchSubject& subject, Reading& reading) const {
  const ConnectionInfo& connection = subject.connection;
  const bool local = kind == Kind::kDestinationIp || kind == Kind::kDestinationPort;
  const net::Address& address = local                           ? connection.local
                                : kind == Kind::kDirectSourceIp ? connection.direct_remote
                                                                : subject.remote;
  const absl::string_view ip = address.IpBytes();
  if (ip.empty()) return;
  if (kind == Kind::kSourceType) {
    if (address.IsLoopback() || ip == connection.local.IpBytes()) reading.Show("local");
    return;
  }
  if (!IsAddress()) return reading.Keep(absl::StrCat(address.port()));
  reading.Keep(address.IpString());
  reading.ip = ip;
}

// One that ran out of what it may cost has come to nothing either way.
void TreeInput::ReadExpression(const MatchSubject& subject, Reading& reading) const {
  cel::Memory memory;
  const cel::Value value = expression->Evaluate(StreamAttributes(subject), memory);
  if (!memory.Step()) {
    reading.state = Reading::State::kLater;
  } else if (value.IsTrue()) {
    reading.Show("true");
  }
}

void TreeInput::Read(const MatchSubject& subject, Reading& reading) const {
  switch (kind) {
    case Kind::kHeader:
    case Kind::kQueryParameter:
      if (subject.head != nullptr) ReadRequest(*subject.head, reading);
      return;
    case Kind::kDestinationIp:
    case Kind::kDestinationPort:
    case Kind::kSourceIp:
    case Kind::kSourcePort:
    case Kind::kDirectSourceIp:
    case Kind::kSourceType:
      return ReadAddress(subject, reading);
    case Kind::kServerName:
      if (!subject.server_name.empty()) reading.Show(subject.server_name);
      return;
    case Kind::kFilterState: {
      const std::string* value = subject.state == nullptr ? nullptr : subject.state->Find(name);
      if (value != nullptr) reading.Show(*value);
      return;
    }
    case Kind::kMetadata:
      if (subject.metadata != nullptr) reading.value = subject.metadata->Find(name, path);
      return;
    case Kind::kUriSan:
    case Kind::kDnsSan:
    case Kind::kSubject:
      return ReadCertificate(subject, reading);
    case Kind::kConstant:
      if (!name.empty()) reading.Show(name);
      return;
    case Kind::kStatus:
    case Kind::kStatusClass:
    case Kind::kResponseHeader:
    case Kind::kLocalReply:
      return ReadResponse(subject, reading);
    case Kind::kExpression:
      if (expression->phase() >= cel::Phase::kResponse && subject.response == nullptr) {
        reading.state = Reading::State::kLater;
      } else {
        ReadExpression(subject, reading);
      }
      return;
  }
}

}  // namespace proxenos::filter
