// TLS, from the certificate's files to whole answers; what a connection does with a plain socket is http_server_test's.
#include "fathom/server/socket_stream.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fathom/base/error.h"
#include "fathom/server/http_server.h"
#include "tests/server/http_client_support.h"

namespace fathom::server {
namespace {

using namespace std::chrono_literals;

// A key and its self-signed certificate in files, for as long as this lives.
class Certificate {
 public:
  Certificate() : folder_(std::filesystem::temp_directory_path() / fmt::format("fathom_tls_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Certificate() { std::filesystem::remove_all(folder_); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string key_file() const { return (folder_ / "key.pem").string(); }
  std::string certificate_file() const { return (folder_ / "certificate.pem").string(); }

 private:
  std::filesystem::path folder_;
};

// The least client that speaks TLS.
class TlsClient {
 public:
  explicit TlsClient(int port) : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    SSL_set_fd(ssl_, socket_);
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(socket_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  void send(const std::string& bytes) { SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())); }
  std::string read_to_end() {
    std::string out;
    char buffer[4096];
    for (int count = 0; (count = SSL_read(ssl_, buffer, sizeof buffer)) > 0;)
      out.append(buffer, static_cast<std::size_t>(count));
    clean_end_ = (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
    return out;
  }
  bool clean_end() const { return clean_end_; }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  int socket_ = -1;
  bool connected_ = false;
  bool clean_end_ = false;
};

HttpHooks hooks() {
  return {.handler =
              [](std::shared_ptr<Exchange> exchange) {
                exchange->begin(200, {});
                for (int i = 0; i < 100; ++i) exchange->write(std::string(10'000, 'x'));
                exchange->end();
              },
          .fault =
              [](const HttpFault& fault, const HttpRequest&) {
                return HttpResponse{.status = fault.status, .headers = {}, .body = fault.message};
              }};
}

HttpConfig config_with(const Certificate& certificate) {
  HttpConfig config;
  config.port = 0;
  config.certificate_file = certificate.certificate_file();
  config.key_file = certificate.key_file();
  config.header_timeout = 200ms;
  return config;
}

TEST(SocketStream, AnswersOverTlsAndEndsAsTlsDoes) {
  const Certificate certificate;
  HttpServer server(config_with(certificate), hooks());
  EXPECT_TRUE(server.tls());
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected());
  client.send(fathom::testing::request_text("POST", "/", "hello", {{"connection", "close"}}));
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_GT(answer.size(), 1'000'000U);
  EXPECT_TRUE(client.clean_end());
}

TEST(SocketStream, WhoSpeaksNoTlsOrNothingIsClosed) {
  const Certificate certificate;
  HttpServer server(config_with(certificate), hooks());
  fathom::testing::HttpClient plain(server.port());
  plain.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(plain.read_to_end().starts_with("HTTP")) << "an alert, or nothing";
  fathom::testing::HttpClient silent(server.port());
  EXPECT_TRUE(silent.closed_by_server());
  TlsClient client(server.port());
  EXPECT_TRUE(client.connected()) << "others come through";
}

TEST(SocketStream, ClientsThatVanishMidwayLeaveNothing) {
  const Certificate certificate;
  HttpServer server(config_with(certificate), hooks());
  for (int i = 0; i < 20; ++i) {
    TlsClient client(server.port());
    client.send(fathom::testing::request_text("POST", "/", "hello"));
  }
  EXPECT_TRUE(server.wait_until_closed(20s));
}

TEST(SocketStream, FilesThatAreNoCertificateAreNamed) {
  const Certificate certificate;
  const auto error_of = [](const std::string& chain, const std::string& key) -> std::string {
    try {
      tls_context(chain, key);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(error_of("/no/such/file", certificate.key_file()).find("/no/such/file"), std::string::npos);
  EXPECT_NE(error_of(certificate.certificate_file(), "/no/such/key").find("/no/such/key"), std::string::npos);
  EXPECT_NE(error_of(certificate.key_file(), certificate.key_file()).find("expected a certificate"), std::string::npos);
  EXPECT_NE(
      error_of(certificate.certificate_file(), certificate.certificate_file()).find("expected the certificate's key"),
      std::string::npos);
  EXPECT_EQ(error_of(certificate.certificate_file(), certificate.key_file()), "no error");
}

}  // namespace
}  // namespace fathom::server
