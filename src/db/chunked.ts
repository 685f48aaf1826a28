/** Cuts a list for `in (…)`: engines limit the parameters of a statement, and each length is a statement of its own. */
export function* chunked<Value>(values: readonly Value[], size = 1000): Generator<readonly Value[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size)
}
