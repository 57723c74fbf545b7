// PEM as one word.
#include "source/tls/session_info.h"

namespace proxenos::tls {

std::string EncodePem(absl::string_view pem) {
  std::string out;
  out.reserve(pem.size() + pem.size() / 8);
  for (const char c : pem) {
    switch (c) {
      case '\n':
        out += "%0A";
        break;
      case ' ':
        out += "%20";
        break;
      case '+':
        out += "%2B";
        break;
      case '/':
        out += "%2F";
        break;
      case '=':
        out += "%3D";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

const std::string& SessionInfo::peer_pem_encoded() const {
  if (peer_pem_encoded_.empty() && peer() != nullptr) peer_pem_encoded_ = EncodePem(peer()->pem);
  return peer_pem_encoded_;
}

}  // namespace proxenos::tls
