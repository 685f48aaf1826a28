import { Spooled, SpooledText } from '../../../bytes/spooled.ts'
import type { Answer } from './answer.ts'

/**
 * Long pictures in fields that we do not know, such as a data URL in the arguments of a tool call, are kept, too:
 * their URLs take their place, in the value itself. Long base64 of anything else stays where `files` says so;
 * in a stream it is left out, since nothing says how such a field can be divided.
 * @returns whether anything was changed
 */
export async function keepRest(value: object, answer: Answer, files: 'stay' | 'go'): Promise<boolean> {
  let isChanged = false
  const left: object[] = [value]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    for (const [key, item] of Object.entries(node)) {
      if (item instanceof Spooled || item instanceof SpooledText) {
        Reflect.set(node, key, await replace(item, answer, files))
        isChanged = true
      } else if (typeof item === 'object' && item !== null) left.push(item)
    }
  }
  return isChanged
}

async function replace(item: Spooled | SpooledText, answer: Answer, files: 'stay' | 'go') {
  const parts: (string | Spooled)[] = []
  for (const part of item instanceof Spooled ? [item] : item.parts) {
    if (typeof part === 'string') parts.push(part)
    else if (part.mime !== undefined) parts.push(await answer.keep(part, undefined))
    else if (files === 'stay') parts.push(part)
  }
  return parts.some((part) => part instanceof Spooled) ? new SpooledText(parts) : parts.join('')
}
