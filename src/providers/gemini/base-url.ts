/** Where Google's own API is. */
export const GEMINI_BASE_URL = 'https://generativelanguage.googleapis.com/v1beta'

/** A base URL as calls are appended to it: no slash at the end, and a version where none was given. */
export function withVersion(baseUrl: string): string {
  const base = baseUrl.replace(/\/+$/, '')
  return VERSION.test(base) ? base : `${base}/v1beta`
}

const VERSION = /\/v\d+[a-z\d]*$/
