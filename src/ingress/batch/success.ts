/** The body of a successful reply. */
export const success = <Data>(data: Data) => ({ code: 0 as const, message: 'success' as const, data })
