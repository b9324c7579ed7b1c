#include "pcap-tools/cli/help.h"

#include <string.h>

#define ALWAYS (QP_O_KEYS | QP_O_JSON)

static const struct qp_command commands[] = {
    {"summary", qp_cmd_summary, QP_BY_CONN | ALWAYS, "FILE...|RUN-DIRECTORY",
     "each connection on a few lines: who, handshake, losses, streams, tracks, end",
     "Each connection: addresses, version, IDs, server name, protocol, cipher, time of the\n"
     "handshake (first Initial to the client's first 1-RTT packet), packets and bytes each way,\n"
     "numbers that the capture does not show, streams, datagrams, MoQT subscriptions, its end.\n"
     "Each file: frames, how many are QUIC. And the secrets that are missing.\n",
     "quicpcap summary --keys keys.log client.pcap"},
    {"explain", qp_cmd_explain, QP_BY_ALL | ALWAYS, "FILE...|RUN-DIRECTORY",
     "what went wrong or right, in sentences; also takes a run directory",
     "What each connection is and did, then sentences about handshakes, packets that stay closed,\n"
     "path changes, losses, resets, flow control, silence, refused requests and closes, each with\n"
     "FILE:N, packet N of that file; then what the checks find, why it is wrong and what to do.\n"
     "Lines are marked WRONG, note or ok. Exit code 1: at least one WRONG. With filters the\n"
     "checks are left out; --conn tells of one connection, the others leave the sentences that\n"
     "point to a packet they choose.\n",
     "quicpcap explain run/"},
    {"packets", qp_cmd_packets, QP_BY_ALL | ALWAYS, "FILE...|RUN-DIRECTORY",
     "one row a QUIC packet, decrypted, at its sender's interface",
     "One row a QUIC packet at its sender's interface, with all its frames. --stream and --frame\n"
     "choose packets that hold such a frame.\n",
     "quicpcap packets --conn 0 --frame RESET_STREAM client.pcap"},
    {"acks", qp_cmd_acks, QP_BY_ALL | ALWAYS, "FILE...|RUN-DIRECTORY",
     "one row an ACK frame: what it newly acknowledges, round-trip time",
     "One row an ACK frame as it arrives at the sender of the data: packet number space, delay\n"
     "that it reports, round-trip time (from the largest newly acknowledged packet at this\n"
     "interface to the ACK; delay not taken off), how many numbers are new, all ranges with\n"
     "the new ones in brackets. --number, --stream and --frame are about the packet that the ACK\n"
     "stands in.\n",
     "quicpcap acks --from client --until 2 client.pcap"},
    {"streams", qp_cmd_streams, QP_BY_ALL | ALWAYS, "FILE...|RUN-DIRECTORY",
     "one row for each direction of each stream",
     "One row for each direction of each stream: kind, bytes, bytes sent again, how it ends, what\n"
     "it carries. --from is who sends on it. --number, --frame, --since and --until: one of the\n"
     "frames about it is such a one, e.g. RESET_STREAM.\n",
     "quicpcap streams --from server client.pcap"},
    {"objects", qp_cmd_objects, QP_BY_ALL | ALWAYS, "FILE...|RUN-DIRECTORY",
     "one row a MoQT object: place in its track, size, first and last byte",
     "One row a MoQT object, when its last byte has come: track, group, subgroup, object, payload\n"
     "bytes, publisher priority (* = the track's default), stream or datagram, times of first and\n"
     "last byte at the server's interface, and END: whole, cut (bytes missing), reset, or the\n"
     "status it stands for. --number and --frame are about the packet with its last byte, --since\n"
     "and --until about its first.\n",
     "quicpcap objects --conn 1 run/capture/relay-sub.0.pcapng"},
    {"follow", qp_cmd_follow, (QP_BY_ALL & ~QP_BY_FRAME) | QP_O_HEX | ALWAYS,
     "FILE...|RUN-DIRECTORY", "the bytes of one stream",
     "The bytes of one direction of a stream, in order, to standard output. Needs --stream;\n"
     "without --conn connection 0, without --from the side that opened the stream. Exit code 1:\n"
     "the stream has a hole, everything in front of it is written. --number, --since and --until\n"
     "write only what such a packet brought, or made readable.\n",
     "quicpcap follow --conn 0 --stream 3 --hex client.pcap"},
    {"diff", qp_cmd_diff, ALWAYS, "FILE1 FILE2",
     "packets of FILE1 with their copies in FILE2, and what a copy changed",
     "Pairs packets that carry stream data of one direction or datagrams in FILE1 with packets of\n"
     "FILE2 that carry the same content, as a relay's copies do, and shows what differs:\n"
     "destination ID, packet number, stream ID, alias, frames left out (padded). Rows without a\n"
     "partner say so: they were not copied, or their bytes were cut into other frames. MoQT\n"
     "content is the same if track, group, subgroup or object, position and bytes are.\n",
     "quicpcap diff run/capture/relay-pub.pcapng run/capture/relay-sub.0.pcapng"},
    {"verify", qp_cmd_verify, ALWAYS, "FILE...|RUN-DIRECTORY",
     "every check; also takes a run directory",
     "Every check of the catalogue; `fanbench list --checks` names them.\n",
     "quicpcap verify run/"},
    {"mutate", qp_cmd_mutate,
     QP_O_PLACES | QP_O_SEED | QP_O_OPERATOR | QP_O_OUT | QP_O_KEYS | QP_O_JSON, "RUN-DIRECTORY...",
     "passing run directories hurt in one place: which check tells",
     "The judge judged. Each operator changes one place of a run that passes: a number\n"
     "repeated, an ACK widened, a copy removed, a line of a log altered... Then the check that\n"
     "the operator names must fail, and no other one that it does not name. One row an operator:\n"
     "places there are in all runs, how many were tried, how often its check told, which other\n"
     "checks told. What went otherwise is told on stderr. Exit code 1 if anything did. --out\n"
     "keeps the hurt runs, each a run directory.\n",
     "quicpcap mutate --operator number-repeated --places 1 --out hurt run/"},
    {"qlog", qp_cmd_qlog,
     (unsigned)QP_BY_ALL | QP_O_QLOG | QP_O_NDJSON | QP_O_VANTAGE | QP_O_OUT | ALWAYS,
     "FILE...|RUN-DIRECTORY", "qlog for viewers: one trace a connection and vantage point",
     "Writes qlog while it reads: packets with all their frames, connection start and close,\n"
     "transport parameters, IDs, addresses, key updates, MoQT streams, objects, datagrams and\n"
     "control messages. Concluded from the packets: packets_acked, packet_lost (three later ones\n"
     "are acknowledged), recovery_metrics_updated (round-trip times and bytes in flight as the\n"
     "capture shows them). What an endpoint thinks does not show: congestion window, timers.\n"
     "\n"
     "A connection that two captures show from both its ends gives two traces, client and\n"
     "server. One capture gives one: of the end that it was taken at if a run directory says\n"
     "so, else `network`, where sent is what the client sends. --vantage says it for you.\n"
     "Without --out one trace goes to standard output: that of connection 0 or --conn N. With\n"
     "it, or QLOGDIR in the environment, each trace is a file, ODCID_client.sqlog.\n"
     "\n"
     "--qlog=draft   main-schema-14, quic-events-13, moqt-07; control messages of\n"
     "               moq-transport-20 as moqt20:control_message_created and _parsed\n"
     "--qlog=hybrid  the same, with what qvis asks for: two members of the header,\n"
     "               category, length in stream frames, owner\n"
     "--qlog=qvis    qlog 0.3 for qvis\n"
     "\n"
     "Filters choose packets; with --number, --frame or --stream nothing else is told, but\n"
     "for the MoQT events of that --stream. --json is --ndjson.\n",
     "quicpcap qlog --qlog=qvis --keys keys.log client.pcap >client.sqlog"},
};

const struct qp_command *qp_command_table(size_t *n) {
  *n = sizeof commands / sizeof *commands;
  return commands;
}

const struct qp_command *qp_command_find(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (!strcmp(name, commands[i].name))
      return &commands[i];
  return NULL;
}

static void all(FILE *to) {
  fputs(
      "quicpcap: what a QUIC and MoQT capture says\n"
      "\n"
      "usage: quicpcap COMMAND [OPTION...] FILE...\n"
      "\n",
      to);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    fprintf(to, "  %-11s%s\n", commands[i].name, commands[i].about);
  fputs(
      "  completion bash or zsh: prints what completes words in that shell\n"
      "\n"
      "FILE is pcap or pcapng, also packed with gzip; - is standard input. Several captures\n"
      "of one run are merged by time. Keys come from the capture itself (pcapng) or from an\n"
      "NSS key log; connections without packet protection (a laboratory mode of fanbench)\n"
      "need none. What breaks off is told to the last whole packet, with exit code 2.\n"
      "\n"
      "  --keys FILE   NSS key log; without it the one that $SSLKEYLOGFILE names, if there\n"
      "  --json        one JSON object a line\n"
      "  --help        this text; quicpcap COMMAND --help: that command's\n"
      "\n"
      "Filters have the same names everywhere: --conn, --from, --number, --stream, --frame,\n"
      "--since, --until. An option that changes nothing for a command is refused.\n"
      "\n"
      "exit code: 0 as expected, 1 not as expected (a check failed, something went wrong, a\n"
      "stream has a hole), 2 bad command line or input, 3 this machine lacks something,\n"
      "4 inconclusive\n"
      "\n"
      "examples:\n"
      "  quicpcap explain --keys keys.log client.pcap\n"
      "  quicpcap packets --conn 0 --from server --since 1.5 run/capture/relay-pub.pcapng\n"
      "  quicpcap streams --keys keys.log client.pcap server.pcap\n"
      "  tcpdump -U -w - udp port 443 | quicpcap packets -\n"
      "  quicpcap verify --json run/\n",
      to);
}

void qp_help(const struct qp_command *c, FILE *to) {
  size_t n;
  const struct qp_option *options = qp_option_table(&n);
  if (!c) {
    all(to);
    return;
  }
  fprintf(to, "usage: quicpcap %s [OPTION...] %s\n\n%s\n", c->name, c->operands, c->text);
  for (size_t i = 0; i < n; i++) {
    const struct qp_option *o = &options[i];
    char both[40];
    snprintf(both, sizeof both, "%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    if (c->options & o->bit)
      fprintf(to, "  %-18s%s\n", both, o->help);
  }
  fprintf(to, "\nexample: %s\n", c->example);
}
