// What is known of the downstream TLS connection.
#include <utility>

#include "source/filters/http/lua/api.h"
#include "source/tls/session_info.h"

namespace proxenos::filters::lua {
namespace {

using tls::SessionInfo;
using Certificate = SessionInfo::Certificate;

const SessionInfo& CheckTls(lua_State* lua) {
  const Run& run = CheckRun(lua, kTlsType);
  return *run.stream().info.connection->tls;  // Which objects of this type are made with.
}

int PushTexts(lua_State* lua, const std::vector<std::string>* texts) {
  lua_newtable(lua);
  if (texts == nullptr) return 1;
  int place = 0;
  for (const std::string& text : *texts) {
    PushText(lua, text);
    lua_rawseti(lua, -2, ++place);
  }
  return 1;
}

// A member of the peer's certificate, or of our own; of none: empty.
template <std::string Certificate::*kMember, bool kPeer>
int TextOf(lua_State* lua) {
  const SessionInfo& session = CheckTls(lua);
  const Certificate* certificate = kPeer ? session.peer() : session.local();
  PushText(lua, certificate == nullptr ? absl::string_view() : certificate->*kMember);
  return 1;
}
template <std::vector<std::string> Certificate::*kMember, bool kPeer>
int TextsOf(lua_State* lua) {
  const SessionInfo& session = CheckTls(lua);
  const Certificate* certificate = kPeer ? session.peer() : session.local();
  return PushTexts(lua, certificate == nullptr ? nullptr : &(certificate->*kMember));
}
template <int64_t Certificate::*kMember>
int TimeOf(lua_State* lua) {
  const Certificate* certificate = CheckTls(lua).peer();
  lua_pushnumber(lua, certificate == nullptr ? 0 : static_cast<lua_Number>(certificate->*kMember));
  return 1;
}

int PeerPresented(lua_State* lua) {
  lua_pushboolean(lua, CheckTls(lua).peer_presented() ? 1 : 0);
  return 1;
}
int PeerValidated(lua_State* lua) {
  lua_pushboolean(lua, CheckTls(lua).peer_validated() ? 1 : 0);
  return 1;
}
int SessionId(lua_State* lua) {
  PushText(lua, CheckTls(lua).session_id_hex());
  return 1;
}
int CipherName(lua_State* lua) {
  PushText(lua, CheckTls(lua).cipher());
  return 1;
}
int TlsVersion(lua_State* lua) {
  PushText(lua, CheckTls(lua).version());
  return 1;
}
int PeerPem(lua_State* lua) {
  PushText(lua, CheckTls(lua).peer_pem_encoded());
  return 1;
}
int PeerChainPem(lua_State* lua) {
  std::string& scratch = Vm::Of(lua).scratch();
  scratch = tls::EncodePem(CheckTls(lua).peer_chain_pem());
  PushText(lua, scratch);
  return 1;
}

int NotImplemented(lua_State* lua) {
  return luaL_error(
      lua,
      "ciphersuiteId(), oids*() and parsedSubjectPeerCertificate(), and what tells of "
      "an issuer's certificate, are not implemented by proxenos");
}

constexpr luaL_Reg kMethods[] = {
    {"peerCertificatePresented", PeerPresented},
    {"peerCertificateValidated", PeerValidated},
    {"uriSanLocalCertificate", TextsOf<&Certificate::uri_sans, false>},
    {"uriSanPeerCertificate", TextsOf<&Certificate::uri_sans, true>},
    {"dnsSansLocalCertificate", TextsOf<&Certificate::dns_sans, false>},
    {"dnsSansPeerCertificate", TextsOf<&Certificate::dns_sans, true>},
    {"sha256PeerCertificateDigest", TextOf<&Certificate::sha256_hex, true>},
    {"serialNumberPeerCertificate", TextOf<&Certificate::serial_hex, true>},
    {"issuerPeerCertificate", TextOf<&Certificate::issuer, true>},
    {"subjectPeerCertificate", TextOf<&Certificate::subject, true>},
    {"subjectLocalCertificate", TextOf<&Certificate::subject, false>},
    {"validFromPeerCertificate", TimeOf<&Certificate::valid_from_s>},
    {"expirationPeerCertificate", TimeOf<&Certificate::expires_s>},
    {"urlEncodedPemEncodedPeerCertificate", PeerPem},
    {"urlEncodedPemEncodedPeerCertificateChain", PeerChainPem},
    {"sessionId", SessionId},
    {"ciphersuiteString", CipherName},
    {"tlsVersion", TlsVersion},
    {"ciphersuiteId", NotImplemented},
    {"oidsPeerCertificate", NotImplemented},
    {"oidsLocalCertificate", NotImplemented},
    {"parsedSubjectPeerCertificate", NotImplemented},
    {"sha256PeerCertificateIssuerDigest", NotImplemented},
    {"serialNumberPeerCertificateIssuer", NotImplemented},
    {nullptr, nullptr},
};

}  // namespace

void OpenTls(lua_State* lua) { DefineType(lua, kTlsType, kMethods, nullptr); }

}  // namespace proxenos::filters::lua
