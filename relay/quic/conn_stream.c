/* Send buffers, and the order in which streams are written.
 *
 * A stream with something to write stands in a heap ordered by (priority,
 * arrival). Bytes lie in chunks that do not move until they are acknowledged,
 * because ngtcp2 keeps pointers to them for resending. */
#include <stdlib.h>
#include <string.h>

#include "relay/quic/conn_state.h"

#define CHUNK_MIN 1024
#define CHUNK_MAX 65536
#define NOT_READY SIZE_MAX

/* ---- the heap ------------------------------------------------------------------ */

static bool before(const struct qc_stream *a, const struct qc_stream *b) {
  return a->priority != b->priority ? a->priority < b->priority : a->order < b->order;
}

static void heap_put(struct qc *conn, size_t slot, struct qc_stream *stream) {
  conn->ready[slot] = stream;
  stream->heap_slot = slot;
}

static void heap_up(struct qc *conn, size_t slot) {
  struct qc_stream *stream = conn->ready[slot];
  while (slot > 0 && before(stream, conn->ready[(slot - 1) / 2])) {
    heap_put(conn, slot, conn->ready[(slot - 1) / 2]);
    slot = (slot - 1) / 2;
  }
  heap_put(conn, slot, stream);
}

static void heap_down(struct qc *conn, size_t slot) {
  struct qc_stream *stream = conn->ready[slot];
  for (;;) {
    size_t child = 2 * slot + 1;
    if (child >= conn->n_ready)
      break;
    if (child + 1 < conn->n_ready && before(conn->ready[child + 1], conn->ready[child]))
      child++;
    if (!before(conn->ready[child], stream))
      break;
    heap_put(conn, slot, conn->ready[child]);
    slot = child;
  }
  heap_put(conn, slot, stream);
}

struct qc_stream *qc_ready_first(const struct qc *conn) {
  return conn->n_ready ? conn->ready[0] : NULL;
}

void qc_ready_remove(struct qc *conn, struct qc_stream *stream) {
  const size_t slot = stream->heap_slot;
  struct qc_stream *last;

  if (slot == NOT_READY)
    return;
  stream->heap_slot = NOT_READY;
  last = conn->ready[--conn->n_ready];
  if (last == stream)
    return;
  heap_put(conn, slot, last);
  heap_up(conn, slot);
  heap_down(conn, last->heap_slot);
}

static bool has_unsent(const struct qc_stream *stream) {
  return stream->sent < stream->end || (stream->fin && !stream->fin_sent);
}

static void make_ready(struct qc *conn, struct qc_stream *stream) {
  if (stream->dead || stream->blocked || stream->heap_slot != NOT_READY || !has_unsent(stream))
    return;
  /* Room was made when the stream was added. */
  stream->order = conn->next_order++;
  heap_put(conn, conn->n_ready, stream);
  heap_up(conn, conn->n_ready++);
}

/* ---- opened, taken back before they began -------------------------------------- */

static struct qc_stream **spare_place(struct qc *conn, int64_t sid) {
  struct qc_stream **at = &conn->spares;

  while (*at && (*at)->sid < sid)
    at = &(*at)->next_spare;
  return at;
}

static void make_spare(struct qc *conn, struct qc_stream *stream) {
  struct qc_stream **at = spare_place(conn, stream->sid);

  stream->spare = true;
  stream->next_spare = *at;
  *at = stream;
}

static void spare_no_more(struct qc *conn, struct qc_stream *stream) {
  if (!stream->spare)
    return;
  *spare_place(conn, stream->sid) = stream->next_spare;
  stream->spare = false;
}

/* ---- streams ---------------------------------------------------------------------- */

struct qc_stream *qc_stream_find(const struct qc *conn, int64_t sid) {
  struct qc_stream *stream;
  HASH_FIND(hh, conn->streams, &sid, sizeof(sid), stream);
  return stream;
}

struct qc_stream *qc_stream_add(struct qc *conn, int64_t sid) {
  struct qc_stream *stream = calloc(1, sizeof(*stream));

  if (!stream)
    return NULL;
  if (HASH_COUNT(conn->streams) >= conn->room_ready) {
    const size_t room = conn->room_ready ? 2 * conn->room_ready : 16;
    struct qc_stream **ready = realloc(conn->ready, room * sizeof(struct qc_stream *));
    if (!ready) {
      free(stream);
      return NULL;
    }
    conn->ready = ready;
    conn->room_ready = room;
  }
  stream->sid = sid;
  stream->priority = QC_PRIORITY_DEFAULT;
  stream->heap_slot = NOT_READY;
  HASH_ADD(hh, conn->streams, sid, sizeof(sid), stream);
  return stream;
}

void qc_stream_drop(struct qc *conn, struct qc_stream *stream) {
  qc_stream_dead(conn, stream);
  HASH_DEL(conn->streams, stream);
  while (stream->head) {
    struct qc_chunk *chunk = stream->head;
    stream->head = chunk->next;
    free(chunk);
  }
  free(stream);
}

/* The chunks stay: ngtcp2 may hold pointers into them until it closes the
 * stream. */
void qc_stream_dead(struct qc *conn, struct qc_stream *stream) {
  if (stream->dead)
    return;
  qc_ready_remove(conn, stream);
  spare_no_more(conn, stream);
  stream->dead = true;
  conn->unacked -= stream->end - stream->acked;
  conn->unsent -= stream->end - stream->sent;
}

void qc_streams_free(struct qc *conn) {
  struct qc_stream *stream, *next;
  HASH_ITER(hh, conn->streams, stream, next) {
    qc_stream_drop(conn, stream);
  }
  free(conn->ready);
  conn->ready = NULL;
  while (conn->datagram_head) {
    struct qc_datagram *datagram = conn->datagram_head;
    conn->datagram_head = datagram->next;
    free(datagram);
  }
}

void qc_stream_on_acked(struct qc *conn, struct qc_stream *stream, uint64_t upto) {
  if (stream->dead || upto <= stream->acked)
    return;
  conn->unacked -= upto - stream->acked;
  stream->acked = upto;
  while (stream->head && stream->head_off + stream->head->len <= upto) {
    struct qc_chunk *chunk = stream->head;
    if (chunk == stream->next_chunk) {
      /* All of it is sent; more may still be appended to it. */
      if (chunk->len < chunk->room && !stream->fin)
        break;
      stream->next_chunk = chunk->next;
      stream->next_pos = 0;
    }
    stream->head_off += chunk->len;
    stream->head = chunk->next;
    if (!stream->head)
      stream->tail = NULL;
    free(chunk);
  }
}

void qc_stream_unblock(struct qc *conn, struct qc_stream *stream) {
  stream->blocked = false;
  make_ready(conn, stream);
}

/* ---- what is written next ----------------------------------------------------------- */

size_t qc_stream_unsent(const struct qc_stream *stream, ngtcp2_vec *vec, size_t max, bool *fin) {
  struct qc_chunk *chunk = stream->next_chunk;
  size_t pos = stream->next_pos, n = 0;
  uint64_t covered = stream->sent;

  for (; chunk && n < max; chunk = chunk->next, pos = 0) {
    if (pos == chunk->len)
      continue;
    vec[n++] = (ngtcp2_vec){.base = chunk->data + pos, .len = chunk->len - pos};
    covered += chunk->len - pos;
  }
  *fin = stream->fin && covered == stream->end;
  return n;
}

void qc_stream_on_written(struct qc *conn, struct qc_stream *stream, size_t len, bool fin) {
  const bool all = stream->sent + len == stream->end;

  stream->sent += len;
  conn->unsent -= len;
  while (len) {
    const size_t left = stream->next_chunk->len - stream->next_pos;
    if (len < left || (len == left && !stream->next_chunk->next)) {
      stream->next_pos += len;
      break;
    }
    len -= left;
    stream->next_chunk = stream->next_chunk->next;
    stream->next_pos = 0;
  }
  if (fin && all)
    stream->fin_sent = true;
  if (!has_unsent(stream))
    qc_ready_remove(conn, stream);
}

/* ---- the owner's calls ----------------------------------------------------------------- */

static int append(struct qc_stream *stream, const uint8_t *data, size_t len) {
  while (len) {
    struct qc_chunk *tail = stream->tail;
    size_t part;
    if (!tail || tail->len == tail->room) {
      size_t room = len < CHUNK_MIN ? CHUNK_MIN : len > CHUNK_MAX ? CHUNK_MAX : len;
      struct qc_chunk *chunk = malloc(sizeof(*chunk) + room);
      if (!chunk)
        return -1;
      *chunk = (struct qc_chunk){.room = room};
      if (tail)
        tail->next = chunk;
      else
        stream->head = chunk;
      stream->tail = chunk;
      if (!stream->next_chunk) {
        stream->next_chunk = chunk;
        stream->next_pos = 0;
      }
      tail = chunk;
    }
    part = tail->room - tail->len < len ? tail->room - tail->len : len;
    memcpy(tail->data + tail->len, data, part);
    tail->len += part;
    stream->end += part;
    data += part;
    len -= part;
  }
  return 0;
}

int qc_stream_send(struct qc *conn, int64_t sid, const void *data, size_t len, bool fin) {
  struct qc_stream *stream = qc_stream_find(conn, sid);
  uint64_t end;
  int rv;

  if (conn->phase != QC_OPEN)
    return -1;
  if (!stream) {
    /* The sending half of a stream that the peer opened. */
    if (!ngtcp2_is_bidi_stream(sid) || NG_IS(local_stream)(conn->ng, sid) ||
        ngtcp2_conn_set_stream_user_data(conn->ng, sid, NULL))
      return -1;
    stream = qc_stream_add(conn, sid);
    if (!stream)
      return -1;
  }
  if (stream->dead || stream->fin)
    return -1;
  end = stream->end;
  rv = append(stream, data, len);
  conn->unacked += stream->end - end;
  conn->unsent += stream->end - end;
  if (rv == 0)
    stream->fin = fin;
  make_ready(conn, stream);
  return rv;
}

static int64_t open_stream(struct qc *conn, bool bidi) {
  int64_t sid;

  if (conn->phase != QC_OPEN || !conn->handshake_done)
    return -1;
  if (bidi ? ngtcp2_conn_open_bidi_stream(conn->ng, &sid, NULL)
           : ngtcp2_conn_open_uni_stream(conn->ng, &sid, NULL))
    return -1;
  if (!qc_stream_add(conn, sid)) {
    ngtcp2_conn_shutdown_stream(conn->ng, 0, sid, 0);
    return -1;
  }
  return sid;
}

int64_t qc_open_uni(struct qc *conn) {
  struct qc_stream *spare = conn->spares;

  if (conn->phase != QC_OPEN || !spare)
    return open_stream(conn, false);
  spare_no_more(conn, spare);
  spare->priority = QC_PRIORITY_DEFAULT;
  return spare->sid;
}

int64_t qc_open_bidi(struct qc *conn) {
  return open_stream(conn, true);
}

void qc_stream_priority(struct qc *conn, int64_t sid, uint32_t priority) {
  struct qc_stream *stream = qc_stream_find(conn, sid);

  if (!stream || stream->priority == priority)
    return;
  if (stream->heap_slot == NOT_READY) {
    stream->priority = priority;
    return;
  }
  qc_ready_remove(conn, stream);
  stream->priority = priority;
  make_ready(conn, stream);
}

void qc_stream_reset(struct qc *conn, int64_t sid, uint64_t code) {
  struct qc_stream *stream = qc_stream_find(conn, sid);

  if (conn->phase != QC_OPEN)
    return;
  if (stream)
    qc_stream_dead(conn, stream);
  ngtcp2_conn_shutdown_stream_write(conn->ng, 0, sid, code);
}

void qc_stream_stop(struct qc *conn, int64_t sid, uint64_t code) {
  if (conn->phase == QC_OPEN)
    ngtcp2_conn_shutdown_stream_read(conn->ng, 0, sid, code);
}

/* ---- taking back ----------------------------------------------------------------------- */

/* Its bytes from `sent` on: ngtcp2 has no pointer to them. */
static void cut(struct qc *conn, struct qc_stream *stream) {
  struct qc_chunk *chunk = stream->next_chunk;

  qc_ready_remove(conn, stream);
  conn->unacked -= stream->end - stream->sent;
  conn->unsent -= stream->end - stream->sent;
  stream->end = stream->sent;
  if (!chunk)
    return;
  chunk->len = stream->next_pos;
  stream->tail = chunk;
  for (struct qc_chunk *next = chunk->next; next; next = chunk->next) {
    chunk->next = next->next;
    free(next);
  }
}

uint64_t qc_stream_take_back(struct qc *conn, int64_t sid, bool *fin) {
  struct qc_stream *stream = qc_stream_find(conn, sid);

  *fin = false;
  if (!stream || stream->dead)
    return UINT64_MAX;
  *fin = stream->fin = stream->fin_sent;
  cut(conn, stream);
  if (!stream->sent && !*fin && !stream->spare)
    make_spare(conn, stream);
  return stream->sent;
}

size_t qc_datagrams_take_back(struct qc *conn) {
  size_t n = 0;

  for (; conn->datagram_head; n++) {
    struct qc_datagram *datagram = conn->datagram_head;
    conn->datagram_head = datagram->next;
    free(datagram);
  }
  conn->datagram_tail = NULL;
  conn->datagram_bytes = 0;
  return n;
}

/* ---- how much ---------------------------------------------------------------------------- */

uint64_t qc_stream_acked(const struct qc *conn, int64_t sid) {
  const struct qc_stream *stream = qc_stream_find(conn, sid);
  return stream && !stream->dead ? stream->acked : UINT64_MAX;
}

uint64_t qc_unacked(const struct qc *conn) {
  return conn->unacked + conn->datagram_bytes;
}

uint64_t qc_unsent(const struct qc *conn) {
  return conn->datagram_bytes + (NG_GET(max_data_left)(conn->ng) ? conn->unsent : 0);
}

bool qc_stream_waits(const struct qc *conn, int64_t sid) {
  const struct qc_stream *stream = qc_stream_find(conn, sid);
  return stream && !stream->dead && stream->sent < stream->end;
}

static uint64_t less(uint64_t limit, uint64_t waits) {
  return limit > waits ? limit - waits : 0;
}

uint64_t qc_stream_room(const struct qc *conn, int64_t sid) {
  const struct qc_stream *stream = sid < 0 ? NULL : qc_stream_find(conn, sid);
  uint64_t data = less(NG_GET(max_data_left)(conn->ng), conn->unsent), own = 0;

  if (stream && !stream->dead)
    own = less(NG_GET(max_stream_data_left)(conn->ng, sid), stream->end - stream->sent);
  else if (sid < 0 && (conn->spares || NG_GET(streams_uni_left)(conn->ng)))
    own = NG_GET(remote_transport_params)(conn->ng)->initial_max_stream_data_uni;
  return own < data ? own : data;
}
