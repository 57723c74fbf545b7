// One element: key=value pairs with semicolons between; several proxies' elements with commas.
#include "source/downstream/client_cert_header.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "source/downstream/origin_rules.h"
#include "source/http/list_field.h"
#include "source/tls/session_info.h"

namespace proxenos::downstream {
namespace {

using ForwardClientCert = HttpConfig::ForwardClientCert;
using http::HeaderId;

void AppendKey(absl::string_view key, std::string& out) {
  absl::StrAppend(&out, out.empty() ? "" : ";", key, "=");
}

// A name out of the client's certificate: quoted where it could pass for the list's own signs.
void AppendName(absl::string_view key, absl::string_view name, std::string& out) {
  AppendKey(key, out);
  if (name.find_first_of(",;=\"") == absl::string_view::npos) {
    out.append(name.data(), name.size());
    return;
  }
  out.push_back('"');
  for (const char c : name) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

// Percent-encoded PEM, quoted.
void AppendPem(absl::string_view key, absl::string_view pem, std::string& out) {
  if (pem.empty()) return;
  AppendKey(key, out);
  absl::StrAppend(&out, "\"", pem, "\"");
}

std::string Describe(const HttpConfig::ClientCertDetails& details,
                     const tls::SessionInfo& session) {
  std::string out;
  const tls::SessionInfo::Certificate* local = session.local();
  if (local != nullptr && !local->uri_sans.empty()) AppendName("By", local->uri_sans[0], out);
  const tls::SessionInfo::Certificate* peer = session.peer();
  if (peer == nullptr) return out;
  AppendKey("Hash", out);
  out += peer->sha256_hex;
  if (details.cert) AppendPem("Cert", session.peer_pem_encoded(), out);
  if (details.chain) AppendPem("Chain", tls::EncodePem(session.peer_chain_pem()), out);
  if (details.subject) {
    AppendKey("Subject", out);
    absl::StrAppend(&out, "\"", peer->subject, "\"");
  }
  if (details.uri) {
    for (const std::string& uri : peer->uri_sans) AppendName("URI", uri, out);
    if (peer->uri_sans.empty()) AppendKey("URI", out);
  }
  if (details.dns) {
    for (const std::string& name : peer->dns_sans) AppendName("DNS", name, out);
  }
  return out;
}

// Null: the fields of the connection manager itself decide.
const ClientCertRule* ChosenRule(const HttpConfig& config, const filter::ConnectionInfo& connection,
                                 const http::RequestHead& head) {
  if (config.origin == nullptr || config.origin->client_cert == nullptr) return nullptr;
  const ClientCertChoice& choice = *config.origin->client_cert;
  const filter::MatchSubject subject{connection, connection.remote(),
                                     connection.requested_server_name, &head};
  const match::Found found = choice.tree.Find(subject);
  return found.state == match::Found::State::kAction ? &choice.rules[found.action] : nullptr;
}

}  // namespace

void MutateClientCertHeader(const HttpConfig& config, const filter::ConnectionInfo& connection,
                            http::RequestHead& head) {
  const ClientCertRule* chosen = ChosenRule(config, connection, head);
  const ForwardClientCert mode = chosen == nullptr ? config.forward_client_cert : chosen->mode;
  const tls::SessionInfo* session = connection.tls;
  http::HeaderMap& headers = head.headers;
  if (mode == ForwardClientCert::kAlwaysForwardOnly) return;
  if (mode == ForwardClientCert::kSanitize || session == nullptr || !session->peer_presented()) {
    headers.Remove(HeaderId::kXForwardedClientCert);
    return;
  }
  if (mode == ForwardClientCert::kForwardOnly) return;
  const std::string element =
      Describe(chosen == nullptr ? config.client_cert_details : chosen->details, *session);
  if (mode == ForwardClientCert::kAppendForward) {
    http::AppendToList(headers, HeaderId::kXForwardedClientCert, ",", element);
  } else {
    headers.Set(HeaderId::kXForwardedClientCert, element);
  }
}

}  // namespace proxenos::downstream
