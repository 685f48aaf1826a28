/** As much of a secret as people need to recognise it: at most its first six and last four characters, and no third of it. */
export function mask(secret: string): string {
  if (secret.length < 32) return `${secret.slice(0, Math.min(4, Math.floor(secret.length / 6)))}…`
  return `${secret.slice(0, 6)}…${secret.slice(-4)}`
}
