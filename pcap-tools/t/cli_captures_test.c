/* quicpcap explain on captures of other people's programs: what somebody who does not
 * know this code can act on. Made with ci/differential.sh's programs, on loopback:
 *
 *   healthy.pcap    ngtcp2's client gets 5,000 bytes from its server
 *   stalled.pcapng  a window of 16 KiB, 400 kbit/s, and the client is stopped after 0.5 s
 *   alpn.pcap       a client that offers moqt-20, and caddy, which speaks h3 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/cli_run.h"

static int run(const char *options, const char *file) {
  char line[1024];
  const char *src = getenv("SRCDIR");
  snprintf(line, sizeof line, "quicpcap explain%s %s/pcap-tools/t/captures/%s", options,
           src ? src : ".", file);
  return cli_run(line);
}

static const char *keys(const char *file) {
  static char text[512];
  const char *src = getenv("SRCDIR");
  snprintf(text, sizeof text, " --keys %s/pcap-tools/t/captures/%s", src ? src : ".", file);
  return text;
}

static void a_healthy_transfer(void **state) {
  (void)state;
  assert_int_equal(run(keys("healthy.keys"), "healthy.pcap"), 0);
  cli_says(
      "what   QUIC version 1, protocol h3, server name localhost, TLS_AES_128_GCM_SHA256. The "
      "handshake took 37.282 ms. (healthy.pcap:1)");
  cli_says("what   In 0.037 s: client 8 packets (1900 bytes), acknowledged after 0.349 ms at best");
  cli_says("\nclean: 1 connection, 19 QUIC packets, 19 of them opened; 0 wrong, 0 to note");
}

static void no_keys(void **state) {
  (void)state;
  assert_int_equal(run("", "healthy.pcap"), 1);
  cli_says(
      "17 of 19 packets could not be opened: no CLIENT_HANDSHAKE_TRAFFIC_SECRET, "
      "SERVER_HANDSHAKE_TRAFFIC_SECRET, CLIENT_TRAFFIC_SECRET_0, SERVER_TRAFFIC_SECRET_0 for "
      "client random ");
  cli_says(" is known. Let either end write a key log");
}

/* The random is there, with secrets of another connection: no matter how it came to be. */
static void mixed_keys(void **state) {
  (void)state;
  char path[256], line[512], random[65];
  const char *src = getenv("SRCDIR");
  snprintf(path, sizeof path, "%s/pcap-tools/t/captures/healthy.keys", src ? src : ".");
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  snprintf(path, sizeof path, "%s/mixed.keys", tape_dir());
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  while (fgets(line, sizeof line, in)) {
    char label[64], secret[129];
    assert_int_equal(sscanf(line, "%63s %64s %128s", label, random, secret), 3);
    secret[0] = secret[0] == '0' ? '1' : '0';
    fprintf(out, "%s %s %s\n", label, random, secret);
  }
  fclose(in);
  fclose(out);
  snprintf(line, sizeof line, " --keys %s", path);
  assert_int_equal(run(line, "healthy.pcap"), 2);
  cli_says(
      "17 of 19 packets could not be opened: the key log has CLIENT_HANDSHAKE_TRAFFIC_SECRET, ");
  cli_says(", and they do not fit. It was changed or cut, two were mixed");
  cli_talks("give the key log of this capture");
}

static void keys_of_another_run(void **state) {
  (void)state;
  char path[256], line[512];
  snprintf(path, sizeof path, "%s/other.keys", tape_dir());
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fprintf(out, "CLIENT_TRAFFIC_SECRET_0 %064d %064d\n", 1, 2);
  fclose(out);
  snprintf(line, sizeof line, " --keys %s", path);
  assert_int_equal(run(line, "healthy.pcap"), 1);
  cli_says(" is known, only secrets of other connections: the key log is that of another run");
}

static void a_stalled_transfer(void **state) {
  (void)state;
  assert_int_equal(run("", "stalled.pcapng"), 1);
  cli_says(
      "The server stands still: the client allowed it 25135 bytes on all streams together "
      "(MAX_DATA, RFC 9000 4.1), it has sent them all, and the client never allowed more.");
  cli_says("The application of the client does not read");
  cli_says(
      "This is the last packet of the client, and 15 more of the server came in the 3.242 s "
      "after it");
  cli_says("(stalled.pcapng:44)");
}

static void no_protocol_in_common(void **state) {
  (void)state;
  assert_int_equal(run("", "alpn.pcap"), 1);
  cli_says("The handshake failed: no 1-RTT packet of the client. Why stands in the close below.");
  cli_says(
      "The server closed the connection with transport error TLS no_application_protocol "
      "(0x178). The two have no application protocol in common (ALPN, RFC 9001 8.1): configure "
      "one that both speak. The client offers \"moqt-20\" first.");
  cli_says("; 2 wrong, ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_healthy_transfer), cmocka_unit_test(no_keys),
      cmocka_unit_test(mixed_keys),         cmocka_unit_test(keys_of_another_run),
      cmocka_unit_test(a_stalled_transfer), cmocka_unit_test(no_protocol_in_common),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_free();
  return failed;
}
