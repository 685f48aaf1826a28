/** A stretch of a text. `label` is what a reader sees of it besides a picture. */
export interface Stretch {
  start: number
  end: number
  label: string
}

/**
 * The stretch of markdown or HTML that shows the picture whose URL stands from `start` to `end`:
 * `![alt](URL "title")`, `[label](URL)` or `<img … src="URL">`; else the URL alone.
 */
export function widen(text: string, start: number, end: number): Stretch {
  const before = text.slice(Math.max(0, start - LONGEST), start)
  const after = text.slice(end, end + LONGEST)
  const opening = MARKDOWN_BEFORE.exec(before)
  const closing = MARKDOWN_AFTER.exec(after)
  if (opening && closing) {
    const [whole, bang, label = ''] = opening
    return { start: start - whole.length, end: end + closing[0].length, label: bang ? '' : label.trim() }
  }
  const tag = TAG_BEFORE.exec(before)
  const rest = TAG_AFTER.exec(after)
  if (tag && rest) return { start: start - tag[0].length, end: end + rest[0].length, label: '' }
  return { start, end, label: '' }
}

const LONGEST = 600

const MARKDOWN_BEFORE = /(!?)\[([^[\]\n]{0,300})\]\(\s{0,3}<?$/
const MARKDOWN_AFTER = /^>?(?:\s{1,3}(?:"[^"\n]{0,200}"|'[^'\n]{0,200}'))?\s{0,3}\)/
const TAG_BEFORE = /<img\b[^<>]{0,500}$/i
const TAG_AFTER = /^[^<>]{0,500}>/
