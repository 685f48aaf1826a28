/** An event that is short enough to be read at once. */
export interface SmallEvent {
  /** Undefined where it has no data, as a comment. */
  data: string | undefined
  /** What the data is as JSON; undefined when it is none. */
  value: unknown
  /** Its other lines, each with its end: comments, `event`, `id`. */
  lines: string
}

/** Takes an event apart (WHATWG HTML, 9.2.6). */
export function readSmallEvent(bytes: Buffer): SmallEvent {
  const data: string[] = []
  let others = ''
  for (const line of bytes.toString('utf8').replace(MARK, '').split(LINE_END)) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    else if (line === 'data') data.push('')
    else if (line !== '') others += `${line}\n`
  }
  const text = data.length === 0 ? undefined : data.join('\n')
  // Where a string is folded over several lines, nothing must be put in.
  return {
    data: text,
    value: parse(text) ?? (data.length > 1 ? parse(data.join('')) : undefined),
    lines: others,
  }
}

const MARK = /^\ufeff/
const LINE_END = /\r\n|\n|\r/

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
