// The test client.
#include "test/support/test_client.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::testing {

TestClient::TestClient(uint16_t port) : socket_(Socket::Connect(port)), reader_(socket_) {}

std::string TestClient::Text(absl::string_view method, absl::string_view target,
                             const Fields& headers, absl::string_view body) {
  std::string text = absl::StrCat(method, " ", target, " HTTP/1.1\r\n");
  bool host = false;
  for (const auto& [name, value] : headers) host = host || absl::EqualsIgnoreCase(name, "host");
  if (!host) text += "Host: test.example\r\n";
  for (const auto& [name, value] : headers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  if (!body.empty()) absl::StrAppend(&text, "Content-Length: ", body.size(), "\r\n");
  absl::StrAppend(&text, "\r\n", body);
  return text;
}

Message TestClient::Request(absl::string_view method, absl::string_view target,
                            const Fields& headers, absl::string_view body) {
  return Exchange(Text(method, target, headers, body), method);
}

Message TestClient::Get(absl::string_view target, const Fields& headers) {
  return Request("GET", target, headers);
}

Message TestClient::Exchange(absl::string_view bytes, absl::string_view method) {
  if (!socket_.valid()) return Message();
  socket_.Send(bytes);  // A peer that answers early may have closed: what it said still counts.
  return reader_.ReadResponse(method);
}

bool TestClient::SeesClose() {
  Socket::Read how = Socket::Read::kTimeout;
  const std::string rest = reader_.TakeRest() + socket_.ReadAll(&how);
  return rest.empty() && how == Socket::Read::kEnd;
}

}  // namespace proxenos::testing
