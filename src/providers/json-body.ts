import type { OutgoingBody } from '../base/http.ts'
import { Spooled, SpooledText } from '../bytes/spooled.ts'
import { writeJson } from '../bytes/write-json.ts'

/** A value as a JSON body. Looking for pictures costs far less than a stream does. */
export function jsonBody(value: unknown): OutgoingBody {
  return holdsPicture(value) ? pictureBody(value) : JSON.stringify(value)
}

/** A value with pictures in it as a JSON body that is read from disk while it is sent. */
export function pictureBody(value: unknown): OutgoingBody {
  const { length, chunks } = writeJson(value)
  return { stream: chunks(), bytes: length }
}

function holdsPicture(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Spooled || value instanceof SpooledText) return true
  if (Array.isArray(value)) return value.some(holdsPicture)
  for (const name in value) if (holdsPicture(Reflect.get(value, name))) return true
  return false
}
