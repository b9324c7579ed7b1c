// Whether qvis would load a trace and find its events: what its JSON-SEQ loader and its views ask
// for. Usage: node qvis.mjs FILE.sqlog...     exit 1: it would not
import {readFileSync} from 'node:fs'

const LOADED = ['draft-02', 'draft-02-RC1', 'qlog-03-WIP', '0.3']
let bad = 0, events = 0
const found = new Map() // what the views look for
const count = what => found.set(what, (found.get(what) ?? 0) + 1)

function complain(file, at, what) {
  if (bad++ < 20)
    console.log(`${file}: record ${at}: ${what}`)
}

function header(file, h) {
  if (!LOADED.includes(h.qlog_version) || h.qlog_format !== 'JSON-SEQ' || !h.trace)
    complain(file, 1, `not a header that qvis loads: ${JSON.stringify(h).slice(0, 120)}`)
  if (!['client', 'server', 'network'].includes(h.trace?.vantage_point?.type))
    complain(file, 1, 'no vantage point')
}

// Views look events up by category and type.
function event(file, at, e) {
  const [front, type] = e.name.split(':')
  const category = e.category ?? front
  events++
  if (e.group_id !== undefined)
    complain(file, at, 'group_id in an event splits the trace')
  if (category === 'transport' && /^packet_(sent|received)$/.test(type)) {
    const {header, raw, frames} = e.data
    const bare = ['retry', 'version_negotiation'].includes(header.packet_type)
    if (!header.packet_type || (!bare && header.packet_number === undefined && front !== 'quic'))
      complain(file, at, 'a packet without type or number')
    if (!(raw?.length > 0))
      complain(file, at, 'a packet without raw.length')
    count('packets')
    for (const f of frames ?? []) {
      if (f.frame_type === 'stream' && (f.offset === undefined || f.length === undefined))
        complain(file, at, 'a stream frame without offset or length')
      if (f.frame_type === 'stream')
        count('stream frames')
      if (f.frame_type === 'ack' && f.acked_ranges.length)
        count('acks')
    }
  }
  if (category === 'transport' && type === 'parameters_set' && e.data.owner === 'remote')
    count('limits of the peer')
  if (front === 'recovery' && type === 'metrics_updated' && e.data.latest_rtt >= 0)
    count('metrics')
  if (category === 'recovery' && type === 'packet_lost' && e.data.header.packet_number >= 0)
    count('losses')
}

for (const file of process.argv.slice(2)) {
  const records = readFileSync(file, 'utf8').split('\x1e').slice(1).map(r => JSON.parse(r))
  header(file, records[0])
  if (records.length < 2)
    complain(file, 1, 'a trace without events, which qvis does not load')
  let last = -1
  for (const [i, e] of records.slice(1).entries()) {
    if (e.time < last)
      complain(file, i + 2, 'earlier than the event before')
    last = e.time
    event(file, i + 2, e)
  }
}
for (const what of ['packets', 'stream frames', 'acks', 'limits of the peer', 'metrics'])
  if (!found.has(what))
    complain('all files', 0, `nothing for the view of ${what}`)
console.log(`${events} events, ${[...found].map(([k, v]) => `${v} ${k}`).join(', ')}, ${bad} complaints`)
process.exit(bad ? 1 : 0)
