import { Spooled, SpooledText } from '../../bytes/spooled.ts'

/*
 * Google's parser takes more than one spelling: names in snake_case, one value where a list is meant, null for absent.
 * Bodies are brought into one form before they are checked, and only where we look, since a name of the caller's own
 * (in the schema of a tool, say) is not ours to change.
 */

type Tidy = (value: unknown) => unknown

/** An object whose names become camelCase; `fields` says what to do with those we look into. */
const object =
  (fields: Readonly<Record<string, Tidy>> = {}): Tidy =>
  (value) => {
    if (!isRecord(value)) return value
    const named = Object.entries(value).filter(([, item]) => item !== null)
    return Object.fromEntries(
      named.map(([name, item]) => {
        const camel = camelCase(name)
        return [camel, Object.hasOwn(fields, camel) ? fields[camel]?.(item) : item]
      }),
    )
  }

const list =
  (item: Tidy): Tidy =>
  (value) =>
    (Array.isArray(value) ? value : [value]).map(item)

const upperCase: Tidy = (value) => (typeof value === 'string' ? value.toUpperCase() : value)

/** A body of `generateContent`. */
export const tidyContentBody: Tidy = object({
  contents: list(object({ parts: list(object({ inlineData: object(), fileData: object() })) })),
  generationConfig: object({
    responseModalities: list(upperCase),
    imageConfig: object({ imageSize: upperCase }),
  }),
})

/** A body of `predict`. */
export const tidyPredictBody: Tidy = object({
  instances: list(object({ image: object() })),
  parameters: object({ imageSize: upperCase, sampleImageSize: upperCase, outputOptions: object() }),
})

function camelCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof Spooled || value instanceof SpooledText)
}
