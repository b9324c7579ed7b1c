#include "pcap-tools/dissect/hello.h"

enum {
  CLIENT_HELLO = 1,
  SERVER_HELLO = 2,
  ENCRYPTED_EXTENSIONS = 8,
  EXT_SERVER_NAME = 0,
  EXT_ALPN = 16,
  EXT_QUIC_PARAMS = 57,
};

/* Parameters that are one number. RFC 9000 18.2, RFC 9221. */
static uint64_t *number_of(struct qp_params *p, uint64_t id) {
  switch (id) {
  case 0x01:
    return &p->max_idle_ms;
  case 0x03:
    return &p->max_udp_payload;
  case 0x04:
    return &p->max_data;
  case 0x05:
    return &p->max_stream_data_bidi_local;
  case 0x06:
    return &p->max_stream_data_bidi_remote;
  case 0x07:
    return &p->max_stream_data_uni;
  case 0x08:
    return &p->max_streams_bidi;
  case 0x09:
    return &p->max_streams_uni;
  case 0x0a:
    return &p->ack_delay_exponent;
  case 0x0b:
    return &p->max_ack_delay_ms;
  case 0x0e:
    return &p->active_cid_limit;
  case 0x20:
    return &p->max_datagram_frame;
  default:
    return NULL;
  }
}

static void parse_cid(struct qp_cur c, struct qp_cid *cid) {
  size_t len = qp_left(&c);
  if (c.bad || len > QP_CID_MAX)
    return;
  cid->len = (uint8_t)len;
  if (len)
    memcpy(cid->data, c.p, len);
}

/* Parameters that are something else. */
static void parse_other(struct qp_cur v, struct qp_params *p, uint64_t id) {
  const uint8_t *token = id == 0x02 ? qp_take(&v, sizeof p->reset_token) : NULL;
  switch (id) {
  case 0x00:
    parse_cid(v, &p->original_dcid);
    break;
  case 0x02:
    if (token)
      memcpy(p->reset_token, token, sizeof p->reset_token);
    p->has_reset_token |= token != NULL;
    break;
  case 0x0c:
    p->disable_migration = true;
    break;
  case 0x0d: /* IPv4 and IPv6 addresses and ports, ID, token */
    qp_take(&v, 4 + 2 + 16 + 2);
    parse_cid(qp_sub(&v, qp_u8(&v)), &p->preferred_cid);
    break;
  case 0x0f:
    parse_cid(v, &p->initial_scid);
    break;
  case 0x10:
    parse_cid(v, &p->retry_scid);
    break;
  case 0x1d:
    p->reset_stream_at = true;
    break;
  case 0x2ab2: /* RFC 9287 */
    p->grease_quic_bit = true;
    break;
  case 0xff04de1b:
    p->min_ack_delay = true;
    break;
  default:
    break;
  }
}

static void parse_params(struct qp_cur c, struct qp_params *p) {
  /* defaults of RFC 9000 18.2 */
  *p = (struct qp_params){.seen = true,
                          .max_udp_payload = 65527,
                          .ack_delay_exponent = 3,
                          .max_ack_delay_ms = 25,
                          .active_cid_limit = 2};
  while (qp_left(&c) && !c.bad) {
    uint64_t id = qp_varint(&c);
    struct qp_cur v = qp_sub(&c, qp_varint(&c));
    uint64_t *number = number_of(p, id);
    if (number)
      *number = qp_varint(&v);
    else
      parse_other(v, p, id);
  }
}

/* The first protocol of the list. */
static void parse_alpn(struct qp_cur c, char alpn[32]) {
  qp_u16(&c);
  uint8_t len = qp_u8(&c);
  const uint8_t *name = qp_take(&c, len);
  if (!name || len >= 32)
    return;
  for (uint8_t i = 0; i < len; i++)
    alpn[i] = name[i] > ' ' && name[i] <= '~' ? (char)name[i] : '?';
  alpn[len] = 0;
}

/* The first name of the list if it is a host name. */
static void parse_server_name(struct qp_cur c, struct qp_hello *hello) {
  qp_u16(&c);
  uint8_t name_type = qp_u8(&c);
  uint16_t len = qp_u16(&c);
  const uint8_t *name = qp_take(&c, len);
  if (!name || name_type != 0 || len >= sizeof hello->sni)
    return;
  for (uint16_t i = 0; i < len; i++)
    hello->sni[i] = name[i] > ' ' && name[i] <= '~' ? (char)name[i] : '?';
  hello->sni[len] = 0;
}

static void parse_extensions(struct qp_cur *c, struct qp_hello *hello, struct qp_params *params,
                             bool of_client) {
  struct qp_cur list = qp_sub(c, qp_u16(c));
  while (qp_left(&list) && !list.bad) {
    uint16_t type = qp_u16(&list);
    struct qp_cur body = qp_sub(&list, qp_u16(&list));
    if (type == EXT_ALPN)
      parse_alpn(body, of_client ? hello->alpn : hello->alpn_chosen);
    else if (type == EXT_SERVER_NAME && of_client)
      parse_server_name(body, hello);
    else if (type == EXT_QUIC_PARAMS && params)
      parse_params(body, params);
  }
}

static void client(struct qp_cur c, struct qp_hello *hello) {
  qp_u16(&c);
  const uint8_t *random = qp_take(&c, 32);
  if (random)
    memcpy(hello->random, random, 32);
  hello->client_hello = random != NULL;
  qp_take(&c, qp_u8(&c));  /* session id */
  qp_take(&c, qp_u16(&c)); /* cipher suites */
  qp_take(&c, qp_u8(&c));  /* compression */
  parse_extensions(&c, hello, &hello->client, true);
}

static void server(struct qp_cur c, struct qp_hello *hello) {
  qp_take(&c, 2 + 32);
  qp_take(&c, qp_u8(&c));
  uint16_t suite = qp_u16(&c);
  if (!c.bad) {
    hello->suite = suite;
    hello->server_hello = true;
  }
}

size_t qp_hello_message(struct qp_hello *hello, const uint8_t *data, size_t len) {
  struct qp_cur c = qp_cur(data, len);
  uint8_t type = qp_u8(&c);
  uint64_t body_len = qp_be(&c, 3);
  struct qp_cur body = qp_sub(&c, body_len);
  if (c.bad)
    return 0;
  if (type == CLIENT_HELLO && !hello->client_hello) /* the first, also after a retry request */
    client(body, hello);
  else if (type == SERVER_HELLO)
    server(body, hello);
  else if (type == ENCRYPTED_EXTENSIONS)
    parse_extensions(&body, hello, &hello->server, false);
  return 4 + (size_t)body_len;
}
