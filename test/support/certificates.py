"""Certificates made by openssl when a test needs them: nothing that expires is in the tree."""

import os
import secrets
import subprocess
import tempfile

KEYS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


def openssl(*arguments, **more):
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}:\n{done.stderr.decode()}")
    return done.stdout


class Pair:
    """A certificate chain and its private key, as files in PEM."""

    def __init__(self, name, chain, key):
        self.name, self.chain, self.key = name, chain, key

    def der(self):
        return openssl("x509", "-in", self.chain, "-outform", "DER")

    def fingerprint(self):
        """SHA-256 of the certificate, in lower-case hex."""
        line = openssl("x509", "-in", self.chain, "-noout", "-fingerprint", "-sha256").decode()
        return line.strip().partition("=")[2].replace(":", "").lower()

    def public_key_hash(self):
        """SHA-256 of the SubjectPublicKeyInfo, in base64: a pin."""
        key = openssl("x509", "-in", self.chain, "-noout", "-pubkey")
        spki = openssl("pkey", "-pubin", "-outform", "DER", input=key)
        digest = openssl("dgst", "-sha256", "-binary", input=spki)
        return openssl("base64", input=digest).decode().strip()


class Authority:
    """A folder of certificates. `root` signs unless `issue` names another."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="certificates-")
        self.root = self.issue("root", authority=True, issuer=None)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)
        return self.path(name)

    def issue(self, name, sans=(), kind="p256", issuer="root", **more):
        """`sans` such as "DNS:a.example"; more: authority, days (of validity from now), usage, subject,
        extensions. A chain holds the certificates of intermediate authorities too."""
        key, request, chain = (self.path(f"{name}.{end}") for end in ("key", "csr", "pem"))
        openssl("genpkey", *KEYS[kind], "-out", key)
        openssl("req", "-new", "-key", key, "-subj", more.get("subject", f"/O=proxenos test/CN={name}"), "-out", request)
        lines = [f"basicConstraints=critical,CA:{'TRUE' if more.get('authority') else 'FALSE'}",
                 "subjectKeyIdentifier=hash"]
        lines.append("keyUsage=critical," + ("keyCertSign,cRLSign" if more.get("authority") else "digitalSignature"))
        if not more.get("authority"):
            lines.append("extendedKeyUsage=" + more.get("usage", "serverAuth,clientAuth"))
        if sans:
            lines.append("subjectAltName=" + ",".join(sans))
        lines += more.get("extensions", ())
        extensions = self.write(f"{name}.ext", "\n".join(lines) + "\n")
        signer = getattr(self, "root", None) if issuer == "root" else issuer
        by = ["-CA", signer.chain, "-CAkey", signer.key] if signer else ["-signkey", key]
        openssl("x509", "-req", "-in", request, *by, "-set_serial", f"0x5{secrets.token_hex(15)}",
                "-days", str(more.get("days", 30)), "-sha256", "-extfile", extensions, "-out", chain)
        if signer is not None and signer is not getattr(self, "root", None):
            with open(signer.chain, encoding="ascii") as text, open(chain, "a", encoding="ascii") as out:
                out.write(text.read())
        return Pair(name, chain, key)

    def revoke(self, *pairs):
        """The path of a revocation list of the root's."""
        config = self.write("ca.cnf", "[ca]\ndefault_ca=it\n[it]\n" + "".join(f"{key}={value}\n" for key, value in {
            "database": self.write("index.txt", ""), "crlnumber": self.write("crlnumber", "01\n"),
            "default_md": "sha256", "default_crl_days": "30"}.items()))
        by = ["ca", "-config", config, "-cert", self.root.chain, "-keyfile", self.root.key]
        for pair in pairs:
            openssl(*by, "-revoke", pair.chain)
        openssl(*by, "-gencrl", "-out", self.path("revoked.crl"))
        return self.path("revoked.crl")
