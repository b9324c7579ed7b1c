// Checks qlog traces (JSON text sequences or NDJSON) against a CDDL file.
//
//   node check.mjs FOLDER-WITH-node_modules SCHEMA.cddl TRACE...     exit 1: something is not as ruled
//   node check.mjs FOLDER SCHEMA.cddl --hurt TRACE...                hurts each record in several ways
//                                                                    first; exit 1: one was accepted
//
// npm's cddl is the parser of the schema; instances are walked here: maps without
// `* text => any` are closed, $x is any of its rules, [n*m T] counts elements.
import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'
import {join, resolve} from 'node:path'

const args = process.argv.slice(2)
const folder = resolve(args.shift())
const require = createRequire(join(folder, 'package.json'))
const {parse} = await import(pathToFileURL(require.resolve('cddl')))
const schema = args.shift()
const hurts = args[0] === '--hurt' && args.shift()

const rules = new Map()
for (const rule of parse(schema)) {
  const known = rules.get(rule.Name) ?? []
  rules.set(rule.Name, [...known, rule])
}
const eventRules = new Map([...rules.keys()].map(name => [name.toLowerCase(), name]))

const fail = (path, what) => `${path || 'record'}: ${what}`
const show = value => JSON.stringify(value)?.slice(0, 80)

const simple = {
  any: () => true,
  bool: v => typeof v === 'boolean',
  text: v => typeof v === 'string',
  number: v => typeof v === 'number',
  // main-schema: what a double cannot hold may stand as digits in a string
  uint: v => Number.isSafeInteger(v) ? v >= 0
    : typeof v === 'string' && /^[1-9][0-9]{15,19}$/.test(v) && BigInt(v) > Number.MAX_SAFE_INTEGER,
}

function named(name, value, path) {
  if (simple[name])
    return simple[name](value) ? null : fail(path, `expected ${name}, found ${show(value)}`)
  const alternatives = rules.get(name)
  if (!alternatives)
    throw new Error(`${schema}: no rule ${name}`)
  let last
  for (const rule of alternatives) {
    last = ruled(rule, value, path)
    if (!last)
      return null
    if (alternatives.length > 1 && value && typeof value === 'object' && tagged(rule, value))
      return last // the rule of this frame type: its complaint is the one to tell
  }
  return alternatives.length > 1 ? fail(path, `matches no rule of ${name}: ${show(value)}`) : last
}

// $QuicFrame /= AckFrame: is the value's frame_type the one of that rule?
function tagged(rule, value) {
  const target = rules.get(rule.PropertyType?.[0]?.Value)?.[0]
  const tag = target?.Properties?.find(p => p.Name === 'frame_type')
  return tag && !anyOf(tag.Type, value.frame_type, '')
}

function ruled(rule, value, path) {
  switch (rule.Type) {
    case 'variable': return anyOf(rule.PropertyType, value, path)
    case 'group': return map(rule.Properties, value, path)
    case 'array': return array(rule.Values, value, path)
    default: throw new Error(`${schema}: rule of an unknown kind ${rule.Type}`)
  }
}

function anyOf(types, value, path) {
  let last
  for (const type of Array.isArray(types) ? types : [types]) {
    last = typed(type, value, path)
    if (!last)
      return null
  }
  return Array.isArray(types) && types.length > 1
    ? fail(path, `expected one of ${types.map(t => t.Value ?? t).join(' ')}, found ${show(value)}`)
    : last
}

function typed(type, value, path) {
  if (typeof type === 'string')
    return named(type, value, path)
  if (type.Operator) {
    const wrong = typed(type.Type, value, path)
    return wrong || limited(type.Operator, value, path)
  }
  switch (type.Type) {
    case 'literal': return value === type.Value ? null : fail(path, `expected ${type.Value}, found ${show(value)}`)
    case 'group': return type.Value ? named(type.Value, value, path) : map(type.Properties, value, path)
    case 'array': return array(type.Values, value, path)
    default: return named(type.Type, value, path)
  }
}

function limited({Type, Value}, value, path) {
  const limit = Value.Value ?? Value
  if (Type === 'size')
    return BigInt(value) < 1n << (8n * BigInt(limit)) ? null : fail(path, `more than ${limit} bytes: ${show(value)}`)
  if (Type === 'regexp')
    return new RegExp(`^(?:${limit})$`).test(value) ? null : fail(path, `not of the form ${limit}: ${show(value)}`)
  throw new Error(`${schema}: unknown control .${Type}`)
}

function map(properties, value, path) {
  if (!value || typeof value !== 'object' || Array.isArray(value))
    return fail(path, `expected an object, found ${show(value)}`)
  const open = properties.some(p => p.Name === 'text' && p.Occurrence.m !== 1)
  const known = new Set()
  for (const p of properties) {
    if (p.Name === 'text' && p.Occurrence.m !== 1)
      continue
    known.add(p.Name)
    if (!(p.Name in value)) {
      if (p.Occurrence.n > 0)
        return fail(path, `lacks ${p.Name}`)
      continue
    }
    const wrong = anyOf(p.Type, value[p.Name], `${path}.${p.Name}`)
    if (wrong)
      return wrong
  }
  const extra = open ? null : Object.keys(value).find(k => !known.has(k))
  return extra ? fail(path, `has no member ${extra}`) : null
}

function array(values, value, path) {
  const {Occurrence: {n, m}, Type} = values[0]
  if (!Array.isArray(value))
    return fail(path, `expected an array, found ${show(value)}`)
  if (value.length < n || (m !== null && value.length > m))
    return fail(path, `expected ${n} to ${m ?? 'any number of'} elements, found ${value.length}`)
  for (const [i, element] of value.entries()) {
    const wrong = anyOf(Type, element, `${path}[${i}]`)
    if (wrong)
      return wrong
  }
  return null
}

// Null, or what is wrong with a record.
function check(record, first) {
  if (first)
    return named('Header', record, '')
  const wrong = named('Event', record, '')
  if (wrong)
    return wrong
  const rule = eventRules.get(record.name.replace(/[:_]/g, ''))
  return rule ? named(rule, record.data, record.name) : fail(record.name, 'no such event')
}

// ---- hurting ------------------------------------------------------------------

// All places of a JSON value, as functions that change a copy of it.
function* places(value, closed) {
  if (!value || typeof value !== 'object')
    return
  if (closed && !Array.isArray(value))
    yield [`extra member`, v => { v.no_such_member = 1 }, []]
  for (const key of Object.keys(value)) {
    if (!Array.isArray(value)) {
      if (closed || /^(time|name|data)$/.test(key))
        yield [`${key} renamed`, v => { v[`${key}x`] = v[key]; delete v[key] }, []]
      yield [`${key} of another type`, v => { v[key] = typeof v[key] === 'object' ? 7 : {} }, []]
      if (typeof value[key] === 'number')
        yield [`${key} negative`, v => { v[key] = closed && !/rtt|delay|variance/.test(key) ? -1 : '1' }, []]
    }
    for (const [what, change, path] of places(value[key], true))
      yield [what, change, [key, ...path]]
  }
}

function* hurt(record, first) {
  for (const [what, change, path] of places(record, first)) {
    const at = path.join('.')
    // open places: whatever stands there is legal
    if (/common_fields/.test(at) && /extra|renamed/.test(what))
      continue
    const copy = structuredClone(record)
    change(path.reduce((v, key) => v[key], copy))
    yield [`${record.name ?? 'header'}: ${at} ${what}`, copy]
  }
}

// ---- main ---------------------------------------------------------------------

let records = 0, bad = 0, made = 0
const seen = new Map()
for (const file of args) {
  const text = readFileSync(file, 'utf8')
  const sequence = text.startsWith('\x1e')
  for (const [i, line] of text.split(sequence ? '\x1e' : '\n').filter(l => l).entries()) {
    if (sequence && !line.endsWith('\n'))
      throw new Error(`${file}: record ${i + 1} has no LF at its end`)
    const record = JSON.parse(line)
    records++
    const kind = record.name ?? 'header'
    seen.set(kind, (seen.get(kind) ?? 0) + 1)
    const wrong = check(record, i === 0)
    if (wrong && bad++ < 20)
      console.log(`${file}: record ${i + 1}: ${wrong}`)
    // a few of each kind are enough to hurt
    for (const [what, copy] of hurts && seen.get(kind) <= 20 ? hurt(record, i === 0) : []) {
      made++
      if (!check(copy, i === 0) && bad++ < 20)
        console.log(`${file}: record ${i + 1}: accepted although hurt: ${what}`)
    }
  }
}
console.log(`${records} records of ${seen.size} kinds, ${hurts ? `${made} hurt ones, ` : ''}${bad} complaints`)
console.log([...seen.keys()].sort().join(' '))
process.exit(bad || !records ? 1 : 0)
