/** The path of a request as it may be logged or told: a query may hold a key, and so may a path under `/admin/api-keys`. */
export const shownPath = (url: string): string =>
  (url.split('?')[0] ?? '').replaceAll(/\bsk-[\w-]+/g, 'sk-***')
